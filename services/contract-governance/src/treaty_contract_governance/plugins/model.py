"""What governance decides of a plugin, as pure functions from the current decision to the next."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from treaty_events.decisions import QUARANTINING, ContractDecided, PluginReported, PluginState
from treaty_events.instants import rfc3339

__all__ = [
    "WORKERS",
    "Digest",
    "Line",
    "PluginName",
    "Reason",
    "Reinstatement",
    "Verdict",
    "Wrong",
    "admit",
    "heed",
    "instant",
    "provide",
    "quarantine",
    "refuse",
    "reinstate",
]

WORKERS: Final = "workers' reports"
"""Who decides where governance follows what workers report: nobody but itself."""
PluginName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f]{1,200}$")]


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return rfc3339(int(moment.timestamp() * 1000))


class Finding(BaseModel):
    """One fact the engine found; what a newer engine adds is kept."""

    model_config = ConfigDict(extra="allow", frozen=True)

    code: Annotated[str, Field(min_length=1, max_length=40)]
    severity: Literal["error", "warning", "note"]
    message: Annotated[str, Field(max_length=10_000)]


class Verdict(BaseModel):
    """The engine's judgement of a package, as `treaty_contracts.Verdict.to_json` writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    verdict: Literal["treaty-verdict/v1"]
    engine: Line
    plugin: PluginName
    version: Line
    digest: Digest
    admitted: bool
    policy: dict[str, Any] = Field(default_factory=dict)
    findings: Annotated[list[Finding], Field(max_length=10_000)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> Verdict:
        if self.admitted == any(finding.severity == "error" for finding in self.findings):
            raise ValueError("`admitted` contradicts the findings: a verdict admits where none is an error")
        return self

    def canonical(self) -> str:
        """One text for one verdict: JSON with sorted keys, in ASCII, so that any finding can be stored."""
        return json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":"))

    def fingerprint(self) -> str:
        """The digest by which a verdict posted again is known."""
        return "sha256:" + hashlib.sha256(self.canonical().encode()).hexdigest()


class Reason(BaseModel):
    """Why a person decides as they do; it goes into the audit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Annotated[str, Field(pattern=r"^[^\x00]{1,2000}$")]


class Reinstatement(BaseModel):
    """Why a quarantine ends, where somebody says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Annotated[str, Field(pattern=r"^[^\x00]{1,2000}$")] = "reinstated"


@dataclass(frozen=True, slots=True)
class Wrong:
    """A decision that cannot be made now, and why."""

    why: str


def _next(current: ContractDecided, by: str, at: str, **changes: Any) -> ContractDecided:
    return replace(current, version=current.version + 1, decided_by=by, decided_at=at, **changes)


def _first(verdict: Verdict, state: PluginState, by: str, at: str, reason: str) -> ContractDecided:
    return ContractDecided(
        plugin=verdict.plugin,
        plugin_version=verdict.version,
        digest=verdict.digest,
        state=state,
        reason=reason,
        decided_by=by,
        decided_at=at,
        version=1,
    )


def admit(current: ContractDecided | None, verdict: Verdict, by: str, at: str) -> ContractDecided:
    """The package becomes the plugin's. A person's quarantine stands until somebody lifts it: it is of the
    plugin, not of one package; one that followed from what workers reported of a package ends with another.
    The same digest again decides nothing: what is returned is then `current` itself."""
    reason = f"verdict of {verdict.engine} admits {verdict.version}"
    if current is None:
        return _first(verdict, PluginState.ADMITTED, by, at, reason)
    if current.digest == verdict.digest and current.state is not PluginState.REFUSED:
        return current
    package = {"plugin_version": verdict.version, "digest": verdict.digest}
    if current.state is PluginState.QUARANTINED and current.decided_by != WORKERS:
        return _next(current, by, at, **package)
    return _next(current, by, at, state=PluginState.ADMITTED, reason=reason, **package)


def refuse(current: ContractDecided | None, verdict: Verdict, by: str, at: str) -> ContractDecided:
    """A package that is not admitted changes nothing for a plugin that has one: that one goes on."""
    errors = sum(finding.severity == "error" for finding in verdict.findings)
    reason = f"verdict of {verdict.engine} refuses {verdict.version}: {errors} error(s)"
    if current is None:
        return _first(verdict, PluginState.REFUSED, by, at, reason)
    if current.state is not PluginState.REFUSED or current.digest == verdict.digest:
        return current
    return _next(current, by, at, plugin_version=verdict.version, digest=verdict.digest, reason=reason)


def quarantine(current: ContractDecided, reason: str, by: str, at: str) -> ContractDecided | Wrong:
    """Workers pause the plugin's partitions; the backlog waits. Once more changes nothing."""
    if current.state is PluginState.QUARANTINED:
        return current
    if current.state is PluginState.REFUSED:
        return Wrong("the plugin is refused: nothing of it runs")
    return _next(current, by, at, state=PluginState.QUARANTINED, reason=reason)


def heed(current: ContractDecided, told: PluginReported, at: str) -> ContractDecided:
    """What a worker's report leads to: a quarantine, where it is of a kind that asks for one and of the
    package that is admitted now; `current` itself otherwise. A report made before the decision that stands
    has been decided on already: it does not undo a reinstatement."""
    if told.kind not in QUARANTINING or current.state is not PluginState.ADMITTED:
        return current
    if told.digest != current.digest or _moment(told.reported_at) < _moment(current.decided_at):
        return current
    return _next(
        current, WORKERS, at, state=PluginState.QUARANTINED, reason=f"{told.kind}: {told.detail}"[:2000]
    )


def _moment(told: str) -> datetime:
    return datetime.fromisoformat(told)


def reinstate(current: ContractDecided, reason: str, by: str, at: str) -> ContractDecided | Wrong:
    """Workers go on from where they stopped. Once more changes nothing."""
    if current.state is PluginState.ADMITTED:
        return current
    if current.state is PluginState.REFUSED:
        return Wrong("the plugin is refused: it needs an admitted verdict")
    return _next(current, by, at, state=PluginState.ADMITTED, reason=reason)


def provide(current: ContractDecided, topic: str, by: str, at: str) -> ContractDecided:
    """The plugin's topic exists: from this decision on uplinks are routed to it."""
    if current.topic == topic:
        return current
    return _next(current, by, at, topic=topic)
