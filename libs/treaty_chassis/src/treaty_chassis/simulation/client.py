"""port.Client on the simulated cluster."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from treaty_chassis.kafka.caller import HangError
from treaty_chassis.kafka.port import AbortedError, FatalError, FencedError, RebalanceListener, TimedOutError
from treaty_chassis.kafka.work import Assigned, Output, Partition, Record
from treaty_chassis.simulation.cluster import Cluster, EpochOverError, Transaction
from treaty_chassis.simulation.faults import Faults
from treaty_chassis.simulation.group import Group, Member

__all__ = ["SimulatedClient"]


class SimulatedClient:
    """What a process holds in memory: lost with it, while cluster and group remain."""

    def __init__(self, cluster: Cluster, group: Group, slot: str, faults: Faults | None = None) -> None:
        self._cluster = cluster
        self._group = group
        self._faults = faults or Faults()
        self._name = f"{group.name}-{slot}"
        self._member = Member(self._name)
        self._joined = False
        self._listener: RebalanceListener | None = None
        self._epoch: int | None = None
        self._transactions = 0
        self._transaction: Transaction | None = None
        self._positions: dict[Partition, int] = {}
        self._passed: dict[Partition, int] = {}
        self._stranded: dict[Partition, str] = {}
        self._paused: set[Partition] = set()

    def open(self, listener: RebalanceListener) -> None:
        self._listener = listener
        self._initialise()

    def _initialise(self) -> None:
        def initialise() -> None:
            self._epoch = self._cluster.initialise(self._name)

        self._faults.step("open", initialise)

    @contextmanager
    def _lasting(self) -> Iterator[None]:
        """As `producing.TransactionalProducer`: a producer that hangs, or whose epoch is over, is followed by
        another, unless it is over because another process has the slot."""
        try:
            yield
        except HangError as error:
            self._epoch = None
            raise AbortedError(str(error)) from error
        except EpochOverError as error:
            if self._group.usurped(self._member):
                raise FencedError(str(error)) from error
            self._epoch = None
            raise AbortedError(str(error)) from error

    def subscribe(self, topics: Collection[str]) -> None:
        self._member.topics = frozenset(topics)
        if self._joined:
            self._group.rebalance()
        else:
            self._group.join(self._member)
            self._joined = True

    def poll(self, limit: int, timeout_s: float) -> Sequence[Record]:
        if self._joined and self._listener is not None:
            revoked, assigned = self._group.heartbeat(self._member)
            if revoked:
                for partition in revoked:
                    self._positions.pop(partition, None)
                    self._stranded.pop(partition, None)
                    self._paused.discard(partition)
                self._listener.revoked(sorted(revoked))
            if assigned:
                self._listener.assigned(sorted(assigned))
        return self._faults.step("poll", lambda: self._fetch(limit))

    def _fetch(self, limit: int) -> list[Record]:
        found: list[Record] = []
        for partition, position in self._positions.items():
            if position < self._cluster.start(partition):
                self._stranded[partition] = f"offset {position} is out of range"
            elif partition not in self._paused and len(found) < limit:
                records = list(self._cluster.read(partition, position, limit - len(found)))
                if records:
                    self._positions[partition] = records[-1].offset + 1
                found += records
                end = self._cluster.end(partition)
                if len(found) < limit and self._positions[partition] < end:
                    self._positions[partition] = self._passed[partition] = end
        return found

    def passed(self) -> Mapping[Partition, int]:
        passed, self._passed = self._passed, {}
        return passed

    def committed(self, partitions: Collection[Partition]) -> list[Assigned]:
        def read() -> list[Assigned]:
            if any(self._cluster.pending(self._group.name, p) for p in partitions):
                raise TimedOutError("a transaction is pending")
            held = {p: self._cluster.committed(self._group.name, p) for p in sorted(partitions)}
            return [Assigned(p, self._cluster.start(p) if at is None else at) for p, at in held.items()]

        return self._faults.step("committed", read)

    def start(self, partitions: Sequence[Assigned]) -> None:
        for partition, _ in partitions:
            self._stranded.pop(partition, None)
        self._positions |= dict(partitions)

    def seek(self, partitions: Sequence[Assigned]) -> None:
        self._passed.clear()
        self._faults.step("seek", lambda: self._positions.update(dict(partitions)))

    def pause(self, partitions: Collection[Partition]) -> None:
        self._paused.update(partitions)

    def resume(self, partitions: Collection[Partition]) -> None:
        self._paused.difference_update(partitions)

    def history(self) -> SimulatedHistory:
        return SimulatedHistory(self._cluster)

    def ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        return {p: self._cluster.end(p) for p in partitions}

    def trouble(self) -> str | None:
        return None

    def stranded(self) -> Mapping[Partition, str]:
        return self._stranded

    def begin(self) -> None:
        if self._transaction is not None or self._epoch is None:
            raise FatalError("a transaction is open already, or none can be")
        self._transactions += 1
        self._transaction = Transaction(self._name, self._epoch, self._transactions)

    def produce(self, outputs: list[Output]) -> None:
        open_ = self._opened()
        with self._lasting():
            self._faults.step("produce", lambda: self._cluster.produce(open_, outputs))
        outputs.clear()

    def send_offsets(self, offsets: Mapping[Partition, int]) -> None:
        open_ = self._opened()

        def send() -> None:
            self._group.check_generation(self._member)
            self._cluster.add_offsets(open_, self._group.name, offsets)

        with self._lasting():
            self._faults.step("send_offsets", send, hangs=True)

    def commit(self) -> None:
        open_ = self._opened()
        if open_.rejected is not None:
            raise AbortedError(open_.rejected, by_record=True)
        with self._lasting():
            # One that has taken place, though its answer was lost, is not refused any more.
            self._faults.step(
                "commit",
                lambda: self._cluster.end_transaction(open_, committed=True),
                abortable=open_.outcome is None,
                hangs=True,
            )
        self._transaction = None

    def abort(self) -> None:
        open_ = self._opened()

        def end() -> None:
            if self._epoch is not None:
                self._cluster.end_transaction(open_, committed=False)

        with suppress(AbortedError), self._lasting():
            self._faults.step("abort", end, hangs=True)
        if self._epoch is None:
            self._initialise()
        self._transaction = None

    def close(self) -> None:
        """A static member does not leave."""

    def _opened(self) -> Transaction:
        if self._transaction is None:
            raise FatalError("no transaction is open")
        return self._transaction


class SimulatedHistory:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def offset_at(self, partition: Partition, timestamp_ms: int) -> int | None:
        for record in self._cluster.read(partition, 0):
            if record.timestamp_ms >= timestamp_ms:
                return record.offset
        return None

    def read(self, partition: Partition, start: int, stop: int | None = None) -> Iterator[Record]:
        for record in self._cluster.read(partition, start):
            if stop is not None and record.offset >= stop:
                return
            yield record
