"""The broker's side: logs, transactions and consumer groups' offsets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from treaty_chassis.kafka.partitioning import partition_of
from treaty_chassis.kafka.port import AbortedError, FatalError
from treaty_chassis.kafka.work import Headers, Output, Partition, Record

__all__ = ["Cluster", "EpochOverError", "Transaction"]


class EpochOverError(Exception):
    """The producer's, by another of its name or because its transaction was open for too long."""


@dataclass(slots=True)
class Transaction:
    """One transaction of one producer epoch; `outcome` None while it is open."""

    producer: str
    epoch: int
    number: int
    firsts: dict[Partition, int] = field(default_factory=dict)
    offsets: dict[tuple[str, Partition], int] = field(default_factory=dict)
    rejected: str | None = None
    outcome: bool | None = None


@dataclass(slots=True)
class _Entry:
    """A record, or the marker that ends a transaction (record None)."""

    record: Record | None
    transaction: Transaction | None


class Cluster:
    """Topics must be created. `reject` says why the broker would refuse a record, None where it would not."""

    def __init__(self, reject: Callable[[Output], str | None] | None = None) -> None:
        self._logs: dict[Partition, list[_Entry]] = {}
        self._starts: dict[Partition, int] = {}
        self._counts: dict[str, int] = {}
        self._epochs: dict[str, int] = {}
        self._open: dict[str, Transaction] = {}
        self._committed: dict[tuple[str, Partition], int] = {}
        self._reject = reject or (lambda _: None)
        self.now_ms = 1_700_000_000_000

    def create(self, topic: str, partitions: int = 1) -> None:
        self._counts[topic] = partitions
        for number in range(partitions):
            self._logs[Partition(topic, number)] = []

    @property
    def topics(self) -> Mapping[str, int]:
        """And how many partitions each has."""
        return self._counts

    def append(
        self, topic: str, value: bytes | None, key: bytes | None = None, headers: Headers = ()
    ) -> Record:
        """A record of a producer without transactions."""
        return self._append(Output(topic, key, value, headers), None)

    def _append(self, output: Output, transaction: Transaction | None) -> Record:
        number = output.partition
        if number is None:
            number = 0 if output.key is None else partition_of(output.key, self._counts[output.topic])
        partition = Partition(output.topic, number)
        log = self._logs[partition]
        record = Record(
            output.topic, number, len(log), self.now_ms, output.key, output.value, tuple(output.headers)
        )
        log.append(_Entry(record, transaction))
        if transaction is not None:
            transaction.firsts.setdefault(partition, record.offset)
        return record

    def end(self, partition: Partition) -> int:
        """The last stable offset: nothing at or after it is settled."""
        pending = [t.firsts[partition] for t in self._open.values() if partition in t.firsts]
        return min(pending, default=len(self._logs[partition]))

    def start(self, partition: Partition) -> int:
        """What retention has left begins here."""
        return self._starts.get(partition, 0)

    def retain(self, partition: Partition, start: int) -> None:
        """Retention takes what is before `start`."""
        self._starts[partition] = max(self.start(partition), start)

    def read(self, partition: Partition, start: int, limit: int | None = None) -> Iterator[Record]:
        """Committed records, as read_committed shows them."""
        for entry in self._logs[partition][max(start, self.start(partition)) : self.end(partition)]:
            if limit is not None and limit <= 0:
                return
            settled = entry.transaction is None or entry.transaction.outcome
            if entry.record is not None and settled:
                if limit is not None:
                    limit -= 1
                yield entry.record

    def visible(self, topic: str) -> list[Record]:
        """All committed records of a topic, partition after partition."""
        partitions = (Partition(topic, number) for number in range(self._counts[topic]))
        return [record for partition in partitions for record in self.read(partition, 0)]

    # Transactions.

    def initialise(self, producer: str) -> int:
        """A new epoch, which fences the one before and ends what it left open."""
        self.expire(producer)
        return self._epochs[producer]

    def expire(self, producer: str) -> None:
        """The coordinator gives up the producer's transaction and its epoch with it."""
        self._epochs[producer] = self._epochs.get(producer, -1) + 1
        open_ = self._open.get(producer)
        if open_ is not None:
            self._finish(open_, committed=False)

    def produce(self, transaction: Transaction, outputs: Sequence[Output]) -> None:
        self._check(transaction)
        self._open.setdefault(transaction.producer, transaction)
        for output in outputs:
            why = self._reject(output)
            if why is not None:
                transaction.rejected = why
                raise AbortedError(why, by_record=True)
            self._append(output, transaction)

    def add_offsets(self, transaction: Transaction, group: str, offsets: Mapping[Partition, int]) -> None:
        self._check(transaction)
        self._open.setdefault(transaction.producer, transaction)
        transaction.offsets |= {(group, p): offset for p, offset in offsets.items()}

    def end_transaction(self, transaction: Transaction, *, committed: bool) -> None:
        """Asking again for the outcome it had is answered as before."""
        self._check(transaction)
        if transaction.outcome is None:
            self._finish(transaction, committed=committed)
        elif transaction.outcome is not committed:
            raise FatalError("the transaction has ended otherwise")

    def _check(self, transaction: Transaction) -> None:
        if self._epochs.get(transaction.producer) != transaction.epoch:
            raise EpochOverError(f"{transaction.producer}: epoch {transaction.epoch} is over")

    def _finish(self, transaction: Transaction, *, committed: bool) -> None:
        transaction.outcome = committed
        self._open.pop(transaction.producer, None)
        for partition in transaction.firsts:
            self._logs[partition].append(_Entry(None, transaction))
        if committed:
            self._committed |= transaction.offsets

    def commit_offsets(self, group: str, offsets: Mapping[Partition, int]) -> None:
        """Outside any transaction."""
        self._committed |= {(group, p): offset for p, offset in offsets.items()}

    def refuses(self, output: Output) -> str | None:
        """Why the broker would not take it."""
        return self._reject(output)

    def pending(self, group: str, partition: Partition) -> bool:
        """Whether an open transaction holds an offset of it."""
        return any((group, partition) in t.offsets for t in self._open.values())

    def committed(self, group: str, partition: Partition) -> int | None:
        return self._committed.get((group, partition))
