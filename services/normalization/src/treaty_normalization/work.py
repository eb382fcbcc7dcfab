"""What the runner drives: records of every plugin's partitions in, each with its outputs out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from treaty_chassis.kafka.work import Assigned, Finished, History, Output, Partition, Record
from treaty_normalization.deadletters import dead_letter
from treaty_normalization.deduplication import read_back, repeated
from treaty_normalization.hosting import Hosting
from treaty_normalization.lanes import Lane
from treaty_normalization.metrics import Metrics
from treaty_normalization.uplinks import UnreadableError, read

__all__ = ["NormalizationWork"]


class NormalizationWork:
    """A treaty_chassis Work: partitions keep their order, plugins keep out of each other's way.

    `hostings` maps accepted topics to the plugins whose they are; `host` adds more. `clock` is monotonic,
    in seconds.
    """

    def __init__(
        self,
        hostings: Mapping[str, Hosting],
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hostings = dict(hostings)
        """Never changed in place: another thread adds plugins."""
        self._metrics = metrics
        self._clock = clock
        self._lanes: dict[Partition, Lane] = {}
        self._active: tuple[Hosting, ...] = ()

    def host(self, topic: str, hosting: Hosting) -> None:
        """One more plugin, before its topic is read. From any thread."""
        self._hostings = {**self._hostings, topic: hosting}

    def assigned(self, partitions: Sequence[Assigned], history: History) -> None:
        for assigned in partitions:
            self._drop(assigned.partition)
            self._lanes[assigned.partition] = Lane(read_back(assigned, history))
        self._choose()

    def revoked(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            self._drop(partition)
        self._choose()

    def submit(self, records: Sequence[Record], now_ms: int) -> None:
        topic, number = "", -1
        for record in records:
            if record.partition != number or record.topic != topic:
                topic, number = record.topic, record.partition
                lane, hosting = self._lanes[Partition(topic, number)], self._hostings[topic]
            entry = lane.take(record)
            try:
                arrival = read(record)
            except UnreadableError as error:
                entry.outputs = [self.dead_letter(record, "unreadable_uplink", str(error))]
                continue
            if repeated(lane.window, arrival):
                self._metrics.duplicates.labels(hosting.plugin.name).inc()
                entry.outputs = ()
            else:
                hosting.take(entry, arrival)
        self._poll(now_ms)

    def collect(self, now_ms: int) -> Sequence[Finished]:
        self._poll(now_ms)
        found: list[Finished] = []
        for lane in self._lanes.values():
            found += lane.finished()
        return found

    def reset(self) -> None:
        for partition in list(self._lanes):
            self._drop(partition)
        for hosting in self._active:
            hosting.reset()

    def filenos(self) -> Sequence[int]:
        return sorted({fileno for hosting in self._active for fileno in hosting.filenos()})

    def dead_letter(self, record: Record, reason: str, detail: str) -> Output:
        hosting = self._hostings.get(record.topic)
        plugin = None if hosting is None else hosting.plugin
        if plugin is not None:
            self._metrics.dead_letters.labels(plugin.name, reason).inc()
        try:
            arrival = read(record)
        except UnreadableError:
            arrival = None
        return dead_letter(record, reason, detail, plugin, arrival)

    def _poll(self, now_ms: int) -> None:
        now = self._clock()
        for hosting in self._active:
            hosting.poll(now, now_ms)

    def _choose(self) -> None:
        """Plugins none of whose partitions are here cost nothing: no child, no poll."""
        topics = {partition.topic for partition in self._lanes}
        for topic, hosting in self._hostings.items():
            if topic not in topics:
                hosting.rest()
        self._active = tuple(self._hostings[topic] for topic in sorted(topics))

    def _drop(self, partition: Partition) -> None:
        lane = self._lanes.pop(partition, None)
        if lane is not None:
            lane.drop()
