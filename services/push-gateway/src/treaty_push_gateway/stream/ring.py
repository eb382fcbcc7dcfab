"""The newest entries of the log, bounded by bytes: where resumes start and slow subscribers fall back."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from treaty_push_gateway.stream.cursor import Position, covers
from treaty_push_gateway.stream.entry import Entry
from treaty_push_gateway.stream.place import Place

__all__ = ["Ring"]

COMPACT: Final = 4096
MARK: Final = 64
"""Entries between two remembered positions, about."""


class Ring:
    """Entries by a sequence number of this node's, `first` inclusive to `next` exclusive.

    `floor` is the position from which on the ring holds every entry: a subscriber at or past it needs
    nothing older. The newest entry is always kept, however large.
    """

    def __init__(self, limit: int, floor: Position = ()) -> None:
        self.floor = floor
        self.bytes = 0
        self.first = 0
        self._limit = limit
        self._entries: list[Entry | None] = []
        self._head = 0
        self._place = Place(floor)
        self._marks = [(0, floor)]

    @property
    def next(self) -> int:
        return self.first + len(self._entries) - self._head

    def __len__(self) -> int:
        return self.next - self.first

    def extend(self, entries: Sequence[Entry]) -> None:
        """Adds the entries, of each partition in the order of their offsets, and lets the oldest go."""
        if self.next - self._marks[-1][0] >= MARK:
            self._marks.append((self.next, self._place.position))
        for entry in entries:
            self._place.take(entry)
        self._entries.extend(entries)
        self.bytes += sum(entry.size for entry in entries)
        while self.bytes > self._limit and len(self) > 1:
            self._drop()
        if self._head > COMPACT and self._head * 2 > len(self._entries):
            del self._entries[: self._head]
            self._head = 0
            del self._marks[: bisect_right(self._marks, self.first, key=_sequence) - 1]

    def find(self, position: Position) -> int:
        """A sequence number before which nothing at or past the position stands; close to the first such."""
        passed = bisect_left(self._marks, True, key=lambda mark: not covers(position, mark[1]))
        return max(self.first, self._marks[max(0, passed - 1)][0])

    def read(self, sequence: int, count: int) -> list[Entry]:
        """Up to `count` entries from a sequence number on, which is within the ring or its `next`."""
        start = self._head + sequence - self.first
        return [entry for entry in self._entries[start : start + count] if entry is not None]

    def holds(self, position: Position) -> bool:
        """Whether everything from the position on is here, as far as it has been read."""
        return covers(position, self.floor)

    def _drop(self) -> None:
        entry, self._entries[self._head] = self._entries[self._head], None
        self._head += 1
        self.first += 1
        if entry is None:
            return
        self.bytes -= entry.size
        floor = list(self.floor) + [0] * (entry.partition + 1 - len(self.floor))
        floor[entry.partition] = entry.offset + 1
        self.floor = tuple(floor)


def _sequence(mark: tuple[int, Position]) -> int:
    return mark[0]
