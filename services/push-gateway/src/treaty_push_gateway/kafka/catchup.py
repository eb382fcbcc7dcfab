"""Readers of what is older than the ring: few, and each shared by all who were waiting when it began."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog
from confluent_kafka import KafkaException

from treaty_push_gateway.kafka.consumers import TOPIC, consumer
from treaty_push_gateway.kafka.reading import PartitionReader
from treaty_push_gateway.stream.cursor import nearest
from treaty_push_gateway.stream.entry import Tick
from treaty_push_gateway.stream.errors import Code, CodedError
from treaty_push_gateway.stream.hub import Hub
from treaty_push_gateway.stream.subscription import Stage, Subscription

__all__ = ["CatchUp"]

READERS: Final = 2
WAITING: Final = 1000
POLL_S: Final = 0.5
log = structlog.get_logger(__name__)


class CatchUp:
    """Feeds subscriptions the hub could not place, until the ring takes over. On the loop's thread, the
    consumers in threads of their own. A reader goes at the pace of its slowest subscriber, whom the hub's
    sweep ends when nothing can be sent."""

    def __init__(
        self, bootstrap_servers: str, hub: Hub, invalid: Callable[[], None], topic: str = TOPIC
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._hub = hub
        self._invalid = invalid
        self._topic = topic
        self._waiting: list[Subscription] = []
        self._readers: set[asyncio.Task[None]] = set()
        self._writable = asyncio.Event()
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="catch-up")

    @property
    def reading(self) -> int:
        """How many readers are at work."""
        return len(self._readers)

    def add(self, subscription: Subscription) -> None:
        """Raises CodedError catch_up_busy when too many wait already."""
        self._waiting = [s for s in self._waiting if s.stage is Stage.CATCHING_UP]
        if len(self._waiting) >= WAITING:
            raise CodedError(Code.CATCH_UP_BUSY, f"{WAITING} subscriptions wait for old readings already")
        self._waiting.append(subscription)
        self._begin()

    def resume(self) -> None:
        """To be called whenever a connection is writable again or gone."""
        self._writable.set()

    async def close(self) -> None:
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        self._threads.shutdown(wait=False)

    def _begin(self) -> None:
        if self._waiting and len(self._readers) < READERS:
            cohort, self._waiting = self._waiting, []
            task = asyncio.create_task(self._serve(cohort))
            self._readers.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._readers.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("catch_up_broke_off", exc_info=task.exception())
        self._begin()

    async def _serve(self, cohort: list[Subscription]) -> None:
        start = nearest([*(s.place.position for s in cohort), self._hub.position])
        loop = asyncio.get_running_loop()
        reader = None
        try:
            reader = await loop.run_in_executor(self._threads, self._open, list(enumerate(start)))
            while cohort:
                for tick in await loop.run_in_executor(self._threads, _read, reader):
                    cohort = [s for s in cohort if not self._hub.feed(s, tick)]
                    await self._until_writable(cohort)
        except KafkaException as error:
            log.warning("catch_up_failed", reason=str(error))
        finally:
            for subscription in cohort:
                subscription.failed(CodedError(Code.CATCH_UP_FAILED, "Kafka did not give the old readings"))
            if reader is not None:
                self._threads.submit(reader.close)

    def _open(self, wanted: list[tuple[int, int]]) -> PartitionReader:
        return PartitionReader(
            consumer(self._bootstrap_servers, "catch-up"), self._topic, wanted, self._invalid
        )

    async def _until_writable(self, cohort: list[Subscription]) -> None:
        while any(s.stage is Stage.CATCHING_UP and not s.outlet.writable for s in cohort):
            self._writable.clear()
            await self._writable.wait()


def _read(reader: PartitionReader) -> list[Tick]:
    return list(reader.read(POLL_S))
