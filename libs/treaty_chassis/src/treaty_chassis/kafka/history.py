"""Reading a partition back, apart from the group: what History promises, on librdkafka."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Final

from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition

from treaty_chassis.kafka import config
from treaty_chassis.kafka.port import FatalError
from treaty_chassis.kafka.work import Assigned, Partition, Record

__all__ = ["LogHistory", "end_met", "record_of"]

_CALL_S: Final = 5.0
_SILENCE_S: Final = 30.0
_BATCH: Final = 1000


def record_of(message: Message) -> Record:
    """A message without error as a Record."""
    return Record(
        message.topic(),  # type: ignore[arg-type]
        message.partition(),  # type: ignore[arg-type]
        message.offset(),  # type: ignore[arg-type]
        message.timestamp()[1],
        message.key(),
        message.value(),
        message.headers() or (),  # type: ignore[arg-type]
    )


def end_met(message: Message) -> Assigned | None:
    """Where a reader stands that has met its partition's end (`enable.partition.eof`), None for any other
    message. The offset lies past the markers and aborted records that follow the last record. Whoever keeps
    only the offset after that record is left before the log's start once retention has taken the rest of an
    idle topic, and takes that for a loss; so keep this one, now and then, where it has moved."""
    error = message.error()
    if error is None or error.code() != KafkaError._PARTITION_EOF:
        return None
    place = Partition(message.topic(), message.partition())  # type: ignore[arg-type]
    return Assigned(place, message.offset())  # type: ignore[arg-type]


class LogHistory:
    """Each read has a consumer of its own, closed with the iterator. Raises FatalError when the broker
    does not answer: without its history a partition cannot be worked on."""

    def __init__(self, bootstrap_servers: str, name: str) -> None:
        self._config = config.reader(bootstrap_servers, f"{name}-history") | {
            "logger": logging.getLogger("librdkafka")
        }

    def offset_at(self, partition: Partition, timestamp_ms: int) -> int | None:
        consumer = Consumer(self._config)
        try:
            asked = TopicPartition(partition.topic, partition.number, timestamp_ms)
            (found,) = consumer.offsets_for_times([asked], timeout=_CALL_S)
            if found.error is not None:
                raise KafkaException(found.error)
        except KafkaException as error:
            raise FatalError(f"{partition}: offset at {timestamp_ms}: {error}") from error
        finally:
            consumer.close()
        return None if found.offset == OFFSET_END or found.offset < 0 else found.offset

    def read(self, partition: Partition, start: int, stop: int | None = None) -> Iterator[Record]:
        consumer = Consumer(self._config)
        try:
            place = TopicPartition(partition.topic, partition.number)
            first, end = consumer.get_watermark_offsets(place, timeout=_CALL_S)
            stop = end if stop is None else min(stop, end)
            consumer.assign([TopicPartition(partition.topic, partition.number, max(start, first))])
            heard = time.monotonic()
            position = max(start, first)
            while position < stop:
                messages = consumer.consume(_BATCH, 0.05)
                if messages:
                    heard = time.monotonic()
                elif time.monotonic() - heard > _SILENCE_S:
                    raise FatalError(f"{partition}: no record for {_SILENCE_S:.0f} s before offset {stop}")
                for message in messages:
                    error = message.error()
                    if error is not None:
                        if error.code() != KafkaError._PARTITION_EOF:
                            raise KafkaException(error)
                        # What is left before `stop` are markers and aborted records.
                        position = stop
                        break
                    position = (message.offset() or 0) + 1
                    if position > stop:
                        return
                    yield record_of(message)
        except KafkaException as error:
            raise FatalError(f"{partition}: reading from {start}: {error}") from error
        finally:
            consumer.close()
