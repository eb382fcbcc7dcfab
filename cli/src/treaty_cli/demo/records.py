"""Reads a run's records from Kafka: committed ones, from the offsets at its start to the present ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

from confluent_kafka import Consumer, TopicPartition

from treaty_chassis.kafka import config
from treaty_chassis.kafka import topics as kafka_topics
from treaty_chassis.kafka.history import LogHistory
from treaty_chassis.kafka.work import Partition, Record
from treaty_cli.demo.reconciliation import Account
from treaty_events import topics

__all__ = ["Offsets", "Reader", "ends", "load_offsets", "save_offsets"]

Offsets: TypeAlias = Mapping[Partition, int]
ANSWER_S: Final = 10.0

PLACES: Final = {
    topics.RAW: "raw",
    topics.RAW_OF_GATEWAY: "raw",
    topics.ACCEPTED: "accepted",
    topics.READING_NORMALIZED: "readings",
    topics.REFUSED: "refused",
    topics.DEADLETTER: "dead_letters",
    topics.NETWORK_REPORTED: "reported",
}
"""Where in the account each topic's records belong; other topics are not read."""


def _partitions(bootstrap_servers: str) -> list[Partition]:
    found = kafka_topics.existing(kafka_topics.admin(bootstrap_servers))
    return [Partition(t, number) for t in sorted(found) if _place(t) for number in range(found[t])]


def _place(topic: str) -> str | None:
    spec = topics.spec_of(topic)
    return None if spec is None else PLACES.get(spec.name)


def ends(bootstrap_servers: str) -> Offsets:
    """Where every topic of interest ends now."""
    consumer = Consumer(config.reader(bootstrap_servers, "treaty-reconciler"))
    try:
        return {
            place: consumer.get_watermark_offsets(TopicPartition(*place), timeout=ANSWER_S)[1]
            for place in _partitions(bootstrap_servers)
        }
    finally:
        consumer.close()


def save_offsets(path: Path, offsets: Offsets) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([[p.topic, p.number, offset] for p, offset in sorted(offsets.items())]))


def load_offsets(path: Path) -> dict[Partition, int]:
    """Raises ValueError or OSError."""
    return {Partition(str(t), int(n)): int(offset) for t, n, offset in json.loads(path.read_text())}


class Reader:
    """Goes on from where it was; topics that came after the start are read from their beginning."""

    def __init__(self, bootstrap_servers: str, start: Offsets) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._history = LogHistory(bootstrap_servers, "treaty-reconciler")
        self._next = dict(start)
        self._records: dict[str, list[Record]] = {place: [] for place in PLACES.values()}

    def read(self) -> Account:
        """Everything up to now. Raises KafkaException, or the chassis's FatalError."""
        # Results before sources: what is read of a result then has its source in the account.
        partitions = sorted(_partitions(self._bootstrap_servers), key=lambda p: _place(p.topic) == "raw")
        for partition in partitions:
            for record in self._history.read(partition, self._next.get(partition, 0)):
                self._records[_place(partition.topic) or ""].append(record)
                self._next[partition] = record.offset + 1
        raw = sorted({p.topic for p in partitions if _place(p.topic) == "raw"})
        ids = kafka_topics.topic_ids(kafka_topics.admin(self._bootstrap_servers), raw)
        account = Account(ids)
        for place, found in self._records.items():
            setattr(account, place, found)
        return account
