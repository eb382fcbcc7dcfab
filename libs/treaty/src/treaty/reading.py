"""What a decoder returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

__all__ = ["Decoded", "Position", "PropertyValue", "Reading"]

PropertyValue: TypeAlias = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Position:
    """WGS 84, degrees; altitude and accuracy in metres, None where unknown."""

    latitude: float
    longitude: float
    altitude: float | None = None
    accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one uplink says of one moment.

    `measurements` maps the names the contract declares to numbers in the units it declares;
    `properties` maps declared names to booleans, enumerations, counts and text. `observed_at` is
    None where the payload carries no time of its own: the uplink's time then holds.
    """

    measurements: Mapping[str, float] = field(default_factory=dict)
    properties: Mapping[str, PropertyValue] = field(default_factory=dict)
    position: Position | None = None
    observed_at: datetime | None = None


Decoded: TypeAlias = list[Reading]
