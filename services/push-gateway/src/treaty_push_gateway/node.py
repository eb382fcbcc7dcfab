"""One node of the push gateway: finds the log, fills the ring, then serves; and notices when the log is
no longer the one it found."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import structlog
from confluent_kafka import KafkaException

from treaty_chassis.http.tokens import TokenVerifier
from treaty_chassis.probes import Check
from treaty_push_gateway.kafka.catchup import CatchUp
from treaty_push_gateway.kafka.consumers import client_id
from treaty_push_gateway.kafka.log import LogInspector, MissingTopicError
from treaty_push_gateway.kafka.node import NodeReader
from treaty_push_gateway.metrics import DELIVERY_LAG, ERRORS, INVALID, READINGS
from treaty_push_gateway.opening import Opening
from treaty_push_gateway.registry import Registry
from treaty_push_gateway.session import Gateway
from treaty_push_gateway.settings import Settings
from treaty_push_gateway.stream.cursor import Log, Position
from treaty_push_gateway.stream.entry import OVERHEAD, Tick
from treaty_push_gateway.stream.errors import Code
from treaty_push_gateway.stream.hub import Hub
from treaty_push_gateway.stream.ring import Ring
from treaty_push_gateway.stream.step import Fanout

if TYPE_CHECKING:
    from treaty_chassis.tracing.spans import Tracing

__all__ = ["LogChangedError", "Node"]

TYPICAL_READING: Final = 800
"""Bytes of JSON, to guess how many readings fill the ring."""
RETRY_S: Final = 0.5
LOOK_EVERY_S: Final = 10.0
SWEEP_EVERY_S: Final = 1.0
log = structlog.get_logger(__name__)


class LogChangedError(Exception):
    """The node's view of the log cannot be trusted any more; it has to be started anew."""


class Node:
    """`gateway` is None until the ring is filled."""

    def __init__(self, settings: Settings, tracing: Tracing | None = None) -> None:
        self.gateway: Gateway | None = None
        self._settings = settings
        self._spans = None if tracing is None else tracing.batches("fan_out", client_id("node"))
        self._verifier = TokenVerifier(settings.jwks_file, settings.issuer, settings.audience)
        self._missing: str | None = "the log has not been looked at yet"
        self._reader: NodeReader | None = None
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def checks(self) -> Mapping[str, Check]:
        """What readiness asks."""
        return {
            "topic": lambda: self._missing,
            "broker": lambda: self._reader.connected() if self._reader else "not connected yet",
            "ring": lambda: self._reader.filling() if self._reader else "not begun",
        }

    async def run(self) -> None:
        """Until cancelled. Raises LogChangedError where the node cannot go on."""
        servers, topic = self._settings.kafka_bootstrap_servers, self._settings.readings_topic
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            inspector = LogInspector(servers, topic)
            stack.callback(inspector.close)
            registry = Registry(self._settings.registry_url)
            stack.push_async_callback(registry.close)
            found, first, end = await self._find(inspector)
            worth = self._settings.ring_bytes // (TYPICAL_READING + OVERHEAD)
            start = tuple(max(low, high - worth) for low, high in zip(first, end, strict=True))
            hub = Hub(Fanout(found, start), Ring(self._settings.ring_bytes, start), loop.call_soon, loop.time)
            catch_up = CatchUp(servers, hub, INVALID.inc, topic)
            stack.push_async_callback(catch_up.close)
            opening = Opening(hub, catch_up, inspector, registry)
            stack.callback(opening.close)
            gateway = Gateway(hub, opening, catch_up, self._verifier, _refused)
            reader = self._reader = self._read(gateway, start, end)
            stack.push_async_callback(asyncio.to_thread, reader.stop)
            reader.start()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._open(gateway, reader))
                group.create_task(self._sweep(hub))
                group.create_task(self._look(inspector, reader, found))
                await self._broken

    def _read(self, gateway: Gateway, start: Position, end: Position) -> NodeReader:
        def publish(tick: Tick) -> None:
            self._publish(gateway.hub, tick)
            if tick.entries:
                READINGS.inc(len(tick.entries))
                if self.gateway is not None:
                    DELIVERY_LAG.observe(max(0.0, time.time() - tick.entries[0].timestamp_ms / 1000))

        return NodeReader(
            self._settings.kafka_bootstrap_servers,
            start,
            end,
            publish=publish,
            invalid=INVALID.inc,
            failed=self._break,
            topic=self._settings.readings_topic,
        )

    def _publish(self, hub: Hub, tick: Tick) -> None:
        if self._spans is None or self.gateway is None or not tick.entries:
            hub.publish(tick)
            return
        partitions = {(self._settings.readings_topic, entry.partition) for entry in tick.entries}
        linked = [entry.traceparent for entry in tick.entries if entry.traceparent is not None]
        live = {"treaty.push.live_subscriptions": hub.counts()["live"]}
        with self._spans.span(partitions, len(tick.entries), linked, 0, time.time_ns(), live):
            hub.publish(tick)

    async def _find(self, inspector: LogInspector) -> tuple[Log, Position, Position]:
        """Waits for the broker and the topic, however long they take; readiness says what is missing."""
        while True:
            try:
                found = await asyncio.to_thread(inspector.identify)
                first, end = await asyncio.to_thread(inspector.bounds)
            except (KafkaException, MissingTopicError) as error:
                if self._missing != str(error):
                    log.warning("log_not_found", reason=str(error))
                self._missing = str(error)
                await asyncio.sleep(RETRY_S)
            else:
                self._missing = None
                return found, first, end

    async def _open(self, gateway: Gateway, reader: NodeReader) -> None:
        await reader.filled
        self.gateway = gateway
        ring = gateway.hub.ring
        log.info("ring_filled", readings=len(ring), bytes=ring.bytes, partitions=len(gateway.hub.position))

    async def _sweep(self, hub: Hub) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            hub.sweep()

    async def _look(self, inspector: LogInspector, reader: NodeReader, found: Log) -> None:
        """Every now and then: is the topic still the same, and has it grown?"""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                now = await asyncio.to_thread(inspector.identify)
                reader.extend(await asyncio.to_thread(inspector.partitions))
            except KafkaException as error:
                log.warning("log_not_looked_at", reason=str(error))
            except MissingTopicError as error:
                self._break(str(error))
            else:
                if now != found:
                    self._break("the topic was deleted and made anew")

    def _break(self, reason: str) -> None:
        self._missing = reason
        if not self._broken.done():
            self._broken.set_exception(LogChangedError(reason))


def _refused(code: Code) -> None:
    ERRORS.labels(code.value).inc()
