"""What a decoder's reply says, held against what the contract declares and a vector expects."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from treaty_contracts.model import Contract
from treaty_contracts.probe.values import UnreadableError, own_kind, plain, shown, type_names

__all__ = ["DecodedReading", "MismatchError", "differences", "readings_of"]

_READING = "treaty.reading.Reading"
_POSITION = "treaty.reading.Position"
_TYPES = {"boolean": (bool,), "integer": (int,), "number": (int, float), "string": (str,)}


class MismatchError(ValueError):
    """The output is not what the contract declares."""

    def __init__(self, code: str, message: str, promise: str = "emits") -> None:
        self.code = code
        self.promise = promise
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class DecodedReading:
    measurements: dict[str, float] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    position: dict[str, float] | None = None
    observed_at: datetime | None = None


def _fields(rendered: Any, kind: str) -> dict[str, Any]:
    match rendered:
        case ["object", [str(name), *_], [*parts]] if name == kind:
            return {str(name): part for name, part in parts}
    raise MismatchError("P505", f"expected treaty.{kind.rsplit('.', 1)[1]}, got {_kind(rendered)}")


def _kind(rendered: Any) -> str:
    try:
        return type_names(rendered)[0]
    except UnreadableError:
        return "an unreadable value"


def _mapping(rendered: Any, what: str) -> dict[Any, Any]:
    if own_kind(rendered):
        raise MismatchError("P505", f"{what}: {_kind(rendered)} is a kind of mapping of the package's own")
    try:
        value = plain(rendered)
    except (UnreadableError, ValueError, TypeError) as error:
        raise MismatchError("P505", f"{what}: {error}") from None
    if not isinstance(value, dict):
        raise MismatchError("P505", f"{what}: expected a mapping, got {_kind(rendered)}")
    return value


def _measurements(rendered: Any, contract: Contract) -> dict[str, float]:
    values = _mapping(rendered, "measurements")
    for name, value in values.items():
        if name not in contract.emits.measurements:
            raise MismatchError("P506", f"the measurement {name!r} is not declared", "emits.measurements")
        promise = f"emits.measurements.{name}"
        if type(value) not in (int, float):
            raise MismatchError("P505", f"{name}: expected a number, got {type(value).__name__}", promise)
        if not math.isfinite(value):
            raise MismatchError("P505", f"{name}: {value!r} is not a finite number", promise)
    return values


def _properties(rendered: Any, contract: Contract) -> dict[str, Any]:
    values = _mapping(rendered, "properties")
    for name, value in values.items():
        declared = contract.emits.properties.get(name)
        if declared is None:
            raise MismatchError("P506", f"the property {name!r} is not declared", "emits.properties")
        promise = f"emits.properties.{name}"
        if type(value) not in _TYPES[declared.type]:
            raise MismatchError(
                "P505", f"{name}: expected {declared.type}, got {type(value).__name__}", promise
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise MismatchError("P505", f"{name}: {value!r} is not a finite number", promise)
        if declared.values is not None and value not in declared.values:
            raise MismatchError("P505", f"{name}: {value!r} is not among the declared values", promise)
    return values


def _position(rendered: Any, contract: Contract) -> dict[str, Any] | None:
    if rendered == ["none"]:
        return None
    if not contract.emits.position:
        raise MismatchError("P506", "a position is given and none is declared", "emits.position")
    position: dict[str, Any] = {}
    bounds = {"latitude": 90, "longitude": 180}
    for name, part in _fields(rendered, _POSITION).items():
        value: Any = plain(part)
        if value is None and name not in bounds:
            continue
        if type(value) not in (int, float) or not math.isfinite(value):
            raise MismatchError(
                "P505", f"position.{name}: expected a finite number, got {shown(part)}", "emits.position"
            )
        if name in bounds and abs(value) > bounds[name]:
            raise MismatchError("P505", f"position.{name}: {value} degrees", "emits.position")
        position[name] = value
    return position


def _observed_at(rendered: Any) -> datetime | None:
    match rendered:
        case ["none"]:
            return None
        case ["datetime", str(text), True]:
            return datetime.fromisoformat(text)
        case ["datetime", _, False]:
            raise MismatchError("P505", "observed_at: a datetime without a time zone")
    raise MismatchError("P505", f"observed_at: expected a datetime, got {_kind(rendered)}")


def readings_of(rendered: Any, contract: Contract) -> list[DecodedReading]:
    """The readings a decoder gave. Raises MismatchError where they are not what the contract declares."""
    if not (isinstance(rendered, list) and len(rendered) == 2 and rendered[0] == "list"):
        raise MismatchError(
            "P505", f"expected a list of treaty.Reading, got {_kind(rendered)}", "entry.decode"
        )
    found = []
    for item in rendered[1]:
        parts = _fields(item, _READING)
        try:
            found.append(
                DecodedReading(
                    _measurements(parts["measurements"], contract),
                    _properties(parts["properties"], contract),
                    _position(parts["position"], contract),
                    _observed_at(parts["observed_at"]),
                )
            )
        except (KeyError, UnreadableError, ValueError, TypeError) as error:
            if isinstance(error, MismatchError):
                raise
            raise MismatchError("P505", f"the reading cannot be read: {error}") from None
    return found


def _same(expected: Any, observed: Any) -> bool:
    if isinstance(expected, bool) or isinstance(observed, bool):
        return expected is observed
    if isinstance(expected, int | float) and isinstance(observed, int | float):
        return math.isclose(expected, observed, rel_tol=1e-9, abs_tol=1e-12)
    return bool(expected == observed)


def _moment(value: Any) -> datetime | None:
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value / 1000).astimezone()
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def differences(expected: list[dict[str, Any]], observed: list[DecodedReading]) -> list[tuple[str, str, str]]:
    """Where the readings differ from a vector's, as (path, expected, observed); floats to 1e-9 relative."""
    if len(expected) != len(observed):
        return [("readings", f"{len(expected)} readings", f"{len(observed)} readings")]
    found: list[tuple[str, str, str]] = []
    for index, (wanted, given) in enumerate(zip(expected, observed, strict=True)):
        for part in ("measurements", "properties", "position"):
            left = wanted.get(part) or {}
            right = getattr(given, part) or {}
            if part == "position" and part not in wanted:
                continue
            for name in sorted(set(left) | set(right)):
                if part == "position" and left.get(name) is None and right.get(name) is None:
                    continue
                if name not in left or name not in right or not _same(left[name], right[name]):
                    found.append(
                        (
                            f"readings[{index}].{part}.{name}",
                            repr(left[name]) if name in left else "absent",
                            repr(right[name]) if name in right else "absent",
                        )
                    )
        if "observed_at" in wanted:
            moment = _moment(wanted["observed_at"])
            if moment != given.observed_at:
                found.append(
                    (f"readings[{index}].observed_at", str(wanted["observed_at"]), str(given.observed_at))
                )
    return found
