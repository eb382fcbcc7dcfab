"""One reading as the gateway keeps it: what filters ask of it, and its JSON ready to send."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from sys import intern
from typing import Final

import msgspec

from treaty_chassis.tracing.context import read
from treaty_events.headers import Headers, header
from treaty_push_gateway.stream.cursor import Position

__all__ = ["Entry", "EntryError", "Tick", "Ticks", "read_entry"]

OVERHEAD: Final = 400
"""Bytes an Entry takes beside its JSON, about."""
TRACED: Final = 104
"""Bytes more where it has a traceparent, which is a string of 55 characters."""
ABSENT: Final = msgspec.Raw()
_BREAKS = re.compile(rb"[\r\n]")


class EntryError(ValueError):
    """A record of the readings' topic is no reading; the message says why."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """`names` are the measurements', the properties' and `position`; `body` the JSON with the `id`
    first, then the `traceparent` where the record has one."""

    partition: int
    offset: int
    timestamp_ms: int
    device: str
    workspace: str
    model: str
    ordered_at: str
    names: tuple[str, ...]
    body: bytes
    traceparent: str | None = None

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        return len(self.body) + OVERHEAD + (0 if self.traceparent is None else TRACED)


class Tick(msgspec.Struct, frozen=True):
    """Entries as they were read, and the reader's position after them; at most one frame's worth."""

    entries: tuple[Entry, ...]
    position: Position


class _Named(msgspec.Struct):
    name: str


class _Summary(msgspec.Struct):
    device: str
    workspace: str
    model: str
    ordered_at: str
    measurements: list[_Named]
    properties: dict[str, msgspec.Raw] = {}
    position: msgspec.Raw = ABSENT
    id: msgspec.Raw = ABSENT
    traceparent: msgspec.Raw = ABSENT


_decoder = msgspec.json.Decoder(_Summary)


def read_entry(
    partition: int, offset: int, timestamp_ms: int, value: bytes | None, headers: Headers
) -> Entry:
    """Raises EntryError when the record is not a ReadingNormalized with its `ce_id`."""
    ce_id = header(headers, "ce_id")
    if ce_id is None or value is None:
        raise EntryError("the value is empty" if ce_id is not None else "header ce_id is missing")
    try:
        found = _decoder.decode(value)
        identity = msgspec.json.encode(ce_id.decode())
        if _BREAKS.search(value):
            value = msgspec.json.format(value, indent=-1)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EntryError(str(error)) from error
    if bytes(found.id) or bytes(found.traceparent):
        raise EntryError("the reading has an `id` or a `traceparent` of its own")
    names = [*(m.name for m in found.measurements), *found.properties]
    if bytes(found.position) not in {b"", b"null"}:
        names.append("position")
    traceparent = read(headers)
    traced = b"" if traceparent is None else b'"traceparent":"' + traceparent.encode() + b'",'
    return Entry(
        partition,
        offset,
        timestamp_ms,
        intern(found.device),
        intern(found.workspace),
        intern(found.model),
        found.ordered_at,
        _shared(tuple(dict.fromkeys(names))),
        b'{"id":' + identity + b"," + traced + value.lstrip()[1:],
        traceparent,
    )


@lru_cache(4096)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(intern, names))


class Ticks:
    """Cuts what a reader reads into ticks of at most `limit` bytes (or one entry), each with its position."""

    def __init__(self, position: Position, limit: int) -> None:
        self.position = position
        self._limit = limit

    def cut(self, entries: Sequence[Entry], reached: Sequence[tuple[int, int]] = ()) -> Iterator[Tick]:
        """`reached` are (partition, next offset) the reader knows to stand at after the entries."""
        offsets, before = list(self.position), self.position
        pending: list[Entry] = []
        size = 0
        for entry in entries:
            if pending and size + len(entry.body) > self._limit:
                yield Tick(tuple(pending), tuple(offsets))
                pending, size = [], 0
            pending.append(entry)
            size += len(entry.body)
            _advance(offsets, entry.partition, entry.offset + 1)
        for partition, offset in reached:
            _advance(offsets, partition, offset)
        self.position = tuple(offsets)
        if pending or self.position != before:
            yield Tick(tuple(pending), self.position)


def _advance(offsets: list[int], partition: int, offset: int) -> None:
    offsets.extend([0] * (partition + 1 - len(offsets)))
    offsets[partition] = max(offsets[partition], offset)
