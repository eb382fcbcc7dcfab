"""Which partition a key goes to: the one Java's default partitioner chooses, so that every client agrees."""

from __future__ import annotations

import time

import confluent_kafka

__all__ = ["Partitioner", "UnknownTopicError", "partition_of"]

_REFRESH_S = 60.0
_PROPAGATION_S = 2.0


class UnknownTopicError(LookupError):
    """The cluster does not know the topic, after a while given to its metadata to spread."""


def partition_of(key: bytes, partitions: int) -> int:
    """murmur2 with the sign bit masked, modulo the partitions: Java's BuiltInPartitioner.partitionForKey."""
    return confluent_kafka.murmur2(key, partitions)


class Partitioner:
    """How many partitions topics have: asked for when a topic is first met, and again every minute."""

    def __init__(self, producer: confluent_kafka.Producer) -> None:
        self._producer = producer
        self._counts: dict[str, int] = {}
        self._fresh_until = 0.0

    def refresh(self) -> None:
        """Forgets counts that are a minute old."""
        now = time.monotonic()
        if now >= self._fresh_until:
            self._counts.clear()
            self._fresh_until = now + _REFRESH_S

    def count(self, topic: str) -> int:
        """Raises UnknownTopicError, and KafkaException when no broker answers."""
        return self._counts.get(topic) or self._ask(topic)

    def _ask(self, topic: str) -> int:
        end = time.monotonic() + _PROPAGATION_S
        while True:
            found = self._producer.list_topics(topic, timeout=5.0).topics[topic]
            if found.error is None and found.partitions:
                self._counts[topic] = len(found.partitions)
                return self._counts[topic]
            if time.monotonic() > end:
                raise UnknownTopicError(f"{topic}: {found.error or 'no partitions'}")
            time.sleep(0.05)
