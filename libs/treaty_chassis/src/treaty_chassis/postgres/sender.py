"""One relay's way to Kafka: the producer that fences its predecessor's, and a batch as one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from treaty_chassis.kafka.caller import Caller, HangError
from treaty_chassis.kafka.security import reach
from treaty_chassis.postgres.outbox import Outbox, unpack_headers
from treaty_chassis.postgres.refusals import Topics, own, words
from treaty_chassis.postgres.rows import Row

__all__ = ["Sender"]

TIMEOUT_S = 30.0
# Longer than a call may take by its own timeout, which not all of them look at: see kafka/caller.py.
HANG_S = 45.0


class Sender:
    """Raises KafkaException where the broker does not let it begin, and from every call where the broker is
    away; what was under way is then for the next one to find out. HangError where librdkafka hangs.

    `failpoint` is called with "produced" when only the commit is left.
    """

    def __init__(self, outbox: Outbox, servers: str, failpoint: Callable[[str], None]) -> None:
        self._marker = outbox.marker
        self._failpoint = failpoint
        self._topics = Topics()
        self._producer = Producer(
            reach(servers)
            | {
                "client.id": outbox.name,
                "transactional.id": outbox.name,
                "transaction.timeout.ms": 10_000,
                "linger.ms": 0,
                "message.max.bytes": 4_000_000,
                "partitioner": "murmur2_random",
                "retry.backoff.ms": 1,
                "retry.backoff.max.ms": 50,
                "logger": logging.getLogger("librdkafka"),
            }
        )
        self._producer.init_transactions(TIMEOUT_S)
        # Only for its group's metadata and committed offset: it never subscribes.
        self._group = Consumer(
            reach(servers)
            | {
                "client.id": outbox.name,
                "group.id": outbox.name,
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "logger": logging.getLogger("librdkafka"),
            }
        )
        self._caller = Caller(f"{outbox.name} offsets")

    def close(self) -> Caller:
        """What may still be in a call that hangs."""
        self._caller.leave(lambda: None)
        self._group.close()
        self._producer.purge()
        self._producer.flush(0)
        return self._caller

    def poll(self) -> None:
        """Where librdkafka's log comes out."""
        self._producer.poll(0)

    def committed(self) -> int:
        """The number of the last batch that went out."""
        (found,) = self._group.committed([TopicPartition(self._marker, 0)], TIMEOUT_S)
        if found.error is not None:
            raise KafkaException(found.error)
        return max(found.offset, 0)

    def missing(self, rows: Sequence[Row]) -> dict[str, str]:
        """The topics among theirs that take nothing, with why."""
        return self._topics.missing(self._producer, {row.topic for row in rows}, TIMEOUT_S)

    def send(self, batch: int, rows: Sequence[Row]) -> dict[int, str]:
        """Commits the batch, and nothing is returned; or aborts it for what Kafka refuses: why, by row."""
        try:
            refused = self._transact(batch, rows)
        except BaseException:
            self._topics.forget()
            raise
        if refused:
            self._topics.forget()
        return refused

    def _transact(self, batch: int, rows: Sequence[Row]) -> dict[int, str]:
        refused: dict[int, str] = {}
        self._producer.begin_transaction()
        try:
            for row in rows:
                self._produce(row, refused)
            if not refused:
                position = TopicPartition(self._marker, 0, batch)
                metadata = self._group.consumer_group_metadata()
                self._caller.call(
                    lambda: self._producer.send_offsets_to_transaction([position], metadata, TIMEOUT_S),
                    _look,
                )
                self._failpoint("produced")
                self._producer.commit_transaction(TIMEOUT_S)
                return {}
        except KafkaException as error:
            if not error.args[0].txn_requires_abort():
                raise
            # Whose fault it was is served while it aborts.
            self._producer.abort_transaction(TIMEOUT_S)
            if not refused:
                raise
            return refused
        self._producer.abort_transaction(TIMEOUT_S)
        return refused

    def _produce(self, row: Row, refused: dict[int, str]) -> None:
        def delivered(error: KafkaError | None, _: object) -> None:
            if error is not None and own(error):
                refused[row.id] = words(error)

        try:
            headers = unpack_headers(row.headers)
            self._producer.produce(row.topic, row.value, row.key, headers=headers, on_delivery=delivered)
        except (msgspec.DecodeError, ValueError) as error:
            refused[row.id] = f"it cannot be written to Kafka: {error}"
        except KafkaException as error:
            if not own(error.args[0]):
                raise
            refused[row.id] = words(error.args[0])


def _look(waited_s: float) -> None:
    """The next producer takes the transactional id over: what the one that hangs may still do is refused."""
    if waited_s > HANG_S:
        raise HangError(f"a call has not returned for {waited_s:.0f} s")
