"""A position that moves through the log."""

from __future__ import annotations

from treaty_push_gateway.stream.cursor import Position, covers, furthest
from treaty_push_gateway.stream.entry import Entry

__all__ = ["Place"]


class Place:
    """Which entries are still wanted: those at or past the next offset of their partition."""

    def __init__(self, position: Position) -> None:
        self._offsets = list(position)

    @property
    def position(self) -> Position:
        return tuple(self._offsets)

    def take(self, entry: Entry) -> bool:
        """Whether the entry is still wanted; if so the place moves past it."""
        if entry.partition >= len(self._offsets):
            self._offsets.extend([0] * (entry.partition + 1 - len(self._offsets)))
        if entry.offset < self._offsets[entry.partition]:
            return False
        self._offsets[entry.partition] = entry.offset + 1
        return True

    def reach(self, position: Position) -> None:
        """Moves forward to the position; never back."""
        if not covers(self.position, position):
            self._offsets = list(furthest(self.position, position))
