"""From consumed messages to ticks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, cast

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from treaty_push_gateway.stream.cursor import Position
from treaty_push_gateway.stream.entry import Entry, EntryError, Tick, Ticks, read_entry
from treaty_push_gateway.stream.hub import FRAME

__all__ = ["PartitionReader"]

BATCH: Final = 500
PASSING: Final = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TRANSPORT,
        KafkaError._TIMED_OUT,
        KafkaError._RESOLVE,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REPLICA_NOT_AVAILABLE,
    }
)
"""Errors the client recovers from by itself."""
log = structlog.get_logger(__name__)


class PartitionReader:
    """Reads partitions from given offsets on. For one thread; owns the consumer from then on.

    `invalid` is told of each record that is no reading. Such a record is passed over: nobody could be
    sent it, and it stays in the log.
    """

    def __init__(
        self, consumer: Consumer, topic: str, start: Sequence[tuple[int, int]], invalid: Callable[[], None]
    ) -> None:
        offsets = dict(start)
        position = tuple(offsets.get(p, 0) for p in range(max(offsets, default=-1) + 1))
        self._consumer = consumer
        self._topic = topic
        self._invalid = invalid
        self._ticks = Ticks(position, FRAME)
        consumer.assign([TopicPartition(topic, partition, offset) for partition, offset in start])

    @property
    def position(self) -> Position:
        """The next offset of each partition; 0 for one that is not read."""
        return self._ticks.position

    def add(self, start: Sequence[tuple[int, int]]) -> None:
        """Reads these partitions too."""
        self._consumer.incremental_assign([TopicPartition(self._topic, p, offset) for p, offset in start])

    def read(self, wait_s: float) -> Iterator[Tick]:
        """What there is, as soon as there is something; nothing after `wait_s`. Raises KafkaException for an
        error that does not pass, such as a position that retention has deleted."""
        first = self._consumer.poll(wait_s)
        if first is None:
            return iter(())
        # Asked for several, the client would wait for all of them: what is queued is taken without waiting.
        entries, reached = self._sort([first, *self._consumer.consume(BATCH - 1, 0)])
        return self._ticks.cut(entries, reached)

    def close(self) -> None:
        self._consumer.close()

    def _sort(self, messages: Iterable[Message]) -> tuple[list[Entry], list[tuple[int, int]]]:
        entries: list[Entry] = []
        reached: list[tuple[int, int]] = []
        for message in messages:
            error, partition, offset = message.error(), message.partition(), message.offset()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF and partition is not None and offset is not None:
                    reached.append((partition, offset))
                elif error.code() not in PASSING:
                    raise KafkaException(error)
            elif partition is not None and offset is not None:
                reached.append((partition, offset + 1))
                entry = self._entry(message, partition, offset)
                if entry is not None:
                    entries.append(entry)
        return entries, reached

    def _entry(self, message: Message, partition: int, offset: int) -> Entry | None:
        given = cast("list[tuple[str, bytes | None]]", message.headers() or [])
        try:
            return read_entry(partition, offset, message.timestamp()[1], message.value(), given)
        except EntryError as error:
            log.warning("record_is_no_reading", partition=partition, offset=offset, reason=str(error))
            self._invalid()
            return None
