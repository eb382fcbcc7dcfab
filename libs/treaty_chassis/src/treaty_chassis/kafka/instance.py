"""One transactional producer of librdkafka, for as long as it does what it is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from treaty_chassis.kafka.caller import Caller, HangError
from treaty_chassis.kafka.connection import is_broken
from treaty_chassis.kafka.partitioning import Partitioner
from treaty_chassis.kafka.sending import send
from treaty_chassis.kafka.work import Output

__all__ = ["Instance"]

T = TypeVar("T")
# Longer than any call may take by its own timeout.
_HANG_S: Final = 15.0
# What a call has left to return, once its broker was away and answers again.
_GRACE_S: Final = 1.0
_PROBE_S: Final = 0.5


class Instance:
    """`settings` are librdkafka's; `on_error` is told of its errors. Methods raise KafkaException, those that
    ask the cluster HangError too."""

    def __init__(self, settings: Mapping[str, Any], on_error: Callable[[KafkaError], None]) -> None:
        self.opened = False
        self.rejected: KafkaError | None = None
        """Which error a record of the open transaction met."""
        self._tell = on_error
        self._away_at: float | None = None
        """When its broker was last told to be away, until a whole transaction has gone through since."""
        self._began_at = 0.0
        self._answered_at: float | None = None
        callbacks = {"on_delivery": self._on_delivery, "error_cb": self._on_error}
        self._producer = Producer(dict(settings) | callbacks)
        self._partitioner = Partitioner(self._producer)
        self._caller = Caller("producer")

    def open(self, timeout_s: float) -> None:
        self._ask(lambda: self._producer.init_transactions(timeout_s))
        self.opened = True
        self._away_at = None

    def poll(self) -> None:
        """Serves callbacks. That it is dead is told by the next transaction."""
        try:
            self._producer.poll(0)
        except KafkaException as error:
            self._tell(error.args[0])

    def begin(self) -> None:
        self.rejected = None
        self._began_at = time.monotonic()
        self._producer.begin_transaction()

    def produce(self, outputs: list[Output]) -> None:
        """Raises the port's errors."""
        send(self._producer, self._partitioner, outputs)

    def flush(self, timeout_s: float) -> None:
        self._producer.flush(timeout_s)

    def send_offsets(self, places: list[Any], group: Any, timeout_s: float) -> None:
        self._ask(lambda: self._producer.send_offsets_to_transaction(places, group, timeout_s))

    def commit(self, timeout_s: float) -> None:
        self._ask(lambda: self._producer.commit_transaction(timeout_s))
        # A commit that was under way when the broker went goes through once it is back, and it is the next
        # transaction's first call that hangs.
        if self._away_at is not None and self._away_at < self._began_at:
            self._away_at = None

    def abort(self, timeout_s: float) -> None:
        self._ask(lambda: self._producer.abort_transaction(timeout_s))

    def leave(self) -> None:
        """Gives it up, in a call or not; what is freed of it is freed once that returns."""
        self._caller.leave(self._free)

    def alive(self) -> bool:
        """Whether it takes memory and connections still."""
        return self._caller.alive()

    def _ask(self, function: Callable[[], T]) -> T:
        """`function` reaches the producer through this object alone: an error that it raises keeps the frames
        it came through, and would keep the producer with them."""
        self._answered_at = None
        return self._caller.call(function, self._look)

    def _look(self, waited_s: float) -> None:
        """Whether to wait on: a call that its broker's absence holds up returns when the broker is back, or
        hangs for good. Opening ends by its own timeout, and may wait for a coordinator as long."""
        self.poll()
        now = time.monotonic()
        if waited_s > _HANG_S:
            raise HangError(f"a call has not returned for {waited_s:.0f} s")
        if self._away_at is None or not self.opened:
            return
        if self._answered_at is None or self._answered_at < self._away_at:
            self._answered_at = now if self._answers() else None
        elif now - self._answered_at > _GRACE_S:
            raise HangError(f"a call has not returned though the broker is back, after {waited_s:.1f} s")

    def _answers(self) -> bool:
        try:
            return bool(self._producer.list_topics(timeout=_PROBE_S).brokers)
        except KafkaException:
            return False

    def _free(self) -> None:
        # Frees the producer in the thread that runs this: it waits for librdkafka's own threads.
        del self._producer, self._partitioner

    def _on_error(self, error: KafkaError) -> None:
        if is_broken(error):
            self._away_at = time.monotonic()
        self._tell(error)

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        # The first error is the cause: what follows it was purged for it.
        if error is not None and self.rejected is None:
            self.rejected = error
