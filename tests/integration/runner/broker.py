"""What the tests ask of the broker themselves."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from treaty_chassis.kafka import topics
from treaty_chassis.kafka.history import record_of
from treaty_chassis.kafka.work import Record
from treaty_embedded.reading import read_to_end
from treaty_embedded.settling import settle

PATIENCE_S = 180.0
"""How long anything may take that a quiet machine does in a second."""


@dataclass(frozen=True)
class Spec:
    name: str
    partitions: int = 1
    config: dict[str, str] = field(default_factory=dict)


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:12]}"


def create(servers: str, *specs: Spec) -> None:
    admin = topics.admin(servers)
    topics.apply(admin, specs)
    settle(servers, [spec.name for spec in specs])


def produce(
    servers: str, topic: str, values: Iterable[bytes], key: Callable[[bytes], bytes] = lambda v: v
) -> None:
    producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True})
    for value in values:
        producer.produce(topic, value, key(value))
    assert producer.flush(PATIENCE_S) == 0


def read(servers: str, topic: str, isolation: str = "read_committed") -> list[Record]:
    """All there is, to the end of each partition."""
    return [record_of(message) for message in read_to_end(servers, topic, isolation=isolation)]


def end_of(servers: str, topic: str) -> int:
    """The ends of its partitions together: records of open and aborted transactions count, and markers."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": unique("ends")})
    try:
        partitions = consumer.list_topics(topic, timeout=PATIENCE_S).topics[topic].partitions
        return sum(
            consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=PATIENCE_S)[1]
            for p in partitions
        )
    finally:
        consumer.close()


def values(records: Iterable[Record]) -> list[bytes]:
    return sorted(r.value or b"" for r in records)


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S) -> float:
    """Seconds it took. A broker that does not answer now may do so when it is asked again."""
    began = time.monotonic()
    while True:
        silence: KafkaException | None = None
        try:
            if condition():
                return time.monotonic() - began
        except KafkaException as error:
            silence = error
        waited = time.monotonic() - began
        assert waited < timeout_s, f"waited {timeout_s:.0f} s for {what} ({silence})"
        time.sleep(min(0.2, max(0.02, waited / 10)))
