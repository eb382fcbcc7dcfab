"""Tables made of topics: records and the offsets they were read to are written in one transaction.

PostgreSQL's offsets are the only ones: the consumer joins no group, commits nothing to Kafka, and starts
where the table says. So each committed record is applied exactly once, whatever is killed when. The markers
that transactions leave are passed and stored as well: retention takes them too, and the next start would
otherwise take them for records that were lost. One
projection of a name is active, by a session lock on the connection it writes with; besides, every
transaction compares the offset it found before setting the next, so a writer that was overtaken fails.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import psycopg
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from prometheus_client import Counter, Gauge, Histogram

from treaty_chassis.kafka.history import record_of
from treaty_chassis.kafka.security import reach
from treaty_chassis.kafka.topics import admin, topic_ids
from treaty_chassis.kafka.work import Record
from treaty_chassis.postgres.progress import OvertakenError, Place, Progress
from treaty_chassis.postgres.url import libpq_url
from treaty_chassis.telemetry import LATENCY_BUCKETS, METRICS

__all__ = ["Apply", "LostError", "Projection", "RejectedError"]

log = structlog.get_logger(__name__)
Apply: TypeAlias = Callable[[psycopg.Connection[Any], Sequence[Record]], None]
PASSING = (psycopg.OperationalError, psycopg.InterfaceError, KafkaException, OvertakenError)
TIMEOUT_S, WAIT_S, GATHER_S, STANDBY_S = 10.0, 0.25, 0.005, 1.0
REDISCOVER_S, SILENT_S, LONGEST_BACKOFF_S, CARRY_S = 30.0, 30.0, 10.0, 5.0

APPLIED = Counter("treaty_projection_records", "Records applied.", ["projection"], registry=METRICS)
SKIPPED = Counter("treaty_projection_skipped", "Records not applicable.", ["projection"], registry=METRICS)
BEGUN = Counter("treaty_projection_interruptions", "Times begun anew.", ["projection"], registry=METRICS)
LAG = Gauge("treaty_projection_lag_records", "Records not yet applied.", ["projection"], registry=METRICS)
BATCH = Histogram(
    "treaty_projection_batch_seconds",
    "From a batch in hand to its commit.",
    ["projection"],
    buckets=LATENCY_BUCKETS,
    registry=METRICS,
)


class RejectedError(ValueError):
    """Raised by `apply` for a record that can never be applied: it is logged, counted and passed over."""


class LostError(Exception):
    """Records left the topic's retention before they were applied."""


