"""What the readings' log is and where it begins and ends. Every method blocks: call it off the loop."""

from __future__ import annotations

from confluent_kafka import Consumer, TopicPartition

from treaty_chassis.kafka.topics import admin, topic_ids
from treaty_push_gateway.kafka.consumers import TOPIC, consumer
from treaty_push_gateway.stream.cursor import Log, Position

__all__ = ["LogInspector", "MissingTopicError"]

TIMEOUT_S = 10.0


class MissingTopicError(Exception):
    """The readings' topic does not exist (yet)."""


class LogInspector:
    """Raises KafkaException where the broker does not answer."""

    def __init__(self, bootstrap_servers: str, topic: str = TOPIC) -> None:
        self._admin = admin(bootstrap_servers)
        self._consumer: Consumer = consumer(bootstrap_servers, "inspector")
        self._topic = topic

    def close(self) -> None:
        self._consumer.close()

    def identify(self) -> Log:
        """Raises MissingTopicError."""
        cluster = self._admin.describe_cluster(request_timeout=TIMEOUT_S).result().cluster_id
        found = topic_ids(self._admin, [self._topic]).get(self._topic)
        if cluster is None or found is None:
            raise MissingTopicError(f"topic {self._topic} does not exist")
        return Log(cluster, found)

    def partitions(self) -> int:
        """How many there are. Raises MissingTopicError."""
        found = self._consumer.list_topics(self._topic, timeout=TIMEOUT_S).topics[self._topic]
        if found.error is not None or not found.partitions:
            raise MissingTopicError(f"topic {self._topic} does not exist")
        return len(found.partitions)

    def bounds(self) -> tuple[Position, Position]:
        """The first retained offset and the next offset to be read, of each partition."""
        watermarks = [
            self._consumer.get_watermark_offsets(
                TopicPartition(self._topic, p), timeout=TIMEOUT_S, cached=False
            )
            for p in range(self.partitions())
        ]
        return tuple(low for low, _ in watermarks), tuple(high for _, high in watermarks)

    def at_time(self, timestamp_ms: int) -> Position:
        """The first offset of each partition whose record entered the log at or after the time; the end
        where there is none."""
        _, ends = self.bounds()
        asked = [TopicPartition(self._topic, p, timestamp_ms) for p in range(len(ends))]
        found = {t.partition: t.offset for t in self._consumer.offsets_for_times(asked, timeout=TIMEOUT_S)}
        return tuple(found[p] if found[p] >= 0 else end for p, end in enumerate(ends))
