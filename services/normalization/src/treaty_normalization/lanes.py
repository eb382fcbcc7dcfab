"""The order of each partition's records while children work on them out of it. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec

from treaty_chassis.kafka.work import Finished, Output, Record
from treaty_normalization.deduplication import Window

__all__ = ["Entry", "Lane"]


class Entry(msgspec.Struct, gc=False):
    """A record in hand: `outputs` is None until it is finished. Dropped with its lane."""

    record: Record
    outputs: Sequence[Output] | None = None
    dropped: bool = False


class Lane:
    """One partition that is this worker's: what is in hand of it, and what was received lately."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self._entries: deque[Entry] = deque()

    def take(self, record: Record) -> Entry:
        entry = Entry(record)
        self._entries.append(entry)
        return entry

    def finished(self) -> list[Finished]:
        """What is done and has nothing undone before it."""
        found = []
        entries = self._entries
        while entries and (outputs := entries[0].outputs) is not None:
            found.append(Finished(entries.popleft().record, outputs))
        return found

    def drop(self) -> None:
        """The partition is another's now, or is worked on anew."""
        for entry in self._entries:
            entry.dropped = True
        self._entries.clear()