class Projection:
    """Runs in a thread of its own between start and stop.

    `apply(connection, records)` writes what the records change, in the projection's transaction; records
    come in offset order within a partition. What it raises as RejectedError, psycopg.DataError or
    psycopg.IntegrityError is the fault of a record: the batch is repeated record by record and the guilty
    ones are passed over, loudly (they stay in the topic). `idle(connection)` is called outside
    transactions between batches, four times a second or more often. `accept_loss` goes on with what the
    topic still has where records were lost to retention; without it the projection stops with LostError.
    `on_failure` is told, in the projection's thread, why it stopped for good.
    """

    def __init__(
        self,
        name: str,
        schema: str,
        topics: Sequence[str],
        apply: Apply,
        *,
        database_url: str,
        bootstrap_servers: str,
        idle: Callable[[psycopg.Connection[Any]], None] = lambda connection: None,
        batch: int = 2000,
        accept_loss: bool = False,
        on_failure: Callable[[Exception], None] = lambda error: None,
        failpoint: Callable[[str], None] = lambda at: None,
    ) -> None:
        self._name = f"{schema}.projection.{name}"
        self._label = name
        self._topics = list(topics)
        self._url = libpq_url(database_url)
        self._servers = bootstrap_servers
        self._progress = Progress(schema, name)
        self._apply = apply
        self._idle = idle
        self._batch = batch
        self._accept_loss = accept_loss
        self._on_failure = on_failure
        self._failpoint = failpoint
        self._places: dict[tuple[str, int], Place] = {}
        self._next: dict[tuple[str, int], int] = {}
        self._reached: dict[tuple[str, int], int] = {}
        self._stopping = threading.Event()
        self._wrong: str | None = "has not begun yet"
        self._moved = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self.failed = threading.Event()
        """Set when the projection stopped for good: by LostError, or a mistake in `apply`."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the batch under way is committed."""
        self._stopping.set()
        self._thread.join(60)

    def check(self) -> str | None:
        """For readiness: None while this projection applies, or stands by for another that does."""
        if not self._thread.is_alive():
            return self._wrong or "the projection has stopped"
        if time.monotonic() - self._moved > SILENT_S:
            return f"nothing has moved for {SILENT_S:.0f} s"
        return self._wrong

    def _run(self) -> None:
        backoff = 0.1
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._lead()
            except Exception as error:
                if not (isinstance(error, PASSING) or (self._accept_loss and isinstance(error, LostError))):
                    self._wrong = f"stopped: {error}"
                    log.error("projection_stopped", projection=self._label, exc_info=error)
                    self.failed.set()
                    self._on_failure(error)
                    return
                BEGUN.labels(self._label).inc()
                self._wrong = f"interrupted: {type(error).__name__}"
                log.warning("projection_interrupted", projection=self._label, error=str(error))
                backoff = 0.1 if time.monotonic() - began > 60 else min(backoff * 2, LONGEST_BACKOFF_S)
                self._stopping.wait(backoff)

    def _lead(self) -> None:
        with psycopg.connect(
            self._url, autocommit=True, application_name=self._name, connect_timeout=5
        ) as connection:
            connection.execute("SET statement_timeout = '60s'")
            connection.execute("SET timezone = 'UTC'")
            lock = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
            while connection.execute(lock, [self._name]).fetchone() != (True,):
                self._alive()
                if self._stopping.wait(STANDBY_S):
                    return
            consumer = Consumer(
                reach(self._servers)
                | {
                    "client.id": self._name,
                    "group.id": self._name,
                    "enable.auto.commit": False,
                    "enable.auto.offset.store": False,
                    "enable.partition.eof": True,
                    "isolation.level": "read_committed",
                    "auto.offset.reset": "error",
                    "queued.max.messages.kbytes": 16384,
                    "fetch.wait.max.ms": 100,
                    "logger": logging.getLogger("librdkafka"),
                }
            )
            try:
                self._follow(connection, consumer)
            finally:
                consumer.close()

    def _alive(self) -> None:
        self._wrong, self._moved = None, time.monotonic()

    def _follow(self, connection: psycopg.Connection[Any], consumer: Consumer) -> None:
        self._places, self._next, self._reached = {}, {}, {}
        discovered, carried = -REDISCOVER_S, time.monotonic()
        while not self._stopping.is_set():
            if time.monotonic() - discovered > REDISCOVER_S:
                missing = self._discover(connection, consumer)
                if missing:
                    self._wrong = f"topics are missing: {', '.join(missing)}"
                    self._stopping.wait(STANDBY_S)
                    continue
                discovered = time.monotonic()
            found = consumer.consume(1, WAIT_S)
            if found:
                found += consumer.consume(self._batch - 1, GATHER_S)
                records, reached = _sorted(found)
                if records:
                    with BATCH.labels(self._label).time():
                        self._write(connection, records)
                self._reached.update(reached)
            if time.monotonic() - carried > CARRY_S:
                self._carry(connection)
                carried = time.monotonic()
            self._idle(connection)
            self._alive()
            LAG.labels(self._label).set(self._lag(consumer))
        self._carry(connection)

    def _discover(self, connection: psycopg.Connection[Any], consumer: Consumer) -> list[str]:
        """Takes in topics and partitions that are new, at the offsets the table has for them; returns the
        topics that do not exist."""
        ids = topic_ids(admin(self._servers), self._topics)
        for topic, topic_id in ids.items():
            for partition in consumer.list_topics(topic, TIMEOUT_S).topics[topic].partitions:
                if (topic, partition) not in self._next:
                    place = Place(topic, topic_id, partition)
                    offset = self._begin(connection, consumer, place)
                    self._places[topic, partition], self._next[topic, partition] = place, offset
                    consumer.incremental_assign([TopicPartition(topic, partition, offset)])
                    log.info("projection_reads", topic=topic, partition=partition, offset=offset)
        return [topic for topic in self._topics if topic not in ids]

    def _begin(self, connection: psycopg.Connection[Any], consumer: Consumer, place: Place) -> int:
        first, end = consumer.get_watermark_offsets(TopicPartition(place.topic, place.partition), TIMEOUT_S)
        with connection.transaction():
            found = self._progress.find(connection, place, first)
            if first <= found <= end:
                return found
            lost = f"{place.topic} partition {place.partition}: applied to {found}, it has {first} to {end}"
            if not self._accept_loss:
                raise LostError(lost)
            log.error("projection_lost_records", projection=self._label, detail=lost)
            self._progress.move(connection, place, found, first)
        return first

    def _write(self, connection: psycopg.Connection[Any], records: Sequence[Record]) -> None:
        try:
            self._commit(connection, records, self._apply)
        except (RejectedError, psycopg.DataError, psycopg.IntegrityError) as error:
            if len(records) > 1:
                for record in records:
                    self._write(connection, [record])
                return
            at = {name: getattr(records[0], name) for name in ("topic", "partition", "offset")}
            log.error("record_not_applied", projection=self._label, error=str(error), **at)
            SKIPPED.labels(self._label).inc()
            self._commit(connection, records, lambda connection, records: None)
        else:
            APPLIED.labels(self._label).inc(len(records))

    def _commit(self, connection: psycopg.Connection[Any], records: Sequence[Record], apply: Apply) -> None:
        ends = {(record.topic, record.partition): record.offset + 1 for record in records}
        with connection.transaction():
            apply(connection, records)
            self._failpoint("written")
            for at, end in ends.items():
                self._progress.move(connection, self._places[at], self._next[at], end)
        self._next.update(ends)
        self._failpoint("committed")

    def _carry(self, connection: psycopg.Connection[Any]) -> None:
        """Stores how far partitions were read past their last record."""
        passed = {at: end for at, end in self._reached.items() if end > self._next[at]}
        if passed:
            with connection.transaction():
                for at, end in passed.items():
                    self._progress.move(connection, self._places[at], self._next[at], end)
            self._next.update(passed)

    def _lag(self, consumer: Consumer) -> int:
        lag = 0
        for (topic, partition), following in self._next.items():
            _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
            lag += max(end - max(following, self._reached.get((topic, partition), 0)), 0)
        return lag


def _sorted(messages: Sequence[Message]) -> tuple[list[Record], dict[tuple[str, int], int]]:
    """The records, and the offsets at which partitions ended behind them."""
    records: list[Record] = []
    reached: dict[tuple[str, int], int] = {}
    for message in messages:
        error = message.error()
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if error is None:
            records.append(record_of(message))
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            raise LostError(f"{topic} partition {partition}: {error.str()}")
        elif error.code() != KafkaError._PARTITION_EOF:
            raise KafkaException(error)
        elif topic is not None and partition is not None and offset is not None:
            reached[topic, partition] = offset
    return records, reached
