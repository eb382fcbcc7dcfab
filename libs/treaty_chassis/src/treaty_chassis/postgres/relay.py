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

But for a row that Kafka refuses on its own account, as one to a topic that was deleted: the transaction is
aborted, the row is tried again a few times by itself, and then stays, with why, until somebody sends it
again or discards it. What has its topic and key waits behind it, all else goes on: see
treaty_chassis.postgres.rows. No row is skipped but by somebody's word.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import structlog
from confluent_kafka import KafkaException
from prometheus_client import Counter, Gauge

from treaty_chassis.kafka.caller import Caller, HangError
from treaty_chassis.postgres.outbox import Outbox
from treaty_chassis.postgres.rows import Rows
from treaty_chassis.postgres.sender import TIMEOUT_S, Sender
from treaty_chassis.postgres.url import libpq_url
from treaty_chassis.telemetry import METRICS

__all__ = ["Relay"]

log = structlog.get_logger(__name__)
POLL_S, STANDBY_S, LONGEST_BACKOFF_S, PRUNE_S = 0.5, 1.0, 10.0, 600.0
COUNTED_EVERY_S = 5.0
# Two minutes in all: a topic that is made anew with its Kafka is there by then.
WAITS_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
LEFT_AT_MOST = 5

SENT = Counter("treaty_outbox_sent", "Records sent from the outbox.", ["outbox"], registry=METRICS)
AGE = Gauge(
    "treaty_outbox_oldest_seconds", "Age of the oldest record not yet sent.", ["outbox"], registry=METRICS
)
INTERRUPTED = Counter(
    "treaty_outbox_interruptions", "Times the relay had to begin anew.", ["outbox"], registry=METRICS
)
REFUSED = Counter(
    "treaty_outbox_refused", "Times Kafka refused a record, or its topic.", ["outbox"], registry=METRICS
)
FAILED = Gauge(
    "treaty_outbox_failed_records", "Records that stay until somebody acts.", ["outbox"], registry=METRICS
)
RETRIED = Gauge(
    "treaty_outbox_retried_records", "Refused records to be tried again.", ["outbox"], registry=METRICS
)


class Relay:
    """Runs in a thread of its own between start and stop.

    `failpoint`, for tests of crashes, is called with "claimed", "produced", "committed" and "marked" at
    those points of each batch. `on_failure` is told, in the relay's thread, why it stopped for good: of a
    mistake in the code, or of more calls that hang than a process should keep, never of a broker or database
    that is away. `waits_s` are the times between the tries of a record that Kafka refuses.
    """

    def __init__(
        self,
        outbox: Outbox,
        database_url: str,
        bootstrap_servers: str,
        *,
        on_failure: Callable[[Exception], None] = lambda error: None,
        failpoint: Callable[[str], None] = lambda at: None,
        waits_s: Sequence[float] = WAITS_S,
    ) -> None:
        self._outbox = outbox
        self._on_failure = on_failure
        self._url = libpq_url(database_url)
        self._servers = bootstrap_servers
        self._failpoint = failpoint
        self._rows = Rows(outbox, waits_s)
        self._again = True
        self._counted = 0.0
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
            sender = Sender(self._outbox, self._servers, self._failpoint)
            try:
                self._send(connection, sender)
            finally:
                # Whoever leads next counts what is left.
                for gauge in (AGE, FAILED, RETRIED):
                    gauge.labels(self._outbox.name).set(0)
                self._left.append(sender.close())

    def _lock(self, connection: psycopg.Connection[Any]) -> bool:
        row = connection.execute(
            "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [self._outbox.name]
        ).fetchone()
        return row is not None and bool(row[0])

    def _send(self, connection: psycopg.Connection[Any], sender: Sender) -> None:
        batch = self._rows.settle(connection, sender.committed())
        log.info("relay_leads", outbox=self._outbox.name, batch=batch)
        pruned, self._again, self._counted = 0.0, True, 0.0
        while not self._stopping.is_set():
            sent = False
            for again in (False, True) if self._again else (False,):
                if self._pass(connection, sender, batch, again=again):
                    batch, sent = batch + 1, True
            self._count(connection)
            if sent:
                continue
            sender.poll()
            self._wrong = None
            AGE.labels(self._outbox.name).set(0)
            if time.monotonic() - pruned > PRUNE_S:
                self._rows.prune(connection)
                pruned = time.monotonic()
            for _ in connection.notifies(timeout=POLL_S, stop_after=1):
                pass

    def _pass(self, connection: psycopg.Connection[Any], sender: Sender, batch: int, *, again: bool) -> bool:
        """Whether there was anything to do. The batch's number is used up then, committed or not."""
        rows = self._rows.claim(connection, batch, again=again)
        if not rows:
            return False
        if not again:
            AGE.labels(self._outbox.name).set(rows[0].age_s)
        self._failpoint("claimed")
        missing = sender.missing(rows)
        for topic, reason in missing.items():
            self._say(topic, reason, self._rows.set_topic_aside(connection, topic, reason))
        refused = {} if missing else sender.send(batch, rows)
        for row in rows:
            if row.id in refused:
                reason = refused[row.id]
                self._say(row.topic, reason, self._rows.set_aside(connection, row, reason))
        if missing or refused:
            self._rows.release(connection)
            return True
        self._failpoint("committed")
        self._rows.mark(connection, rows)
        self._failpoint("marked")
        SENT.labels(self._outbox.name).inc(len(rows))
        return True

    def _say(self, topic: str, reason: str, failed: bool) -> None:
        REFUSED.labels(self._outbox.name).inc()
        self._again, self._counted = True, 0.0
        name = self._outbox.name
        if failed:
            log.error("outbox_record_failed", outbox=name, topic=topic, reason=reason)
        else:
            log.warning("outbox_record_refused", outbox=name, topic=topic, reason=reason)

    def _count(self, connection: psycopg.Connection[Any]) -> None:
        """Somebody may have sent a failed record again, or discarded it."""
        if time.monotonic() - self._counted > COUNTED_EVERY_S:
            failed, again = self._rows.refused(connection)
            FAILED.labels(self._outbox.name).set(failed)
            RETRIED.labels(self._outbox.name).set(again)
            self._again, self._counted = again > 0, time.monotonic()
