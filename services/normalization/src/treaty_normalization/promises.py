"""What a plugin's contract promises of its readings, made ready for the hot path.

Conversion is checked and precomputed here once: a plugin's unit that does not convert to its quantity's
canonical one is an error of the contract, never of a message.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from treaty.quantities import conversion, quantity
from treaty_contracts import Contract
from treaty_sandbox import ReadingValues

__all__ = ["Promised", "Promises", "ViolationError"]


class ViolationError(ValueError):
    """A reading is not what the contract promises; the message says which part."""


@dataclass(frozen=True, slots=True)
class Promised:
    """One measurement: value * factor / divisor + offset is in `unit`; outside [low, high] it is suspect."""

    unit: str
    factor: float
    divisor: float
    offset: float
    identity: bool
    low: float
    high: float

    def canonical(self, value: float) -> float:
        """In `unit`."""
        return value * self.factor / self.divisor + self.offset


@dataclass(frozen=True, slots=True)
class PromisedProperty:
    kinds: tuple[type, ...]
    wording: str
    values: frozenset[str | int | bool] | None


_KINDS: Mapping[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
}


class Promises:
    """A contract's `emits`. Raises QuantityError, UnitError at construction."""

    def __init__(self, contract: Contract) -> None:
        self.measurements = {
            name: _promised(measurement.quantity, measurement.unit, measurement.range)
            for name, measurement in contract.emits.measurements.items()
        }
        self.plan = {
            name: (m.unit, m.low, m.high, None if m.identity else m.canonical)
            for name, m in self.measurements.items()
        }
        """The measurements as the hot path unpacks them: canonical unit, plausible range, conversion."""
        self.properties = {
            name: PromisedProperty(
                _KINDS[prop.type], prop.type, None if prop.values is None else frozenset(prop.values)
            )
            for name, prop in contract.emits.properties.items()
        }
        self.position = contract.emits.position

    def check(self, reading: ReadingValues) -> None:
        """Raises ViolationError for a property or position that the contract does not promise."""
        for name, held in reading.properties.items():
            self._check_property(name, held)
        if reading.position is not None:
            self._check_position(reading.position)

    def _check_property(self, name: str, value: Any) -> None:
        promised = self.properties.get(name)
        if promised is None:
            raise ViolationError(f"property {name[:80]!r} is not declared")
        if type(value) not in promised.kinds:
            raise ViolationError(f"property {name!r}: {promised.wording} promised, got {_shown(value)}")
        if promised.values is not None and value not in promised.values:
            raise ViolationError(f"property {name!r}: {_shown(value)} is none of the declared values")
        if type(value) is float and not math.isfinite(value):
            raise ViolationError(f"property {name!r} is {value}")

    def _check_position(self, position: Any) -> None:
        if not self.position:
            raise ViolationError("a position is not declared")
        numbers = (position.latitude, position.longitude, position.altitude, position.accuracy)
        if not all(math.isfinite(n) for n in numbers if n is not None):
            raise ViolationError("the position is not finite")
        if abs(position.latitude) > 90 or abs(position.longitude) > 180:
            raise ViolationError(f"no place on Earth: {position.latitude}, {position.longitude}")


def _promised(name: str, unit: str, narrowed: list[float | int] | None) -> Promised:
    known = quantity(name)
    to = conversion(name, unit)
    low, high = known.low, known.high
    if narrowed is not None:
        ends = sorted(to(float(end)) for end in narrowed)
        low, high = max(low, ends[0]), min(high, ends[1])
    return Promised(known.unit, to.factor, to.divisor, to.offset, to.identity, low, high)


def _shown(value: object) -> str:
    return repr(value)[:80]
