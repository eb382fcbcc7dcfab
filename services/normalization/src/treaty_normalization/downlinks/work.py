"""What the runner drives for commands: each partition's in order, each with its outcome."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from treaty_chassis.kafka.work import Assigned, Finished, History, Output, Partition, Record
from treaty_events.commands import CommandState
from treaty_normalization.deadletters import dead_letter
from treaty_normalization.downlinks.commands import Seen, UnreadableError, read, read_back
from treaty_normalization.downlinks.encoding import Encoding, Entry
from treaty_normalization.downlinks.outcome import ended

__all__ = ["CommandWork"]


class _Lane:
    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.entries: deque[Entry] = deque()

    def finished(self) -> list[Finished]:
        found = []
        while self.entries and (outputs := self.entries[0].outputs) is not None:
            found.append(Finished(self.entries.popleft().record, outputs))
        return found

    def drop(self) -> None:
        for entry in self.entries:
            entry.dropped = True
        self.entries.clear()


class CommandWork:
    """A treaty_chassis Work over command topics. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._encodings: dict[str, Encoding] = {}
        """Never changed in place: another thread adds plugins."""
        self._clock = clock
        self._lanes: dict[Partition, _Lane] = {}

    def host(self, topic: str, encoding: Encoding) -> None:
        """One more plugin, before its topic is read. From any thread."""
        self._encodings = {**self._encodings, topic: encoding}

    def owns(self, topic: str) -> bool:
        """Whether the topic is one of commands that are encoded here."""
        return topic in self._encodings

    def assigned(self, partitions: Sequence[Assigned], history: History) -> None:
        for assigned in partitions:
            self._drop(assigned.partition)
            self._lanes[assigned.partition] = _Lane(read_back(assigned, history))

    def revoked(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            self._drop(partition)

    def submit(self, records: Sequence[Record], now_ms: int) -> None:
        for record in records:
            self._take(record)
        self._poll(now_ms)

    def collect(self, now_ms: int) -> Sequence[Finished]:
        self._poll(now_ms)
        return [finished for lane in self._lanes.values() for finished in lane.finished()]

    def reset(self) -> None:
        for partition in list(self._lanes):
            self._drop(partition)
        for encoding in self._encodings.values():
            encoding.reset()

    def filenos(self) -> Sequence[int]:
        return sorted({fileno for e in self._encodings.values() for fileno in e.filenos()})

    def dead_letter(self, record: Record, reason: str, detail: str) -> Output:
        """A command's end where it can be read, else the record as it was."""
        encoding = self._encodings.get(record.topic)
        plugin = None if encoding is None else encoding.plugin
        try:
            command = read(record)
        except UnreadableError:
            return dead_letter(record, reason, detail, plugin, None)
        if plugin is None:
            return dead_letter(record, reason, detail, None, None)
        at = record.timestamp_ms
        return ended(plugin, command, CommandState.FAILED, at, "output_rejected", detail).outputs[0]

    def close(self) -> None:
        """Lets every child go."""
        for encoding in self._encodings.values():
            encoding.rest()

    def _take(self, record: Record) -> None:
        lane = self._lanes[Partition(record.topic, record.partition)]
        encoding = self._encodings[record.topic]
        entry = Entry(record)
        lane.entries.append(entry)
        try:
            command = read(record)
        except UnreadableError as error:
            entry.outputs = [self.dead_letter(record, "unreadable_command", str(error))]
            return
        if lane.seen.repeats(command.command, record.timestamp_ms):
            encoding.repeated()
            entry.outputs = ()
            return
        encoding.take(entry, command)

    def _poll(self, now_ms: int) -> None:
        now = self._clock()
        for encoding in self._encodings.values():
            encoding.poll(now, now_ms)

    def _drop(self, partition: Partition) -> None:
        lane = self._lanes.pop(partition, None)
        if lane is not None:
            lane.drop()
