"""The node's own reader: every partition, from a ring's worth before the end, handed to the loop at once."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Final

from confluent_kafka import KafkaException

from treaty_push_gateway.kafka.consumers import TOPIC, consumer
from treaty_push_gateway.kafka.reading import PartitionReader
from treaty_push_gateway.stream.cursor import Position, covers
from treaty_push_gateway.stream.entry import Tick

__all__ = ["NodeReader"]

WAITING_TICKS: Final = 16
"""Ticks on their way to the loop; the reader waits when it does not keep up."""
POLL_S: Final = 0.2


class NodeReader:
    """A thread that reads and a loop that is given each tick. `start` is where each partition begins,
    `end` the position at which what stood in the log at start has been read; `filled` is then done.

    When reading cannot go on, `failed` is called on the loop with the reason.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        start: Position,
        end: Position,
        *,
        publish: Callable[[Tick], None],
        invalid: Callable[[], None],
        failed: Callable[[str], None],
        topic: str = TOPIC,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._topic = topic
        self._start = start
        self._end = end
        self._partitions = len(start)
        self._publish = publish
        self._invalid = invalid
        self._failed = failed
        self._connected = threading.Event()
        self._stopping = threading.Event()
        self._permits = threading.Semaphore(WAITING_TICKS)
        self._added: list[tuple[int, int]] = []
        self._loop = asyncio.get_running_loop()
        self.filled: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="node-reader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Blocks until the thread is done, a second at most."""
        self._stopping.set()
        self._permits.release()
        self._thread.join(1)

    def extend(self, partitions: int) -> None:
        """The topic has that many now: those it did not have before are read from their beginning."""
        self._added += [(partition, 0) for partition in range(self._partitions, partitions)]
        self._partitions = max(self._partitions, partitions)

    def filling(self) -> str | None:
        """A readiness check: what is missing until the ring is filled."""
        return None if self.filled.done() else "the newest readings are still being read"

    def connected(self) -> str | None:
        """A readiness check: whether a broker is reached, as the client last said."""
        return None if self._connected.is_set() else "no Kafka broker is reached"

    def _run(self) -> None:
        reader = PartitionReader(
            consumer(self._bootstrap_servers, "node", self._statistics),
            self._topic,
            list(enumerate(self._start)),
            self._invalid,
        )
        filling = True
        try:
            while not self._stopping.is_set():
                if self._added:
                    reader.add([self._added.pop() for _ in range(len(self._added))])
                for tick in reader.read(POLL_S):
                    self._hand_over(tick)
                if filling and covers(reader.position, self._end):
                    filling = False
                    self._connected.set()
                    self._hand_over(Tick((), reader.position), self._fill)
        except KafkaException as error:
            reason = f"reading {self._topic} stopped: {error}"
            self._soon(lambda: self._failed(reason))
        finally:
            reader.close()

    def _fill(self) -> None:
        if not self.filled.done():
            self.filled.set_result(None)

    def _hand_over(self, tick: Tick, then: Callable[[], None] = lambda: None) -> None:
        self._permits.acquire()

        def arrived() -> None:
            self._permits.release()
            self._publish(tick)
            then()

        self._soon(arrived)

    def _soon(self, function: Callable[[], None]) -> None:
        if not self._stopping.is_set():
            self._loop.call_soon_threadsafe(function)

    def _statistics(self, text: str) -> None:
        brokers = json.loads(text)["brokers"].values()
        if any(broker["state"] == "UP" and broker["nodeid"] >= 0 for broker in brokers):
            self._connected.set()
        else:
            self._connected.clear()
