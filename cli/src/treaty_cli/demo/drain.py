"""Whether all that was produced has been dealt with: told from committed offsets, never from a pause."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient

from treaty_chassis.kafka.security import reach
from treaty_events import topics

__all__ = ["backlog", "wait_drained"]

_INPUTS = frozenset({topics.RAW, topics.RAW_OF_GATEWAY, topics.REPLAY, topics.ACCEPTED})
_ANSWER_S = 10.0


def _is_input(topic: str) -> bool:
    spec = topics.spec_of(topic)
    return spec is not None and spec.name in _INPUTS


def _committed(client: AdminClient) -> dict[tuple[str, int], int]:
    """The offsets that services have committed on what they take in."""
    groups = [group.group_id for group in client.list_consumer_groups().result().valid]
    found: dict[tuple[str, int], int] = {}
    for group in groups:
        asked = client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
        for place in asked[group].result().topic_partitions:
            if _is_input(place.topic) and place.offset >= 0:
                found[place.topic, place.partition] = place.offset
    return found


def _inputs(client: AdminClient) -> Iterable[tuple[str, int]]:
    for name, topic in client.list_topics(timeout=_ANSWER_S).topics.items():
        if _is_input(name):
            yield from ((name, partition) for partition in topic.partitions)


def backlog(bootstrap_servers: str) -> list[str]:
    """Topics that hold committed records nobody has dealt with. Raises KafkaException."""
    client = AdminClient(reach(bootstrap_servers))
    committed = _committed(client)
    places = [TopicPartition(*place, committed.get(place, 0)) for place in _inputs(client)]
    consumer = Consumer(
        {
            **reach(bootstrap_servers),
            "group.id": "treaty-cli",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            # A record that retention has taken is no longer waiting.
            "auto.offset.reset": "earliest",
        }
    )
    try:
        consumer.assign(places)
        ended: set[tuple[str, int]] = set()
        waiting: set[str] = set()
        end = time.monotonic() + _ANSWER_S
        while len(ended) < len(places) and time.monotonic() < end:
            for record in consumer.consume(100, 0.2):
                error, topic, partition = record.error(), record.topic() or "", record.partition() or 0
                if error is None:
                    waiting.add(topic)
                    ended.add((topic, partition))
                elif error.code() == KafkaError._PARTITION_EOF:
                    ended.add((topic, partition))
    finally:
        consumer.close()
    return sorted(waiting | {p.topic for p in places if (p.topic, p.partition) not in ended})


def wait_drained(bootstrap_servers: str, timeout_s: float, say: Callable[[str], None]) -> bool:
    """Whether nothing was left waiting within the bound."""
    end = time.monotonic() + timeout_s
    told = None
    while left := backlog(bootstrap_servers):
        if time.monotonic() > end:
            say(f"not drained after {timeout_s:.0f} s: {', '.join(left)}")
            return False
        if left != told:
            say(f"waiting for {', '.join(left)}")
            told = left
        time.sleep(0.2)
    return True
