"""Bounded, committed reads of the platform's topics: by offset, or by time in growing windows."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from confluent_kafka import (
    OFFSET_END,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from treaty_chassis.kafka import config
from treaty_chassis.kafka import topics as kafka_topics
from treaty_chassis.kafka.history import LogHistory, record_of
from treaty_chassis.kafka.work import Partition, Record
from treaty_events import topics

__all__ = ["Log", "SilentError"]

ANSWER_S: Final = 10.0
SILENCE_S: Final = 30.0
PENDING_S: Final = 0.05
BATCH: Final = 2000
EARLIER_MS: Final = 5_000
"""How far the clocks of two processes may be apart: a search begins so much before its cause."""
FIRST_MS: Final = 10_000
GROWTH: Final = 4
_LEADERLESS: Final = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)


class SilentError(RuntimeError):
    """The broker stopped answering in the midst of a read."""


class Log:
    """Raises KafkaException where the broker does not answer."""

    def __init__(self, bootstrap_servers: str, answer_s: float = ANSWER_S) -> None:
        self._answer_s = answer_s
        self._admin = kafka_topics.admin(bootstrap_servers)
        self._settings = config.reader(bootstrap_servers, "treaty-trace") | {"log_level": 0}
        self._consumer = Consumer(self._settings)
        self.history = LogHistory(bootstrap_servers, "treaty-trace")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._consumer.close()

    @cached_property
    def existing(self) -> dict[str, int]:
        """Every topic and its number of partitions."""
        return kafka_topics.existing(self._admin)

    @cached_property
    def ids(self) -> dict[UUID, str]:
        """Raw topics by their UUIDs."""
        raw = self.of(topics.RAW, topics.RAW_OF_GATEWAY)
        return {id: name for name, id in kafka_topics.topic_ids(self._admin, sorted(raw)).items()}

    def of(self, *specifications: str) -> list[str]:
        """Topics that exist of these specifications, templates included."""
        specs = ((name, topics.spec_of(name)) for name in sorted(self.existing))
        return [name for name, spec in specs if spec is not None and spec.name in specifications]

    def partitions(self, names: Collection[str]) -> list[Partition]:
        return [Partition(name, number) for name in names for number in range(self.existing.get(name, 0))]

    def bounds(self, place: Partition) -> tuple[int, int]:
        """The first offset that is retained, and the next that will be written."""
        low, high = self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=ANSWER_S)
        return low, high

    def at(self, place: Partition, offset: int) -> Record | None:
        """The committed record that stands there; None: there is none."""
        found = next(self.history.read(place, offset, offset + 1), None)
        return found if found is not None and found.offset == offset else None

    def committed(self, group: str, place: Partition) -> int | None:
        """The group's next offset of a partition, None before its first commit. While a transaction is
        pending on it there is no answer, so it is asked again."""
        end = time.monotonic() + self._answer_s
        asked = ConsumerGroupTopicPartitions(group, [TopicPartition(*place)])
        while True:
            (future,) = self._admin.list_consumer_group_offsets([asked], require_stable=True).values()
            (found,) = future.result(timeout=ANSWER_S).topic_partitions
            if found.error is None:
                return None if found.offset < 0 else int(found.offset)
            if found.error.code() != KafkaError.UNSTABLE_OFFSET_COMMIT or time.monotonic() > end:
                raise KafkaException(found.error)
            time.sleep(PENDING_S)

    def last_of_key(self, topic: str, key: bytes) -> Record | None:
        """Of a compacted topic, which holds as many records as there are keys: it is read whole."""
        found = None
        for place in self.partitions([topic]):
            for record in self.history.read(place, 0):
                if record.key == key:
                    found = record
        return found

    def search(
        self, places: Collection[Partition], since: int, until: int, matches: Callable[[Record], bool]
    ) -> list[Record]:
        """Records of the first window of time in which any matches, oldest first; ms since 1970-01-01 UTC.

        Windows grow, so that what follows at once is found at once, and nothing after it is read.
        """
        begin, width = since - EARLIER_MS, FIRST_MS
        now = time.time_ns() // 1_000_000
        while begin < until:
            end = min(begin + width, until)
            found = [r for r in self.between(places, begin, None if end > now else end) if matches(r)]
            if found and end <= now:
                # What was written together may stand on both sides of the window's end.
                found += [r for r in self.between(places, end, end + EARLIER_MS) if matches(r)]
            if found or end > now:
                return sorted(found, key=lambda r: r.timestamp_ms)
            begin, width = end, width * GROWTH
        return []

    def between(self, places: Collection[Partition], begin: int, end: int | None) -> Iterator[Record]:
        """Records of these partitions by their timestamps, in order within a partition. `end` None: all
        there are now."""
        starts = self._offsets(places, begin)
        stops = {} if end is None else self._offsets(places, end)
        left = {p: stops.get(p) for p, start in starts.items() if start != stops.get(p)}
        if not left:
            return
        # A consumer of its own: a partition once paused stays so, whatever is assigned after.
        consumer = Consumer(self._settings)
        try:
            consumer.assign([TopicPartition(p.topic, p.number, starts[p]) for p in left])
            yield from _until_done(consumer, left)
        finally:
            consumer.close()

    def _offsets(self, places: Collection[Partition], at: int) -> dict[Partition, int]:
        """The first offset of each at or after a time; partitions that have none are left out."""
        asked = [TopicPartition(p.topic, p.number, max(0, at)) for p in places]
        if not asked:
            return {}
        return {
            Partition(t.topic, t.partition): t.offset
            for t in self._at_times(asked)
            if t.error is None and t.offset >= 0 and t.offset != OFFSET_END
        }

    def _at_times(self, asked: list[TopicPartition]) -> list[TopicPartition]:
        """A topic that is just being made has no leader yet, for which all of them fail: asked again."""
        end = time.monotonic() + self._answer_s
        while True:
            try:
                return self._consumer.offsets_for_times(asked, timeout=ANSWER_S)
            except KafkaException as error:
                if error.args[0].code() not in _LEADERLESS or time.monotonic() > end:
                    raise
            time.sleep(PENDING_S)


def _until_done(consumer: Consumer, left: dict[Partition, int | None]) -> Iterator[Record]:
    """Each partition to its stop, or to its present end where it has none."""
    heard = time.monotonic()
    while left:
        messages = consumer.consume(BATCH, 0.05)
        if messages:
            heard = time.monotonic()
        elif time.monotonic() - heard > SILENCE_S:
            raise SilentError(f"no answer for {SILENCE_S:.0f} s from {', '.join({p.topic for p in left})}")
        for message in messages:
            place = Partition(message.topic() or "", message.partition() or 0)
            if place not in left:
                continue
            error, stop = message.error(), left[place]
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise SilentError(f"{place.topic}[{place.number}]: {error.str()}")
            # What stands at a stop may be a marker, so the next record after it ends the read as well.
            if error is not None or (stop is not None and (message.offset() or 0) >= stop):
                del left[place]
                consumer.pause([TopicPartition(*place)])
            else:
                yield record_of(message)
