"""Whether a release's version says what it changed, against the last admitted one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from treaty_contracts.compatibility.containment import SchemaError, Verdict, contains
from treaty_contracts.findings import Finding, Severity
from treaty_contracts.model import Contract

__all__ = ["Bump", "Change", "changes", "judge_release"]


class Bump(IntEnum):
    """The part of a semantic version that has to rise."""

    PATCH = 0
    MINOR = 1
    MAJOR = 2


@dataclass(frozen=True, slots=True)
class Change:
    bump: Bump
    promise: str
    what: str


def _parts(version: str) -> tuple[int, int, int, bool]:
    core, _, pre = version.partition("+")[0].partition("-")
    major, minor, patch = (int(part) for part in core.split("."))
    return major, minor, patch, not pre


def _sets(before: list[str], after: list[str], promise: str) -> list[Change]:
    gone = [
        Change(Bump.MAJOR, promise, f"{item} is no longer served")
        for item in sorted(set(before) - set(after))
    ]
    return gone + [Change(Bump.MINOR, promise, f"{item} is new") for item in sorted(set(after) - set(before))]


def _measurements(before: Contract, after: Contract) -> list[Change]:
    found: list[Change] = []
    old, new = before.emits.measurements, after.emits.measurements
    for name in sorted(set(old) | set(new)):
        promise = f"emits.measurements.{name}"
        if name not in new:
            found.append(Change(Bump.MAJOR, promise, f"the measurement {name} is gone"))
        elif name not in old:
            found.append(Change(Bump.MINOR, promise, f"the measurement {name} is new"))
        elif old[name].quantity != new[name].quantity:
            found.append(Change(Bump.MAJOR, promise, f"{name} measures another quantity"))
        elif (old[name].unit, old[name].range) != (new[name].unit, new[name].range):
            found.append(Change(Bump.MINOR, promise, f"{name} has another unit or range"))
    return found


def _properties(before: Contract, after: Contract) -> list[Change]:
    found: list[Change] = []
    old, new = before.emits.properties, after.emits.properties
    for name in sorted(set(old) | set(new)):
        promise = f"emits.properties.{name}"
        if name not in new:
            found.append(Change(Bump.MAJOR, promise, f"the property {name} is gone"))
        elif name not in old:
            found.append(Change(Bump.MINOR, promise, f"the property {name} is new"))
        elif old[name].type != new[name].type:
            found.append(Change(Bump.MAJOR, promise, f"{name} has another type"))
        elif old[name].values != new[name].values:
            wider = old[name].values is not None and (
                new[name].values is None or set(new[name].values or []) - set(old[name].values or [])
            )
            found.append(
                Change(
                    Bump.MAJOR if wider else Bump.MINOR,
                    promise,
                    f"{name} takes {'further' if wider else 'fewer'} values",
                )
            )
    return found


def _actions(before: Contract, after: Contract) -> list[Change]:
    found: list[Change] = []
    for name in sorted(set(before.actions) | set(after.actions)):
        promise = f"actions.{name}"
        if name not in after.actions:
            found.append(Change(Bump.MAJOR, promise, f"the action {name} is gone"))
            continue
        if name not in before.actions:
            found.append(Change(Bump.MINOR, promise, f"the action {name} is new"))
            continue
        old, new = before.actions[name].arguments, after.actions[name].arguments
        if old == new:
            continue
        try:
            kept = contains(new, old).verdict is Verdict.YES
        except SchemaError:
            kept = False
        found.append(
            Change(
                Bump.MINOR if kept else Bump.MAJOR,
                promise,
                f"{name} takes {'further' if kept else 'fewer'} arguments",
            )
        )
    return found


def changes(before: Contract, after: Contract) -> list[Change]:
    """What consumers of the plugin see changed, with the bump each change asks for."""
    found = [
        *_sets(list(before.models), list(after.models), "models"),
        *_sets(list(before.networks), list(after.networks), "networks"),
        *_sets(list(before.content_types), list(after.content_types), "content_types"),
        *_measurements(before, after),
        *_properties(before, after),
        *_actions(before, after),
    ]
    if before.emits.position and not after.emits.position:
        found.append(Change(Bump.MAJOR, "emits.position", "positions are no longer given"))
    if after.emits.position and not before.emits.position:
        found.append(Change(Bump.MINOR, "emits.position", "positions are new"))
    return found


def judge_release(previous: Contract, current: Contract) -> list[Finding]:
    """Findings of the version; of a change before 1.0.0 a minor bump is asked at most."""
    old, new = _parts(previous.version), _parts(current.version)
    if previous.plugin != current.plugin:
        message = f"the last release is of another plugin: {previous.plugin}"
        return [Finding("V703", Severity.ERROR, message, "plugin")]
    if new <= old:
        return [
            Finding(
                "V702",
                Severity.ERROR,
                "the version is not above the last admitted release's",
                "version",
                expected=f"above {previous.version}",
                observed=current.version,
            )
        ]
    made = changes(previous, current)
    asked = max((change.bump for change in made), default=Bump.PATCH)
    if old[0] == 0:
        asked = min(asked, Bump.MINOR)
    given = Bump.MAJOR if new[0] > old[0] else Bump.MINOR if new[1] > old[1] else Bump.PATCH
    if given >= asked:
        return []
    level = min(asked, Bump.MAJOR)
    expected = f"{old[0] + 1}.0.0" if level is Bump.MAJOR else f"{old[0]}.{old[1] + 1}.0"
    return [
        Finding(
            "V701",
            Severity.ERROR,
            f"{change.what}: that asks for a {change.bump.name.lower()} release",
            change.promise,
            expected=f"at least {expected}",
            observed=current.version,
        )
        for change in made
        if change.bump > given
    ]
