"""What a plugin made of one uplink, stamped by the worker."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from treaty_events.instants import Instant
from treaty_events.links import Link

__all__ = ["Measurement", "Position", "Provenance", "Quality", "ReadingNormalized"]


class Quality(StrEnum):
    GOOD = "good"
    SUSPECT = "suspect"
    LATE = "late"
    ESTIMATED = "estimated"


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number by the name the contract declares, in the canonical UCUM unit of its quantity."""

    name: str
    value: float
    unit: str
    quality: Quality = Quality.GOOD


@dataclass(frozen=True, slots=True)
class Position:
    """WGS 84, degrees; altitude and accuracy in metres."""

    latitude: float
    longitude: float
    altitude: float | None = None
    accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which plugin, by version and package digest, made it of which raw record (an EventId's text)."""

    plugin: str
    version: str
    digest: str
    uplink: str


@dataclass(frozen=True, slots=True)
class ReadingNormalized:
    """Value of reading.normalized.v1. Times are RFC 3339 UTC with milliseconds.

    `ordered_at` is observed_at clamped to what can be true, min(observed_at, received_at + tolerance):
    state keeps the reading with the greatest (ordered_at, offset).
    """

    TYPE: ClassVar[str] = "treaty.reading.normalized.v1"

    device: str
    workspace: str
    site: str
    gateway: str
    model: str
    observed_at: Instant
    ordered_at: Instant
    received_at: Instant
    measurements: tuple[Measurement, ...]
    properties: dict[str, bool | int | float | str]
    provenance: Provenance
    position: Position | None = None
    link: Link | None = None
