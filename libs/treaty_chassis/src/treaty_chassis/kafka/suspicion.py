"""Which records keep transactions from committing: tried alone, then let past as dead letters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from treaty_chassis.kafka.ledger import Batch
from treaty_chassis.kafka.work import Partition

__all__ = ["Suspicion"]

_ABORTS_BEFORE_ALONE = 2


@dataclass(slots=True)
class _Suspect:
    offset: int
    """The first of the aborted batch."""
    last: int
    aborts: int


class Suspicion:
    """Two aborts at the same offset that the cluster did not cause: the partition's records go one by one
    until past the batch. One that aborts alone is condemned: its outputs give way to a dead letter."""

    def __init__(self) -> None:
        self._suspects: dict[Partition, _Suspect] = {}
        self._condemned: dict[tuple[str, int, int], str] = {}

    @property
    def alone(self) -> set[Partition]:
        """Partitions whose records go one a transaction."""
        return {p for p, s in self._suspects.items() if s.aborts >= _ABORTS_BEFORE_ALONE}

    @property
    def any(self) -> bool:
        """Whether any record is condemned."""
        return bool(self._condemned)

    def condemned(self, topic: str, partition: int, offset: int) -> str | None:
        """Why the record cannot go on, or None."""
        return self._condemned.get((topic, partition, offset))

    def aborted(self, batch: Batch, detail: str) -> bool:
        """A batch was aborted because of a record in it. False: it was a condemned record's dead letter,
        and there is nothing left to try."""
        alone = self.alone
        if batch.records == 1 and not alone.isdisjoint(batch.firsts):
            ((partition, offset),) = batch.firsts.items()
            place = (partition.topic, partition.number, offset)
            if place in self._condemned:
                return False
            self._condemned[place] = detail
            return True
        for partition, first in batch.firsts.items():
            suspect = self._suspects.get(partition)
            if suspect is None or suspect.offset != first:
                suspect = self._suspects[partition] = _Suspect(first, 0, 0)
            suspect.last = max(suspect.last, batch.offsets[partition] - 1)
            suspect.aborts += 1
        return True

    def committed(self, batch: Batch) -> None:
        if not self._suspects:
            return
        for partition, offset in batch.offsets.items():
            suspect = self._suspects.get(partition)
            if suspect is not None and offset > suspect.last:
                self.revoked((partition,))

    def revoked(self, partitions: Iterable[Partition]) -> None:
        for partition in partitions:
            self._suspects.pop(partition, None)
            for place in [p for p in self._condemned if p[:2] == tuple(partition)]:
                del self._condemned[place]
