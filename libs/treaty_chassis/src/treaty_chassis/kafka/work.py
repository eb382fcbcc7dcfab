"""What the runner asks of a service: records in, finished records with their outputs out.

    from treaty_chassis.kafka.work import Assigned, Finished, History, Output, Partition, PureWork
    from treaty_chassis.kafka.work import Record, Work

The runner owns Kafka: offsets, transactions, partitions. A Work owns no Kafka object and never blocks
longer than it says. It is called from one thread only, the runner's, in this order:

    assigned (submit | collect | revoked | assigned)* [reset assigned (...)*]

A pure `step` needs no Work of its own: PureWork makes one of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, NamedTuple, Protocol, TypeAlias, TypeVar

import msgspec
import structlog

__all__ = [
    "Assigned",
    "Finished",
    "Headers",
    "History",
    "Output",
    "Partition",
    "PureWork",
    "Record",
    "Work",
]

Headers: TypeAlias = Sequence[tuple[str, bytes | None]]
S = TypeVar("S")
log = structlog.get_logger(__name__)


class Partition(NamedTuple):
    topic: str
    number: int


class Assigned(NamedTuple):
    """A partition that is now this process's; `offset` is where its records begin (inclusive)."""

    partition: Partition
    offset: int


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record as read; `timestamp_ms` is the broker's or the producer's, as the topic is configured."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Output(msgspec.Struct, frozen=True, gc=False):
    """One record to produce. `partition` None: the key's, by murmur2 as Java's default partitioner."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None


class Finished(msgspec.Struct, frozen=True, gc=False):
    """A submitted record (the very object) and what came of it: committed together or not at all."""

    record: Record
    outputs: Sequence[Output] = ()


class History(Protocol):
    """Reads what stands in a partition before its records begin, to build state from it. Blocks."""

    def offset_at(self, partition: Partition, timestamp_ms: int) -> int | None:
        """The first offset whose timestamp is at or after the given one; None when there is none yet."""

    def read(self, partition: Partition, start: int, stop: int | None = None) -> Iterator[Record]:
        """Committed records from `start` (or the log's start) to before `stop` (None: the end now)."""


class Work(Protocol):
    """What a service does with records. See the module's text for the order of calls."""

    def assigned(self, partitions: Sequence[Assigned], history: History) -> None:
        """These partitions' records come next, from the given offsets. May read history (seconds at most)."""

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """Forget all that belongs to them; nothing submitted before may be returned by collect any more."""

    def submit(self, records: Sequence[Record], now_ms: int) -> None:
        """Takes the records, of several partitions, each partition's in offset order. Never blocks."""

    def collect(self, now_ms: int) -> Sequence[Finished]:
        """What is finished since the last call, in offset order within a partition and without holes:
        every submitted record is returned once, with no outputs where there are none. Never blocks."""

    def reset(self) -> None:
        """A transaction was aborted: forget every record and all state made of them. `assigned` follows
        for the partitions still owned, and their records come again from the committed offsets."""

    def filenos(self) -> Sequence[int]:
        """Descriptors that become readable when collect may return more; the runner sleeps on them."""

    def dead_letter(self, record: Record, reason: str, detail: str) -> Output:
        """Where a record goes that cannot go on; the runner cuts the value to the topic's limit.

        Reasons: `output_too_large` (an output exceeds its topic's limit), `output_rejected` (the broker
        refused what was made of this record alone), `step_failed` (PureWork: the step raised).
        """


class PureWork(Generic[S]):
    """A Work from a pure `step(state, batch, now_ms) -> (state, outputs)`, outputs one list a record.

    `initial` gives the state at the start and again after every reset; `on_assigned` may look up, with IO,
    what records of newly assigned partitions will need. A step that raises is repeated a
    record at a time, and the record it raises for is dead-lettered with the error: one record that meets
    a mistake in the code neither stops the others nor is lost.
    """

    def __init__(
        self,
        step: Callable[[S, Sequence[Record], int], tuple[S, Sequence[Sequence[Output]]]],
        initial: Callable[[], S],
        dead_letter: Callable[[Record, str, str], Output],
        on_assigned: Callable[[Sequence[Assigned], History], None] = lambda partitions, history: None,
    ) -> None:
        self._step = step
        self._initial = initial
        self._dead_letter = dead_letter
        self._on_assigned = on_assigned
        self._state = initial()
        self._finished: list[Finished] = []

    def assigned(self, partitions: Sequence[Assigned], history: History) -> None:
        self._on_assigned(partitions, history)

    def revoked(self, partitions: Sequence[Partition]) -> None:
        gone = set(partitions)
        self._finished = [
            f for f in self._finished if Partition(f.record.topic, f.record.partition) not in gone
        ]

    def submit(self, records: Sequence[Record], now_ms: int) -> None:
        try:
            self._state, outputs = self._step(self._state, records, now_ms)
        except Exception as error:
            if len(records) == 1:
                self._finished.append(self._failed(records[0], error))
                return
            for record in records:
                self.submit((record,), now_ms)
            return
        self._finished += [Finished(record, made) for record, made in zip(records, outputs, strict=True)]

    def collect(self, now_ms: int) -> Sequence[Finished]:
        finished, self._finished = self._finished, []
        return finished

    def reset(self) -> None:
        self._state = self._initial()
        self._finished = []

    def filenos(self) -> Sequence[int]:
        return ()

    def dead_letter(self, record: Record, reason: str, detail: str) -> Output:
        return self._dead_letter(record, reason, detail)

    def _failed(self, record: Record, error: Exception) -> Finished:
        log.error(
            "step failed",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            exc_info=error,
        )
        return Finished(
            record, (self._dead_letter(record, "step_failed", f"{type(error).__name__}: {error}"),)
        )
