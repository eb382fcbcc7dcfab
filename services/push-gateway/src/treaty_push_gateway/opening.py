"""Where a subscription begins: at the latest, at a cursor, at a time, or at a snapshot's position."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from confluent_kafka import KafkaException

from treaty_push_gateway.kafka.catchup import CatchUp
from treaty_push_gateway.kafka.log import LogInspector, MissingTopicError
from treaty_push_gateway.registry import Registry
from treaty_push_gateway.stream.cursor import Position, covers, read_cursor, write_cursor
from treaty_push_gateway.stream.errors import Code, CodedError
from treaty_push_gateway.stream.hub import FRAME, Hub
from treaty_push_gateway.stream.messages import position_message, snapshot
from treaty_push_gateway.stream.requests import FromCursor, FromTime
from treaty_push_gateway.stream.subscription import Subscription

__all__ = ["Opening"]

T = TypeVar("T")


class Opening:
    """Starts subscriptions. `writable` of each call waits until the connection takes more."""

    def __init__(self, hub: Hub, catch_up: CatchUp, inspector: LogInspector, registry: Registry) -> None:
        self._hub = hub
        self._catch_up = catch_up
        self._inspector = inspector
        self._registry = registry
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="log")

    async def find(self, start: FromCursor | FromTime) -> Position:
        """The position, which the log has everything from. Raises CodedError: cursor_*, catch_up_failed."""
        if isinstance(start, FromCursor):
            position = read_cursor(self._hub.fanout.log, start.cursor)
        else:
            timestamp_ms = int(start.time.timestamp() * 1000)
            position = await self._blocking(lambda: self._inspector.at_time(timestamp_ms))
        await self._check(position)
        return position

    def begin(self, subscription: Subscription, position: Position) -> None:
        """Tells the subscriber where it starts and goes on from there. Raises CodedError catch_up_busy."""
        cursor = write_cursor(self._hub.fanout.log, position)
        subscription.outlet.send(position_message("subscribed", subscription.group.id, cursor))
        self._start(subscription, position)

    async def present(
        self,
        subscription: Subscription,
        workspace: str,
        token: str,
        writable: Callable[[], Awaitable[None]],
    ) -> None:
        """The workspace's state, then the stream from exactly there. Raises CodedError: forbidden,
        snapshot_unavailable, catch_up_busy, catch_up_failed."""
        outlet, group = subscription.outlet, subscription.group
        outlet.send(position_message("subscribed", group.id, None))
        found = await self._registry.snapshot(workspace, token, group.filter)
        if found.topic != self._hub.fanout.log.topic:
            raise CodedError(Code.SNAPSHOT_UNAVAILABLE, "the registry's state is of another topic")
        try:
            await self._check(found.position)
        except CodedError as failure:
            raise CodedError(
                Code.SNAPSHOT_UNAVAILABLE, f"of the state's position: {failure.detail}"
            ) from failure
        parts = list(_parts(found.states)) or [[]]
        for part in parts[:-1]:
            outlet.send(snapshot(group.id, part, None))
            await writable()
        outlet.send(snapshot(group.id, parts[-1], write_cursor(self._hub.fanout.log, found.position)))
        self._start(subscription, found.position)

    def close(self) -> None:
        self._threads.shutdown(wait=False)

    def _start(self, subscription: Subscription, position: Position) -> None:
        if not self._hub.place(subscription, position):
            self._catch_up.add(subscription)

    async def _check(self, position: Position) -> None:
        """Whether the log has all from the position on; Kafka is asked only where memory can't tell."""
        if self._hub.ring.holds(position) and covers(self._hub.position, position):
            return
        first, end = await self._blocking(self._inspector.bounds)
        if not self._hub.ring.holds(position) and not covers(position, first):
            raise CodedError(Code.CURSOR_EXPIRED, "readings after the cursor are no longer retained")
        if not covers(end, position):
            raise CodedError(Code.CURSOR_AHEAD, "the cursor is past the end of the log")

    async def _blocking(self, ask: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except (KafkaException, MissingTopicError) as error:
            raise CodedError(Code.CATCH_UP_FAILED, f"Kafka did not answer: {error}") from error


def _parts(states: Sequence[bytes]) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size = 0
    for state in states:
        if part and size + len(state) > FRAME:
            yield part
            part, size = [], 0
        part.append(state)
        size += len(state)
    if part:
        yield part
