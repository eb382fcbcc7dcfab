"""Readers of what is older than the ring: few, and each shared by all who were waiting when it began.

A reader goes at the pace of the slowest it serves, so nobody may hold one: who does not take what is sent for
a moment leaves the reader, and goes on later among the slow, who never have the last reader; and while others
wait a turn is over after a few seconds, after which all who were served queue again from where they are.
"""

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
PATIENCE_S: Final = 1.0
TURN_S: Final = 5.0
log = structlog.get_logger(__name__)


class CatchUp:
    """Feeds subscriptions the hub could not place, until the ring takes over. On the loop's thread, the
    consumers in threads of their own. The hub's sweep ends subscriptions to which nothing can be sent."""

    def __init__(
        self, bootstrap_servers: str, hub: Hub, invalid: Callable[[], None], topic: str = TOPIC
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._hub = hub
        self._invalid = invalid
        self._topic = topic
        self._waiting: list[Subscription] = []
        self._slow: list[Subscription] = []
        self._readers: dict[asyncio.Task[None], bool] = {}
        self._writable = asyncio.Event()
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="catch-up")

    @property
    def reading(self) -> int:
        """How many readers are at work."""
        return len(self._readers)

    def add(self, subscription: Subscription) -> None:
        """Raises CodedError catch_up_busy when too many wait already."""
        self._waiting, self._slow = _remaining(self._waiting), _remaining(self._slow)
        if len(self._waiting) + len(self._slow) >= WAITING:
            raise CodedError(Code.CATCH_UP_BUSY, f"{WAITING} subscriptions wait for old readings already")
        self._waiting.append(subscription)
        self._begin()

    def resume(self) -> None:
        """To be called whenever a connection is writable again or gone."""
        self._writable.set()
        self._begin()

    async def close(self) -> None:
        self._waiting, self._slow = [], []
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        self._threads.shutdown(wait=False)

    def _begin(self) -> None:
        while len(self._readers) < READERS:
            cohort, slow, self._waiting = _remaining(self._waiting), False, []
            if not cohort and sum(self._readers.values()) < READERS - 1:
                left = _remaining(self._slow)
                cohort, slow = [s for s in left if s.outlet.writable], True
                self._slow = [s for s in left if not s.outlet.writable]
            if not cohort:
                return
            task = asyncio.create_task(self._serve(cohort))
            self._readers[task] = slow
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._readers[task]
        if not task.cancelled() and task.exception() is not None:
            log.error("catch_up_broke_off", exc_info=task.exception())
        self._begin()

    async def _serve(self, cohort: list[Subscription]) -> None:
        start = nearest([*(s.place.position for s in cohort), self._hub.position])
        loop = asyncio.get_running_loop()
        over_at = loop.time() + TURN_S
        reader = None
        try:
            reader = await loop.run_in_executor(self._threads, self._open, list(enumerate(start)))
            while cohort:
                for tick in await loop.run_in_executor(self._threads, _read, reader):
                    cohort = [s for s in cohort if not self._hub.feed(s, tick)]
                    cohort = await self._keeping_up(cohort)
                if (self._waiting or self._slow) and loop.time() >= over_at:
                    self._waiting += cohort
                    cohort = []
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

    async def _keeping_up(self, cohort: list[Subscription]) -> list[Subscription]:
        """Those of the cohort that take what is sent; the others are among the slow then."""
        until = asyncio.get_running_loop().time() + PATIENCE_S
        while blocked := [s for s in _remaining(cohort) if not s.outlet.writable]:
            self._writable.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._writable.wait()
            except TimeoutError:
                self._slow += blocked
                return [s for s in cohort if s not in blocked]
        return cohort


def _remaining(subscriptions: list[Subscription]) -> list[Subscription]:
    return [s for s in subscriptions if s.stage is Stage.CATCHING_UP]


def _read(reader: PartitionReader) -> list[Tick]:
    return list(reader.read(POLL_S))
