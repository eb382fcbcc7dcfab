"""From readings to state, purely: a batch is conflated to the latest of each device and name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

from treaty_events.codec import encode
from treaty_events.readings import ReadingNormalized

__all__ = ["Key", "Latest", "Seen", "names", "step"]


class Seen(NamedTuple):
    """A reading and its offset. All readings of a device are in one partition."""

    reading: ReadingNormalized
    offset: int


class Key(NamedTuple):
    """`kind` is measurement, property or position; the position's name is empty."""

    device: str
    kind: str
    name: str


class Latest(NamedTuple):
    """The value as JSON, and when; unit and quality are a measurement's."""

    value: bytes
    unit: str | None
    quality: str | None
    observed_at: datetime
    ordered_at: datetime
    received_at: datetime
    offset: int


State: TypeAlias = Mapping[Key, Latest]


def names(seen: Seen) -> Iterator[tuple[Key, Latest]]:
    """What one reading says, name by name. Raises ValueError where a time is none."""
    reading, offset = seen
    times = (
        _moment(reading.observed_at),
        _moment(reading.ordered_at),
        _moment(reading.received_at),
        offset,
    )
    for one in reading.measurements:
        yield (
            Key(reading.device, "measurement", one.name),
            Latest(encode(one.value), one.unit, one.quality.value, *times),
        )
    for name, value in reading.properties.items():
        yield Key(reading.device, "property", name), Latest(encode(value), None, None, *times)
    if reading.position is not None:
        yield Key(reading.device, "position", ""), Latest(encode(reading.position), None, None, *times)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def step(state: State, batch: Iterable[Seen]) -> tuple[State, State]:
    """The state after the batch, and what of it is new: per key that of greatest (ordered_at, offset).

    Any way of cutting a log into batches gives the same state, and so does any order of applying what is
    new: the projector relies on it, keeping the state in the database and beginning each batch with none.
    """
    after, new = dict(state), {}
    for seen in batch:
        for key, latest in names(seen):
            held = after.get(key)
            if held is None or (held.ordered_at, held.offset) <= (latest.ordered_at, latest.offset):
                after[key] = new[key] = latest
    return after, new
