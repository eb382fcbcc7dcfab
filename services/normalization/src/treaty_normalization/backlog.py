"""How old the backlog of a suspended plugin is, against how long the broker keeps it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin._config import ConfigResource

from treaty_chassis.kafka import config
from treaty_chassis.kafka.history import LogHistory
from treaty_chassis.kafka.port import FatalError
from treaty_chassis.kafka.topics import admin
from treaty_chassis.kafka.work import Partition
from treaty_normalization.metrics import Metrics

__all__ = ["Backlog"]

log = structlog.get_logger(__name__)
_CALL_S: Final = 10.0
LOOK_EVERY_S: Final = 15.0


class Backlog:
    """Looks at the partitions that are kept still, in a thread of its own, and sets two gauges a plugin.

    `suspended` tells the partitions, `plugins` the plugin of each accepted topic. A plugin that goes on
    has no series any more.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        group: str,
        slot: str,
        suspended: Callable[[], Collection[Partition]],
        plugins: Callable[[], Mapping[str, str]],
        metrics: Metrics,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        # It asks for the group's offsets and never joins it.
        self._config = config.reader(bootstrap_servers, f"{group}-{slot}-backlog") | {
            "group.id": group,
            "logger": logging.getLogger("librdkafka"),
        }
        self._history = LogHistory(bootstrap_servers, f"{group}-{slot}-backlog")
        self._suspended = suspended
        self._plugins = plugins
        self._metrics = metrics
        self._shown: set[str] = set()
        self._closing = threading.Event()

    def start(self) -> Backlog:
        threading.Thread(target=self._run, name="backlog", daemon=True).start()
        return self

    def close(self) -> None:
        self._closing.set()

    def _run(self) -> None:
        while not self._closing.wait(LOOK_EVERY_S):
            try:
                self.look(time.time_ns() // 1_000_000)
            except (KafkaException, FatalError) as error:
                log.warning("backlog cannot be looked at", detail=str(error))

    def look(self, now_ms: int) -> None:
        """Sets the gauges. Raises KafkaException or FatalError where the broker does not answer."""
        plugins = self._plugins()
        waiting = [partition for partition in self._suspended() if partition.topic in plugins]
        ages: dict[str, float] = {}
        keeps = self._retention({partition.topic for partition in waiting})
        for partition in waiting:
            name, kept = plugins[partition.topic], keeps.get(partition.topic, float("inf"))
            ages[name] = max(ages.get(name, 0.0), self._age(partition, kept, now_ms))
            self._metrics.retention.labels(name).set(kept)
            self._metrics.oldest_waiting.labels(name).set(ages[name])
        for gone in self._shown - ages.keys():
            self._metrics.retention.remove(gone)
            self._metrics.oldest_waiting.remove(gone)
        self._shown = set(ages)

    def _age(self, partition: Partition, kept: float, now_ms: int) -> float:
        """Of the oldest record that waits, in seconds; 0 without one. What retention has begun to take is
        as old as can be."""
        place = TopicPartition(partition.topic, partition.number)
        consumer = Consumer(self._config)
        try:
            (found,) = consumer.committed([place], timeout=_CALL_S)
            low, high = consumer.get_watermark_offsets(place, timeout=_CALL_S)
        finally:
            consumer.close()
        start = low if found.offset < 0 else found.offset
        oldest = next(self._history.read(partition, start), None) if start < high else None
        if oldest is None:
            return 0.0
        age = max(0.0, (now_ms - oldest.timestamp_ms) / 1000)
        return max(age, kept) if start < low and kept != float("inf") else age

    def _retention(self, topics: Collection[str]) -> dict[str, float]:
        """Seconds a record of each is kept, infinite where for ever."""
        if not topics:
            return {}
        asked = [ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in sorted(topics)]
        client = admin(self._bootstrap_servers)  # Its answers end with it.
        answers = client.describe_configs(asked, request_timeout=_CALL_S)
        found = {}
        for resource, answer in answers.items():
            kept = int(answer.result()["retention.ms"].value)
            found[str(resource.name)] = float("inf") if kept < 0 else kept / 1000
        return found
