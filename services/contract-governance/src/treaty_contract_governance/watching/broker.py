"""The FastStream subscribers, and the one policy by which all of them acknowledge.

A batch is acknowledged after its transaction, never before. A record that cannot be read is stored as
rejected and passed. Anything else that fails is tried again, a bounded number of times; then consumption
stops, readiness says so, and the process ends to be started anew: no offset ever moves past work that was
not done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Any, TypeVar

import structlog
from aiokafka import ConsumerRecord, TopicPartition  # type: ignore[import-untyped]
from aiokafka.abc import ConsumerRebalanceListener  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]
from faststream.exceptions import StopConsume
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.middlewares import AckPolicy, BaseMiddleware
from prometheus_client import Counter

from treaty_chassis.settings import KafkaSecurity
from treaty_chassis.telemetry import METRICS
from treaty_contract_governance.watching.records import Batch, read
from treaty_contract_governance.watching.security import faststream
from treaty_contract_governance.watching.store import Watched
from treaty_events.decisions import PluginReported
from treaty_events.fleet import DeviceChanged
from treaty_events.topics import DEVICE_CHANGED, PLUGIN_REPORTED

__all__ = ["GROUP", "Watching"]

log = structlog.get_logger(__name__)
T = TypeVar("T")
GROUP = "contract-governance"
ATTEMPTS, FIRST_DELAY_S, RECORDS = 8, 0.1, 500

RETRIED = Counter(
    "treaty_governance_consume_retries", "Batches of control records tried again.", registry=METRICS
)
REJECTED = Counter(
    "treaty_governance_rejected", "Control records that could not be read.", ["topic"], registry=METRICS
)


class _Persistent(BaseMiddleware[Any, Any]):
    """Tries a handler again with growing delays; gives up by stopping the subscriber."""

    async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: Any) -> Any:
        for attempt in range(ATTEMPTS):
            try:
                return await call_next(msg)
            except Exception as error:
                log.warning("batch_failed", attempt=attempt + 1, error=repr(error))
                if attempt + 1 == ATTEMPTS:
                    failed: asyncio.Future[None] = self.context.get("failed")
                    if not failed.done():
                        failed.set_exception(error)
                    raise StopConsume from error
            RETRIED.inc()
            await asyncio.sleep(FIRST_DELAY_S * 2**attempt)
        raise AssertionError("unreachable")


def _typed(kind: type[T]) -> Callable[[KafkaMessage], Awaitable[Batch[T]]]:
    async def decoder(message: KafkaMessage) -> Batch[T]:
        batch = read(kind, message.raw_message)
        for fault in batch.rejected:
            REJECTED.labels(fault.record.topic).inc()
            log.warning(
                "record_rejected",
                topic=fault.record.topic,
                partition=fault.record.partition,
                offset=fault.record.offset,
                reason=fault.reason,
            )
        return batch

    return decoder


async def _parser(
    records: tuple[ConsumerRecord[Any, Any], ...], original: Callable[[Any], Awaitable[KafkaMessage]]
) -> KafkaMessage:
    """FastStream's parser takes headers for UTF-8 text, and fails for ever where one is not: it gets none."""
    message = await original(tuple(replace(record, headers=()) for record in records))
    message.raw_message = records
    return message


class _Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """Whether the group has said which partitions are this process's: none where others have them all."""

    def __init__(self) -> None:
        self.known = False

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self.known = False

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self.known = True


class Watching:
    """Follows device.changed.v1 and plugin.reported.v1 between start and stop. Of several processes, each in
    a slot of its own, one has the partitions; the others stand by, and what it writes is theirs too."""

    def __init__(
        self, servers: str, slot: str, watched: Watched, wake: Callable[[], None], group: str = GROUP
    ) -> None:
        self.broker = KafkaBroker(
            servers,
            security=faststream(KafkaSecurity.told()),
            client_id=group,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            middlewares=[_Persistent],
            parser=_parser,
            apply_types=False,
            serializer=None,
            allow_auto_create_topics=False,
            graceful_timeout=10.0,
            logger=None,
        )
        self._behind: str | None = "has not begun yet"
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails when consumption has stopped for good."""
        self.broker.context.set_global("failed", self.failed)
        self._assignments: list[_Assignment] = []
        # A group each: subscribers of one group would make each other rebalance at every start.
        options: dict[str, Any] = {
            "batch": True,
            "max_records": RECORDS,
            "auto_offset_reset": "earliest",
            "isolation_level": "read_committed",
        }

        async def device_changed(batch: Batch[DeviceChanged]) -> None:
            await watched.devices(batch)
            wake()

        async def plugin_reported(batch: Batch[PluginReported]) -> None:
            await watched.reports(batch)

        self.broker.subscriber(
            DEVICE_CHANGED,
            decoder=_typed(DeviceChanged),
            listener=self._joined(),
            group_id=f"{group}.devices",
            group_instance_id=slot,
            **options,
        )(device_changed)
        self.broker.subscriber(
            PLUGIN_REPORTED,
            decoder=_typed(PluginReported),
            listener=self._joined(),
            group_id=f"{group}.reports",
            group_instance_id=slot,
            **options,
        )(plugin_reported)

    def check(self) -> str | None:
        """For readiness: None once the topics were read to where they ended at the start, or another process
        has them."""
        if self.failed.done():
            return "stopped: a batch failed for good, the log says why"
        return self._behind

    async def run(self) -> None:
        """Until cancelled."""
        await self.broker.start()
        try:
            await self._catch_up()
            self._behind = None
            await asyncio.Event().wait()
        finally:
            await self.broker.stop()

    def _joined(self) -> _Assignment:
        self._assignments.append(_Assignment())
        return self._assignments[-1]

    async def _catch_up(self) -> None:
        ends: dict[Any, int] = {}
        while True:
            self._behind = await self._lag(ends)
            if self._behind is None:
                return
            await asyncio.sleep(0.1)

    async def _lag(self, ends: dict[Any, int]) -> str | None:
        if not all(assignment.known for assignment in self._assignments):
            return "waiting for partitions"
        for subscriber in self.broker.subscribers:
            consumer = getattr(subscriber, "consumer", None)
            if consumer is None:
                return "waiting for partitions"
            try:
                missing = [place for place in consumer.assignment() if place not in ends]
                ends.update(await consumer.end_offsets(missing))
                for place in consumer.assignment():
                    # The position passes a transaction's marker at the end, which no committed record does.
                    if await consumer.position(place) < ends[place]:
                        return f"reading {place.topic}"
                if not getattr(subscriber.lock, "empty", True):
                    return "writing what was read"
            except KafkaError as error:
                return f"Kafka does not answer: {type(error).__name__}"
        return None
