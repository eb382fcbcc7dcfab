"""Reads a command from its record, and tells repeats of it. Pure, but for the history that is read back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from treaty_chassis.kafka.work import Assigned, History, Record
from treaty_events.codec import BodyError, decode
from treaty_events.commands import LONGEST_LIFE_MS, CommandRequested
from treaty_events.headers import header

__all__ = ["Seen", "UnreadableError", "read", "read_back"]

MAX_COMMANDS: Final = 200_000
"""Remembered of one partition, and offsets read back: taking a partition over takes seconds at most."""


class UnreadableError(ValueError):
    """The record is no command: it did not come from the registry, or from one that is broken."""


def read(record: Record) -> CommandRequested:
    """Raises UnreadableError."""
    if record.value is None:
        raise UnreadableError("the record has no value")
    try:
        command = decode(CommandRequested, record.value)
        UUID(command.command)
    except BodyError as error:
        raise UnreadableError(str(error)) from error
    except ValueError as error:
        raise UnreadableError(f"command: expected a UUID, got {command.command[:80]!r}") from error
    identity = header(record.headers, "ce_id")
    if identity != command.command.encode():
        raise UnreadableError(f"header ce_id: expected {command.command}, got {identity!r}"[:300])
    return command


class Seen:
    """The commands of one partition within the longest life of one, by the times of their records."""

    __slots__ = ("_latest", "_seen")

    def __init__(self) -> None:
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._latest = 0

    def __len__(self) -> int:
        return len(self._seen)

    def repeats(self, command: str, at: int) -> bool:
        """Whether the command came before; remembers it. `at` is the time of its record, ms."""
        self._latest = max(self._latest, at)
        before = self._seen.get(command)
        oldest = self._latest - LONGEST_LIFE_MS
        repeat = before is not None and before >= oldest
        if not repeat:
            # What was over counts from now on anew.
            self._seen[command] = at
            self._seen.move_to_end(command)
        while self._seen and (next(iter(self._seen.values())) < oldest or len(self._seen) > MAX_COMMANDS):
            self._seen.popitem(last=False)
        return repeat


def read_back(assigned: Assigned, history: History) -> Seen:
    """What whoever worked on the partition before had seen at `assigned.offset`: the log says it."""
    seen = Seen()
    partition, offset = assigned
    nearest = next(history.read(partition, offset), None)
    if nearest is None:
        nearest = _last(history.read(partition, max(0, offset - 1000), offset))
    if nearest is None:
        return seen
    start = history.offset_at(partition, max(0, nearest.timestamp_ms - LONGEST_LIFE_MS))
    if start is None or start >= offset:
        return seen
    for record in history.read(partition, max(start, offset - MAX_COMMANDS), offset):
        try:
            seen.repeats(read(record).command, record.timestamp_ms)
        except UnreadableError:
            continue
    return seen


def _last(records: Iterator[Record]) -> Record | None:
    found = None
    for record in records:
        found = record
    return found
