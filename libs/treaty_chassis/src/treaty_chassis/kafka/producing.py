"""The producer's half of a client: one transactional id, one transaction at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka import KafkaError, Message, Producer, TopicPartition

from treaty_chassis.kafka import failures
from treaty_chassis.kafka.partitioning import Partitioner
from treaty_chassis.kafka.sending import send
from treaty_chassis.kafka.watchdog import Watchdog
from treaty_chassis.kafka.work import Output, Partition

__all__ = ["TransactionalProducer"]

_OPEN_S: Final = 10.0
_CALL_S: Final = 5.0
# Longer than any call may take by its own timeout.
_HANG_S: Final = 15.0


class TransactionalProducer:
    """As port.Client's methods of the same names; `settings` is librdkafka's."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._rejected: KafkaError | None = None
        self._watchdog = Watchdog(_HANG_S)
        self._producer = Producer(dict(settings) | {"on_delivery": self._on_delivery})
        self._partitioner = Partitioner(self._producer)

    def open(self) -> None:
        with self._watchdog, failures.outside_transaction():
            self._producer.init_transactions(_OPEN_S)

    def poll(self) -> None:
        """Serves callbacks. Raises KafkaException once the producer is dead."""
        self._producer.poll(0)

    def begin(self) -> None:
        self._rejected = None
        with failures.outside_transaction():
            self._producer.begin_transaction()

    def produce(self, outputs: Sequence[Output]) -> None:
        send(self._producer, self._partitioner, outputs)

    def send_offsets(self, offsets: Mapping[Partition, int], group: Any) -> None:
        """`group` is the consumer's metadata of now."""
        places = [TopicPartition(p.topic, p.number, offset) for p, offset in offsets.items()]
        with self._watchdog, failures.inside_transaction(lambda: self._rejected):
            self._producer.send_offsets_to_transaction(places, group, _CALL_S)

    def commit(self) -> None:
        with self._watchdog, failures.inside_transaction(lambda: self._rejected):
            self._producer.commit_transaction(_CALL_S)

    def abort(self) -> None:
        with self._watchdog, failures.outside_transaction():
            self._producer.abort_transaction(_CALL_S)

    def flush(self) -> None:
        """Until every record of the open transaction is at the broker, or refused by it."""
        self._producer.flush(_CALL_S)

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        # The first error is the cause: what follows it was purged for it.
        if error is not None and self._rejected is None:
            self._rejected = error
