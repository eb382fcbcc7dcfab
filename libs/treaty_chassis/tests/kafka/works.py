"""Works for the runner's tests."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Sequence

from treaty_chassis.kafka.work import Assigned, Finished, History, Output, Partition, PureWork, Record

OUT, DEAD = "out", "dead"


def dead_letter(record: Record, reason: str, detail: str) -> Output:
    return Output(DEAD, record.key, record.value, [*record.headers, ("reason", reason.encode())])


def copies(record: Record) -> list[Output]:
    """Two outputs for every third record, none for every seventh, one for the others."""
    number = int(record.value or b"0")
    count = 0 if number % 7 == 0 else 2 if number % 3 == 0 else 1
    return [Output(OUT, record.key, b"%d.%d" % (number, index)) for index in range(count)]


def copy_step(state: None, batch: Sequence[Record], now_ms: int) -> tuple[None, list[list[Output]]]:
    return state, [copies(record) for record in batch]


def pure() -> PureWork[None]:
    return PureWork(copy_step, lambda: None, dead_letter)


class Delayed:
    """Finishes later, and partitions in any order, as children do."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._lanes: dict[Partition, deque[Record]] = {}

    def assigned(self, partitions: Sequence[Assigned], history: History) -> None:
        for partition, _ in partitions:
            assert partition not in self._lanes
            self._lanes[partition] = deque()

    def revoked(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            del self._lanes[partition]

    def submit(self, records: Sequence[Record], now_ms: int) -> None:
        for record in records:
            self._lanes[Partition(record.topic, record.partition)].append(record)

    def collect(self, now_ms: int) -> list[Finished]:
        return [
            self.finish(lane.popleft())
            for lane in self._lanes.values()
            for _ in range(self._rng.randint(0, len(lane)))
        ]

    def finish(self, record: Record) -> Finished:
        return Finished(record, copies(record))

    def reset(self) -> None:
        self._lanes.clear()

    def filenos(self) -> Sequence[int]:
        return ()

    def dead_letter(self, record: Record, reason: str, detail: str) -> Output:
        return dead_letter(record, reason, detail)


class FirstOnly(Delayed):
    """Lets a value through once, remembering what it saw from the partition itself."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._seen: dict[Partition, set[bytes]] = {}

    def assigned(self, partitions: Sequence[Assigned], history: History) -> None:
        super().assigned(partitions, history)
        for partition, offset in partitions:
            self._seen[partition] = {r.value or b"" for r in history.read(partition, 0, offset)}

    def revoked(self, partitions: Sequence[Partition]) -> None:
        super().revoked(partitions)
        for partition in partitions:
            del self._seen[partition]

    def reset(self) -> None:
        super().reset()
        self._seen.clear()

    def finish(self, record: Record) -> Finished:
        seen = self._seen[Partition(record.topic, record.partition)]
        value = record.value or b""
        if value in seen:
            return Finished(record)
        seen.add(value)
        return Finished(record, [Output(OUT, record.key, value)])


def numbers() -> Iterator[bytes]:
    number = 0
    while True:
        number += 1
        yield b"%d" % number
