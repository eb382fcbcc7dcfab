"""Which records are in hand and how far each partition is done: the runner's bookkeeping, without Kafka."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from treaty_chassis.kafka.sizes import record_bytes
from treaty_chassis.kafka.work import Assigned, Finished, Output, Partition, Record

__all__ = ["Batch", "Bounds", "Ledger", "WorkError"]

Done: TypeAlias = tuple[int, int, int, Sequence[Output]]
"""Of a finished record its offset, its bytes, its outputs' bytes and the outputs: the record itself is let go
of while it is still in the processor's cache, which is where the next one then goes."""


class WorkError(RuntimeError):
    """A Work broke its promise: going on would lose or repeat records."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """`in_flight_bytes` and `partition_bytes` are of input records not yet committed, all together and of
    one partition. A partition past its own bound is paused. Half of the whole is shared out evenly: once the
    other half is taken, whoever has more than its share is paused and nobody else, so that however many
    partitions are stuck the others go on. The other two bound one transaction's outputs; a single record's
    outputs go together whatever they are."""

    in_flight_bytes: int = 64 << 20
    partition_bytes: int = 8 << 20
    transaction_bytes: int = 8 << 20
    transaction_outputs: int = 20_000


@dataclass(slots=True)
class Batch:
    """What goes into one transaction: whole records' outputs, and by partition the first offset, the
    offset that comes next and how many records that is. `outputs` is empty once they are produced."""

    outputs: list[Output] = field(default_factory=list)
    firsts: dict[Partition, int] = field(default_factory=dict)
    offsets: dict[Partition, int] = field(default_factory=dict)
    counts: dict[Partition, int] = field(default_factory=dict)
    produced: int = 0
    """How many outputs it is, or was."""

    @property
    def records(self) -> int:
        return sum(self.counts.values())


@dataclass(slots=True)
class _Lane:
    """One partition: its records still being worked on, with their bytes, then those finished, all in offset
    order; and the sums of them, those in a transaction included until it is settled."""

    partition: Partition
    settled: int
    next_offset: int
    open: deque[Record] = field(default_factory=deque)
    sizes: deque[int] = field(default_factory=deque)
    done: deque[Done] = field(default_factory=deque)
    bytes: int = 0
    finished: int = 0
    outputs: int = 0
    output_bytes: int = 0
    taken_bytes: int = 0
    taken_outputs: int = 0
    taken_output_bytes: int = 0


class Ledger:
    """Of the partitions this process works on now."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self.bytes = 0
        """Of records submitted and not yet committed."""
        self.unfinished = 0
        self.finished = 0
        self.finished_bytes = 0
        """Of outputs not yet committed."""

    @property
    def partitions(self) -> list[Partition]:
        return [lane.partition for lane in self._lanes.values()]

    @property
    def settled(self) -> dict[Partition, int]:
        """The offset before which each partition is committed."""
        return {lane.partition: lane.settled for lane in self._lanes.values()}

    def assign(self, starts: Iterable[Assigned]) -> None:
        for partition, offset in starts:
            self._lanes[partition] = _Lane(partition, offset, offset)

    def revoke(self, partitions: Iterable[Partition]) -> None:
        """Forgets what is in hand of them."""
        for partition in partitions:
            lane = self._lanes.pop(partition, None)
            if lane is not None:
                self.bytes -= lane.bytes
                self.unfinished -= len(lane.open)
                self.finished -= lane.finished
                self.finished_bytes -= lane.output_bytes

    def submit(self, records: Sequence[Record]) -> Sequence[Record]:
        """Takes records in, and gives back those to work on: of a partition that is not this process's
        any more, and from before a partition's position, none is."""
        taken = []
        topic, number, lane = None, -1, None
        for record in records:
            if record.partition != number or record.topic != topic:
                topic, number = record.topic, record.partition
                lane = self._lanes.get((topic, number))
            if lane is None or record.offset < lane.next_offset:
                continue
            lane.next_offset = record.offset + 1
            size = record_bytes(record)
            lane.open.append(record)
            lane.sizes.append(size)
            lane.bytes += size
            self.bytes += size
            taken.append(record)
        self.unfinished += len(taken)
        return taken

    def finish(self, finished: Iterable[tuple[Finished, int]]) -> None:
        """Finished records with their outputs' bytes. Raises WorkError for one that is not the next."""
        topic, number, lane = None, -1, None
        count = produced = 0
        for item, size in finished:
            record = item.record
            if record.partition != number or record.topic != topic:
                topic, number = record.topic, record.partition
                lane = self._lanes.get((topic, number))
            if lane is None or not lane.open or lane.open[0] is not record:
                raise WorkError(
                    f"{record.topic} [{record.partition}] offset {record.offset} was finished out of turn"
                )
            lane.open.popleft()
            outputs = item.outputs
            lane.done.append((record.offset, lane.sizes.popleft(), size, outputs))
            lane.finished += 1
            lane.outputs += len(outputs)
            lane.output_bytes += size
            produced += size
            count += 1
        self.unfinished -= count
        self.finished += count
        self.finished_bytes += produced

    def take(self, alone: Collection[Partition] = ()) -> Batch:
        """The next transaction's worth, at least one record where any is finished. It counts as in hand until
        it is settled, or its partitions are revoked; nothing else is to be taken before. Of a partition in
        `alone` one record goes by itself."""
        batch = Batch()
        room_bytes, room_outputs = self._bounds.transaction_bytes, self._bounds.transaction_outputs
        for lane in self._lanes.values():
            if not lane.done:
                continue
            if lane.partition in alone:
                if batch.counts:
                    continue
                self._add(batch, lane, 1)
                return batch
            if lane.output_bytes <= room_bytes and lane.outputs <= room_outputs:
                self._add(batch, lane, len(lane.done))
                room_bytes -= lane.output_bytes
                room_outputs -= lane.outputs
                continue
            count = _fitting(lane.done, room_bytes, room_outputs) or (0 if batch.counts else 1)
            if count:
                self._add(batch, lane, count)
            # The others' turn comes first next time.
            self._lanes[lane.partition] = self._lanes.pop(lane.partition)
            return batch
        return batch

    def settle(self, batch: Batch) -> None:
        """The batch is committed."""
        for partition, count in batch.counts.items():
            lane = self._lanes[partition]
            self.bytes -= lane.taken_bytes
            self.finished -= count
            self.finished_bytes -= lane.taken_output_bytes
            lane.bytes -= lane.taken_bytes
            lane.finished -= count
            lane.outputs -= lane.taken_outputs
            lane.output_bytes -= lane.taken_output_bytes
            lane.taken_bytes = lane.taken_outputs = lane.taken_output_bytes = 0
            lane.settled = batch.offsets[partition]

    def passed(self, partition: Partition, offset: int) -> None:
        """Nothing more comes of the partition from before the offset: what else stands there are markers and
        aborted records."""
        lane = self._lanes.get(partition)
        if lane is not None:
            lane.next_offset = max(lane.next_offset, offset)

    def carry(self, batch: Batch) -> None:
        """Adds to the batch how far partitions with nothing in hand have been passed without a record."""
        for lane in self._lanes.values():
            if not lane.open and not lane.finished and lane.next_offset > lane.settled:
                batch.offsets[lane.partition] = lane.next_offset
                batch.counts[lane.partition] = 0

    def crowded(self) -> set[Partition]:
        """Partitions that should be paused for what is in hand of them."""
        return self._where(lambda size, bound: size > bound, self._bounds.in_flight_bytes // 2, 1)

    def roomy(self) -> set[Partition]:
        """Partitions that may go on: half of what would pause them is free again."""
        return self._where(lambda size, bound: size <= bound, self._bounds.in_flight_bytes // 4, 2)

    def _where(self, fits: Callable[[int, int], bool], plenty: int, divisor: int) -> set[Partition]:
        """The lanes whose bytes `fits` their present bound, divided."""
        bound = self._bounds.partition_bytes
        if self.bytes > plenty:
            bound = min(bound, self._bounds.in_flight_bytes // (2 * max(1, len(self._lanes))))
        return {lane.partition for lane in self._lanes.values() if fits(lane.bytes, bound // divisor)}

    @staticmethod
    def _add(batch: Batch, lane: _Lane, count: int) -> None:
        batch.firsts[lane.partition] = lane.done[0][0]
        outputs = batch.outputs
        for _ in range(count):
            offset, size, output_size, made = lane.done.popleft()
            outputs += made
            lane.taken_bytes += size
            lane.taken_output_bytes += output_size
        lane.taken_outputs = len(outputs) - batch.produced
        batch.produced = len(outputs)
        batch.offsets[lane.partition] = offset + 1
        batch.counts[lane.partition] = count


def _fitting(done: Iterable[Done], room_bytes: int, room_outputs: int) -> int:
    """How many of them fit."""
    count = 0
    for _, _, size, outputs in done:
        room_outputs -= len(outputs)
        room_bytes -= size
        if room_bytes < 0 or room_outputs < 0:
            break
        count += 1
    return count
