"""The producer's half of a client where there are no transactions: acknowledged first, then committed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from treaty_chassis.kafka import failures
from treaty_chassis.kafka.partitioning import Partitioner
from treaty_chassis.kafka.port import AbortedError, TimedOutError
from treaty_chassis.kafka.sending import send
from treaty_chassis.kafka.watchdog import Watchdog
from treaty_chassis.kafka.work import Output, Partition

__all__ = ["AcknowledgedProducer"]

_CALL_S: Final = 5.0
# A commit waits for a coordinator that moves, and takes no bound of its own.
_HANG_S: Final = 60.0


class AcknowledgedProducer:
    """As `producing.TransactionalProducer`, with the weaker promise: between `begin` and `commit` lies a
    batch that may be seen before it is committed, and again when it was not."""

    def __init__(self, settings: Mapping[str, Any], consumer: Consumer) -> None:
        self._rejected: KafkaError | None = None
        self._offsets: list[TopicPartition] = []
        self._watchdog = Watchdog(_HANG_S)
        self._consumer = consumer
        self._producer = Producer(dict(settings) | {"on_delivery": self._on_delivery})
        self._partitioner = Partitioner(self._producer)

    def open(self) -> None:
        """Nothing fences a predecessor's producer; the group fences its consumer."""

    def poll(self) -> None:
        """Serves callbacks."""
        self._producer.poll(0)

    def begin(self) -> None:
        self._rejected = None
        self._offsets = []

    def produce(self, outputs: list[Output]) -> None:
        send(self._producer, self._partitioner, outputs)

    def send_offsets(self, offsets: Mapping[Partition, int], group: Any) -> None:
        """Keeps them until everything produced is acknowledged; `group` is the consumer's own affair."""
        self._offsets = [TopicPartition(p.topic, p.number, offset) for p, offset in offsets.items()]

    def commit(self) -> None:
        left = self._producer.flush(_CALL_S)
        if self._rejected is not None:
            error = self._rejected
            raise AbortedError(f"{error.name()}: {error.str()}", by_record=failures.is_by_record(error))
        if left:
            raise TimedOutError(f"{left} records are not acknowledged yet")
        with self._watchdog, failures.committing():
            for place in self._consumer.commit(offsets=self._offsets, asynchronous=False) or ():
                if place.error is not None:
                    raise KafkaException(place.error)

    def abort(self) -> None:
        """Takes back what has not left yet; what has stays, and comes again."""
        self._producer.purge()
        self._producer.flush(_CALL_S)

    def flush(self) -> None:
        """Until every record is at the broker, or refused by it."""
        self._producer.flush(_CALL_S)

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is not None and self._rejected is None:
            self._rejected = error
