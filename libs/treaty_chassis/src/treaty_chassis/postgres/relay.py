"""Carries the outbox to Kafka: one active relay a schema, each row exactly once, in id order.

Two things make a relay the only one. A session lock in PostgreSQL: every statement of the relay runs on
the connection that holds it, so a relay that lost its connection can claim nothing more. And its
transactional.id: the next relay's init_transactions fences whatever the last one still had under way.

A crash between the Kafka commit and the mark in PostgreSQL would repeat events. So each batch gets a
number, written to its rows before anything is produced, and the same number is committed in the Kafka
transaction as the offset of a consumer group of the outbox's name, in partition 0 of the marker topic.
The next relay reads that offset and knows which rows went out. Should the broker have forgotten it
(offsets.retention.minutes, a week by default, with the relay down all that time), the rows in doubt are
sent again: consumers of *.changed topics ignore versions they hold, as they must anyway.

Whatever goes wrong is answered the same way: let go of the lock and the producer, wait, begin anew.
Rows are never skipped.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import structlog
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from prometheus_client import Counter, Gauge

from treaty_chassis.kafka.caller import Caller, HangError
from treaty_chassis.kafka.security import reach
from treaty_chassis.postgres.outbox import Outbox, unpack_headers
from treaty_chassis.postgres.url import libpq_url
from treaty_chassis.telemetry import METRICS

__all__ = ["Relay"]

log = structlog.get_logger(__name__)
ROWS, BYTES = 500, 8_000_000
POLL_S, STANDBY_S, LONGEST_BACKOFF_S, PRUNE_S = 0.5, 1.0, 10.0, 600.0
TIMEOUT_S = 30.0
# Longer than a call may take by its own timeout, which not all of them look at: see kafka/caller.py.
HANG_S = 45.0
LEFT_AT_MOST = 5

SENT = Counter("treaty_outbox_sent", "Records sent from the outbox.", ["outbox"], registry=METRICS)
AGE = Gauge(
    "treaty_outbox_oldest_seconds", "Age of the oldest record not yet sent.", ["outbox"], registry=METRICS
)
INTERRUPTED = Counter(
    "treaty_outbox_interruptions", "Times the relay had to begin anew.", ["outbox"], registry=METRICS
)

# The oldest rows, at least one, of at most BYTES together.
CLAIM = """
WITH oldest AS (
    SELECT id, coalesce(octet_length(value), 0) AS size FROM {table} WHERE sent_at IS NULL
    ORDER BY id LIMIT %(rows)s
), due AS (
    SELECT id FROM (SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM oldest) AS summed
    WHERE before < %(bytes)s
)
UPDATE {table} AS o SET batch = %(batch)s FROM due WHERE o.id = due.id
RETURNING o.id, o.topic, o.key, o.value, o.headers, extract(epoch FROM now() - o.created_at)::float8
"""


class Relay:
    """Runs in a thread of its own between start and stop.

    `failpoint`, for tests of crashes, is called with "claimed", "produced", "committed" and "marked" at
    those points of each batch. `on_failure` is told, in the relay's thread, why it stopped for good: of a
    mistake in the code, or of more calls that hang than a process should keep, never of a broker or database
    that is away.
    """

    def __init__(
        self,
        outbox: Outbox,
        database_url: str,
        bootstrap_servers: str,
        *,
        on_failure: Callable[[Exception], None] = lambda error: None,
        failpoint: Callable[[str], None] = lambda at: None,
    ) -> None:
        self._outbox = outbox
        self._on_failure = on_failure
        self._url = libpq_url(database_url)
        self._servers = bootstrap_servers
        self._failpoint = failpoint
        self._sql = {name: sql.format(table=f"{outbox.schema}.outbox") for name, sql in STATEMENTS.items()}
        self._stopping = threading.Event()
        self._wrong: str | None = "has not begun yet"
        self._left: list[Caller] = []
        self._thread = threading.Thread(target=self._run, name=outbox.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the batch under way is done; rows left are sent by the next relay."""
        self._stopping.set()
        self._thread.join(TIMEOUT_S)

    def check(self) -> str | None:
        """For readiness: None while this relay sends, or stands by for another that does."""
        if not self._thread.is_alive():
            return "the relay has stopped"
        return self._wrong

    def _run(self) -> None:
        backoff = 0.1
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._lead()
            except Exception as error:
                self._left = [caller for caller in self._left if caller.alive()]
                passing = isinstance(error, psycopg.Error | KafkaException | HangError)
                if not passing or len(self._left) >= LEFT_AT_MOST:
                    log.error("relay_stopped", outbox=self._outbox.name, exc_info=error)
                    self._on_failure(error)
                    return
                INTERRUPTED.labels(self._outbox.name).inc()
                self._wrong = f"interrupted: {type(error).__name__}"
                log.warning("relay_interrupted", outbox=self._outbox.name, error=str(error))
                backoff = 0.1 if time.monotonic() - began > 60 else min(backoff * 2, LONGEST_BACKOFF_S)
                self._stopping.wait(backoff)

    def _lead(self) -> None:
        with psycopg.connect(
            self._url,
            autocommit=True,
            application_name=self._outbox.name,
            connect_timeout=5,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
        ) as connection:
            while not self._lock(connection):
                self._wrong = None
                if self._stopping.wait(STANDBY_S):
                    return
            connection.execute("SET statement_timeout = '30s'")
            connection.execute(f"LISTEN {self._outbox.channel}".encode())
            producer, group = self._producer(), self._group()
            caller = Caller(f"{self._outbox.name} offsets")
            try:
                self._send(connection, producer, group, caller)
            finally:
                caller.leave(lambda: None)
                self._left.append(caller)
                group.close()
                producer.purge()
                producer.flush(0)

    def _lock(self, connection: psycopg.Connection[Any]) -> bool:
        row = connection.execute(
            "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [self._outbox.name]
        ).fetchone()
        return row is not None and bool(row[0])

    def _producer(self) -> Producer:
        producer = Producer(
            reach(self._servers)
            | {
                "client.id": self._outbox.name,
                "transactional.id": self._outbox.name,
                "transaction.timeout.ms": 10_000,
                "linger.ms": 0,
                "message.max.bytes": 4_000_000,
                "partitioner": "murmur2_random",
                "retry.backoff.ms": 1,
                "retry.backoff.max.ms": 50,
                "logger": logging.getLogger("librdkafka"),
            }
        )
        producer.init_transactions(TIMEOUT_S)
        return producer

    def _group(self) -> Consumer:
        """Only for its group's metadata and committed offset: it never subscribes."""
        return Consumer(
            reach(self._servers)
            | {
                "client.id": self._outbox.name,
                "group.id": self._outbox.name,
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "logger": logging.getLogger("librdkafka"),
            }
        )

    def _send(
        self, connection: psycopg.Connection[Any], producer: Producer, group: Consumer, caller: Caller
    ) -> None:
        batch = self._settle(connection, group)
        log.info("relay_leads", outbox=self._outbox.name, batch=batch)
        pruned = 0.0
        while not self._stopping.is_set():
            if self._pass(connection, producer, group, caller, batch):
                batch += 1
                continue
            # Also where librdkafka's log comes out.
            producer.poll(0)
            self._wrong = None
            AGE.labels(self._outbox.name).set(0)
            if time.monotonic() - pruned > PRUNE_S:
                connection.execute(self._sql["prune"].encode())
                pruned = time.monotonic()
            for _ in connection.notifies(timeout=POLL_S, stop_after=1):
                pass

    def _settle(self, connection: psycopg.Connection[Any], group: Consumer) -> int:
        """Marks what the last relay sent without marking it; returns the next batch's number."""
        (found,) = group.committed([TopicPartition(self._outbox.marker, 0)], TIMEOUT_S)
        if found.error is not None:
            raise KafkaException(found.error)
        committed = max(found.offset, 0)
        connection.execute(self._sql["settle"].encode(), {"batch": committed})
        row = connection.execute(self._sql["last"].encode()).fetchone()
        return max(committed, row[0] if row else 0) + 1

    def _pass(
        self,
        connection: psycopg.Connection[Any],
        producer: Producer,
        group: Consumer,
        caller: Caller,
        batch: int,
    ) -> bool:
        bounds = {"rows": ROWS, "bytes": BYTES, "batch": batch}
        rows = sorted(connection.execute(self._sql["claim"].encode(), bounds).fetchall())
        if not rows:
            return False
        AGE.labels(self._outbox.name).set(rows[0][5])
        self._failpoint("claimed")
        producer.begin_transaction()
        for _, topic, key, value, headers, _ in rows:
            producer.produce(topic, value, key, headers=unpack_headers(headers))
        position = TopicPartition(self._outbox.marker, 0, batch)
        metadata = group.consumer_group_metadata()
        caller.call(lambda: producer.send_offsets_to_transaction([position], metadata, TIMEOUT_S), _look)
        self._failpoint("produced")
        producer.commit_transaction(TIMEOUT_S)
        self._failpoint("committed")
        connection.execute(self._sql["mark"].encode(), {"ids": [row[0] for row in rows]})
        self._failpoint("marked")
        SENT.labels(self._outbox.name).inc(len(rows))
        return True


def _look(waited_s: float) -> None:
    """The next producer takes the transactional id over: what the one that hangs may still do is refused."""
    if waited_s > HANG_S:
        raise HangError(f"a call has not returned for {waited_s:.0f} s")


STATEMENTS = {
    "claim": CLAIM,
    "settle": "UPDATE {table} SET sent_at = now() WHERE sent_at IS NULL AND batch <= %(batch)s",
    "last": "SELECT coalesce(max(batch), 0) FROM {table}",
    "mark": "UPDATE {table} SET sent_at = now() WHERE id = ANY(%(ids)s)",
    "prune": "DELETE FROM {table} WHERE sent_at < now() - interval '1 hour'",
}
