"""Whether every partition that is subscribed to is somebody's.

A static member that comes back is given its old assignment by the coordinator, which does not compare what
the member subscribes to now (KAFKA-12759, open with Kafka 4.3): a topic that appeared, or was added to the
subscription, while the process was down would stay nobody's. So the group is looked at when partitions are
first assigned, and from time to time; where partitions are nobody's, leaving and joining makes the
coordinator assign anew.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Collection
from typing import Final

import structlog
from confluent_kafka import Consumer, ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from treaty_chassis.kafka.security import reach
from treaty_chassis.kafka.work import Partition

__all__ = ["Coverage", "subscribes"]

log = structlog.get_logger(__name__)
_CALL_S: Final = 5.0
_EVERY_S: Final = 60.0
_AGAIN_S: Final = 2.0


class Coverage:
    """Asked in every turn of the loop, and nearly always silent at no cost."""

    def __init__(self, bootstrap_servers: str, group: str, consumer: Consumer) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._group = group
        self._consumer = consumer
        self._look_at: float | None = None
        self._first = True
        self._suspected: set[Partition] = set()

    def assigned(self) -> None:
        """The group has assigned: the first time, that is looked at at once."""
        if self._look_at is None:
            self._look_at = time.monotonic()

    def orphans(self, topics: Collection[str]) -> set[Partition]:
        """Subscribed partitions that are nobody's, and will stay so; none where that cannot be found out."""
        now = time.monotonic()
        if self._look_at is None or now < self._look_at:
            return set()
        self._look_at = now + _AGAIN_S
        try:
            unassigned = self._unassigned(topics)
        except KafkaException as error:
            log.warning("the group cannot be looked at", detail=str(error))
            return set()
        if unassigned is None:
            return set()
        # What has only just appeared is assigned within a second or two, unless nobody looks: at the start
        # nobody does.
        certain = unassigned if self._first else unassigned & self._suspected
        self._first = False
        self._suspected = unassigned
        if not unassigned:
            self._look_at = now + _EVERY_S
        if certain:
            log.warning(
                "partitions are nobody's", partitions=[f"{p.topic}[{p.number}]" for p in sorted(certain)]
            )
        return certain

    def _unassigned(self, topics: Collection[str]) -> set[Partition] | None:
        """None while the group is rebalancing."""
        known = self._consumer.list_topics(timeout=_CALL_S).topics
        wanted = {
            Partition(name, number)
            for name, topic in known.items()
            if topic.error is None and subscribes(topics, name)
            for number in topic.partitions
        }
        own = {Partition(p.topic, p.partition) for p in self._consumer.assignment()}
        if not wanted - own:
            return set()
        settings = reach(self._bootstrap_servers) | {"logger": logging.getLogger("librdkafka")}
        admin = AdminClient(settings)
        described = admin.describe_consumer_groups([self._group], request_timeout=_CALL_S)
        group = described[self._group].result()
        if group.state is not ConsumerGroupState.STABLE:
            return None
        taken = {
            Partition(p.topic, p.partition) for m in group.members for p in m.assignment.topic_partitions
        }
        return wanted - own - taken


def subscribes(topics: Collection[str], name: str) -> bool:
    """As librdkafka reads a subscription: a name, or from `^` on a pattern."""
    return any(re.search(t, name) if t.startswith("^") else t == name for t in topics)
