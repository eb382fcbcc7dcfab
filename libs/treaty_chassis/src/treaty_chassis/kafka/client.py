"""port.Client on librdkafka."""

from __future__ import annotations

import faulthandler
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import structlog
from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition

from treaty_chassis.kafka import config, failures
from treaty_chassis.kafka.acknowledged import AcknowledgedProducer
from treaty_chassis.kafka.connection import Connection
from treaty_chassis.kafka.coverage import Coverage, subscribes
from treaty_chassis.kafka.delivery import Delivery
from treaty_chassis.kafka.history import LogHistory, end_met
from treaty_chassis.kafka.port import RebalanceListener
from treaty_chassis.kafka.producing import TransactionalProducer
from treaty_chassis.kafka.tenancy import Tenancy
from treaty_chassis.kafka.work import Assigned, Output, Partition, Record

__all__ = ["ConfluentClient"]

log = structlog.get_logger(__name__)
_CALL_S: Final = 5.0
_PAUSED_ENDS_S: Final = 10.0
_GONE: Final = frozenset(
    {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}
)
# Closing takes a moment: there is nothing to commit and no group to leave.
_HANG_S: Final = 15.0


class ConfluentClient:
    """The consumer and the transactional producer of one slot of one service.

    group.instance.id and transactional.id are both `<group>-<slot>`: a process started in a slot takes
    over what its predecessor had, and fences it should it still run. At least once, there is no
    transactional.id: what the predecessor still produces is not fenced, only its offsets are.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        group: str,
        slot: str,
        delivery: Delivery = Delivery.EXACTLY_ONCE,
    ) -> None:
        logger = {"logger": logging.getLogger("librdkafka")}
        shared = logger | {"error_cb": self._on_error}
        self._connection = Connection()
        self._consumer = Consumer(config.consumer(bootstrap_servers, group, slot) | shared)
        self._producer: TransactionalProducer | AcknowledgedProducer
        if delivery is Delivery.EXACTLY_ONCE:
            self._producer = TransactionalProducer(
                config.producer(bootstrap_servers, group, slot) | logger,
                Tenancy(bootstrap_servers, group, f"{group}-{slot}", self._consumer),
                self._connection.error,
            )
        else:
            settings = config.acknowledged_producer(bootstrap_servers, group, slot) | shared
            self._producer = AcknowledgedProducer(settings, self._consumer)
        self._coverage = Coverage(bootstrap_servers, group, self._consumer)
        self._topics: Collection[str] = ()
        self._history = LogHistory(bootstrap_servers, f"{group}-{slot}")
        self._listener: RebalanceListener | None = None
        self._closing = False
        self._outdated = False
        """The group gave partitions of topics that are not subscribed to."""
        self._fatal: KafkaError | None = None
        self._stranded: dict[Partition, str] = {}
        self._passed: dict[Partition, int] = {}
        self._paused: set[Partition] = set()
        self._paused_ends: dict[Partition, int] = {}
        self._paused_ends_at = 0.0

    # The consumer.

    def open(self, listener: RebalanceListener) -> None:
        self._listener = listener
        self._producer.open()

    def subscribe(self, topics: Collection[str]) -> None:
        self._topics = sorted(topics)
        with failures.outside_transaction():
            if topics:
                self._consumer.subscribe(self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke)
            else:
                self._consumer.unsubscribe()

    def poll(self, limit: int, timeout_s: float) -> Sequence[Record]:
        with failures.outside_transaction():
            messages = self._consumer.consume(limit, 0)
            if not messages and timeout_s > 0:
                # consume would wait for `limit` of them, poll waits for the first.
                first = self._consumer.poll(timeout_s)
                if first is not None:
                    messages = [first, *self._consumer.consume(limit - 1, 0)]
            self._producer.poll()
            if self._outdated or self._coverage.orphans(self._topics):
                self._outdated = False
                # Unlike close, this leaves the group, static member or not.
                self._consumer.unsubscribe()
                self.subscribe(self._topics)
        if self._fatal is not None:
            raise failures.fatal(self._fatal)
        self._connection.look(self._consumer)
        return [
            Record(
                m.topic(),  # type: ignore[arg-type]
                m.partition(),  # type: ignore[arg-type]
                m.offset(),  # type: ignore[arg-type]
                m.timestamp()[1],
                m.key(),
                m.value(),
                m.headers() or (),  # type: ignore[arg-type]
            )
            for m in messages
            if m.error() is None or self._met(m)
        ]

    def passed(self) -> Mapping[Partition, int]:
        passed, self._passed = self._passed, {}
        return passed

    def committed(self, partitions: Collection[Partition]) -> list[Assigned]:
        if not partitions:
            return []
        with failures.outside_transaction():
            # With read_committed, librdkafka asks for stable offsets: it comes back only once no
            # transaction is pending on them.
            found = self._consumer.committed([TopicPartition(*p) for p in partitions], timeout=_CALL_S)
            starts = []
            for place in found:
                if place.error is not None:
                    raise KafkaException(place.error)
                offset = place.offset
                if offset < 0:
                    offset = self._log_start(place)
                starts.append(Assigned(Partition(place.topic, place.partition), offset))
        return starts

    def _log_start(self, place: TopicPartition) -> int:
        try:
            return self._consumer.get_watermark_offsets(place, timeout=_CALL_S)[0]
        except KafkaException as error:
            if error.args[0].code() not in _GONE:
                raise
            # Deleted, or too new for this broker to know of: either way what comes there begins at 0. The
            # coordinator goes on giving a static member that comes back what it had, deleted topics too.
            log.warning("no such partition", topic=place.topic, partition=place.partition)
            return 0

    def start(self, partitions: Sequence[Assigned]) -> None:
        for partition, _ in partitions:
            self._stranded.pop(partition, None)
        with failures.outside_transaction():
            self._consumer.incremental_assign(_places(partitions))
        # A partition that comes back may still be paused from before it went.
        self.resume([partition for partition, _ in partitions])

    def seek(self, partitions: Sequence[Assigned]) -> None:
        self._passed.clear()
        with failures.outside_transaction():
            for assigned in partitions:
                if assigned.partition not in self._stranded:
                    self._seek(assigned)

    def _seek(self, assigned: Assigned) -> None:
        (place,) = _places((assigned,))
        try:
            self._consumer.seek(place)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._STATE:
                raise
            # Not fetching yet: assigned a moment ago. Assigned anew, it starts where it should.
            self._consumer.incremental_unassign([place])
            self._consumer.incremental_assign([place])
            if assigned.partition in self._paused:
                self._consumer.pause([place])

    def pause(self, partitions: Collection[Partition]) -> None:
        self._paused.update(partitions)
        with failures.outside_transaction():
            self._consumer.pause([TopicPartition(*p) for p in partitions])

    def resume(self, partitions: Collection[Partition]) -> None:
        self._paused.difference_update(partitions)
        with failures.outside_transaction():
            self._consumer.resume([TopicPartition(*p) for p in partitions])

    def history(self) -> LogHistory:
        return self._history

    def ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        if self._paused and time.monotonic() - self._paused_ends_at > _PAUSED_ENDS_S:
            self._paused_ends_at = time.monotonic()
            # What is not fetched has no end seen in passing.
            self._paused_ends = self._ends(self._paused, cached=False)
        return self._ends(partitions, cached=True) | {
            p: end for p, end in self._paused_ends.items() if p in self._paused and p in partitions
        }

    def _ends(self, partitions: Collection[Partition], *, cached: bool) -> dict[Partition, int]:
        found = {}
        for partition in partitions:
            try:
                watermarks = self._consumer.get_watermark_offsets(
                    TopicPartition(*partition), timeout=1.0, cached=cached
                )
            except KafkaException:
                continue  # A gauge without a value for once.
            if watermarks is not None and watermarks[1] >= 0:
                found[partition] = watermarks[1]
        return found

    def trouble(self) -> str | None:
        return self._connection.trouble

    def stranded(self) -> Mapping[Partition, str]:
        return self._stranded

    def close(self) -> None:
        # A static member does not leave: its partitions wait for the slot's next process.
        self._closing = True
        # An assignment that is first met within close would wait for a group that is no longer there: the
        # binding asks it for its protocol, holding the interpreter's lock (librdkafka's issue 4041). So what
        # has arrived is met before; and as no thread of Python's could tell of a hang, the C timer ends it.
        faulthandler.dump_traceback_later(_HANG_S, exit=True)
        try:
            self._consumer.poll(0)
            self._consumer.close()
        finally:
            faulthandler.cancel_dump_traceback_later()

    # The transaction.

    def begin(self) -> None:
        self._producer.begin()

    def produce(self, outputs: list[Output]) -> None:
        self._producer.produce(outputs)

    def send_offsets(self, offsets: Mapping[Partition, int]) -> None:
        self._producer.send_offsets(offsets, self._consumer.consumer_group_metadata())

    def commit(self) -> None:
        self._producer.commit()

    def abort(self) -> None:
        self._producer.abort()

    # Callbacks, all from within poll, consume or commit.

    def _on_assign(self, _: Consumer, places: list[TopicPartition]) -> None:
        if self._closing:
            return  # Nothing will be read.
        own = [p for p in places if subscribes(self._topics, p.topic)]
        if len(own) < len(places):
            # A static member that comes back is given what it had, whatever it subscribes to now.
            others = [TopicPartition(p.topic, p.partition, OFFSET_END) for p in places if p not in own]
            self._consumer.incremental_assign(others)
            self._consumer.pause(others)
            self._outdated = True
        if self._listener is not None:
            self._listener.assigned([Partition(p.topic, p.partition) for p in own])
        self._coverage.assigned()

    def _on_revoke(self, _: Consumer, places: list[TopicPartition]) -> None:
        partitions = [Partition(p.topic, p.partition) for p in places]
        if self._listener is not None:
            self._listener.revoked(partitions)
        self._paused.difference_update(partitions)
        for partition in partitions:
            self._stranded.pop(partition, None)

    def _on_error(self, error: KafkaError) -> None:
        if failures.is_fatal(error):
            self._fatal = error
        self._connection.error(error)

    def _met(self, message: Message) -> bool:
        """An error in a record's place. Always False: it is no record."""
        error = message.error()
        if error is None:
            return True
        end = end_met(message)
        if end is not None:
            self._passed[end.partition] = end.offset
            return False
        if failures.is_fatal(error):
            raise failures.fatal(error)
        topic, number = message.topic(), message.partition()
        if error.code() == KafkaError._AUTO_OFFSET_RESET and topic is not None and number is not None:
            self._stranded[Partition(topic, number)] = error.str()
            log.error("partition stranded", topic=topic, partition=number, detail=error.str())
        else:
            self._connection.error(error, topic)
        return False


def _places(partitions: Sequence[Assigned]) -> list[TopicPartition]:
    return [TopicPartition(p.topic, p.number, offset) for p, offset in partitions]
