"""Holds a record of a gateway nobody has heard of yet, for a moment: its registration may be on its way.

A gateway's first uplink may reach the log before the registry's change reaches the view. Refusing it would
be final, so while it is young it waits, and what follows it in its partition with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from treaty_chassis.kafka.work import Assigned, Finished, History, Output, Partition, Record, Work

__all__ = ["PATIENCE_MS", "REST_MS", "Patient"]

PATIENCE_MS: Final = 2_000
"""How old a record may be, by the broker's clock, and how long it may be held, by this process's."""
REST_MS: Final = 30_000
"""Between two waits of a partition that several gateways share: who writes there under invented names may
cost the others two seconds in so many, and no more."""


class Patient:
    """A Work around the one that judges. `early(record)`: whether it is of a gateway not known now;
    `shared(topic)`: whether several gateways write there."""

    def __init__(self, inner: Work, early: Callable[[Record], bool], shared: Callable[[str], bool]) -> None:
        self._inner = inner
        self._early = early
        self._shared = shared
        self._held: dict[Partition, list[Record]] = {}
        self._since: dict[Partition, int] = {}

    def assigned(self, partitions: Sequence[Assigned], history: History) -> None:
        self._inner.assigned(partitions, history)

    def revoked(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            self._held.pop(partition, None)
        self._inner.revoked(partitions)

    def submit(self, records: Sequence[Record], now_ms: int) -> None:
        ready = []
        for record in records:
            partition = Partition(record.topic, record.partition)
            waiting = self._held.get(partition)
            if waiting is not None:
                waiting.append(record)
            elif self._waits(partition, record, now_ms):
                self._held[partition] = [record]
                self._since[partition] = now_ms
            else:
                ready.append(record)
        if ready:
            self._inner.submit(ready, now_ms)

    def collect(self, now_ms: int) -> Sequence[Finished]:
        for partition in list(self._held):
            first = self._held[partition][0]
            held_ms = now_ms - self._since[partition]
            if held_ms < 0 or held_ms >= PATIENCE_MS or not self._early(first):
                # Once through, the others wait on their own account, or not at all.
                first, *others = self._held.pop(partition)
                self._inner.submit((first,), now_ms)
                self.submit(others, now_ms)
        return self._inner.collect(now_ms)

    def reset(self) -> None:
        self._held.clear()
        self._inner.reset()

    def filenos(self) -> Sequence[int]:
        return self._inner.filenos()

    def dead_letter(self, record: Record, reason: str, detail: str) -> Output:
        return self._inner.dead_letter(record, reason, detail)

    def _waits(self, partition: Partition, record: Record, now_ms: int) -> bool:
        if now_ms - record.timestamp_ms >= PATIENCE_MS or not self._early(record):
            return False
        last = self._since.get(partition)
        return last is None or not self._shared(partition.topic) or now_ms - last >= REST_MS
