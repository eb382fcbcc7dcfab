"""Calls that may never return, made by a thread that can be left behind.

rd_kafka_send_offsets_to_transaction does not look at its timeout (librdkafka issue 5456), and never returns
where the group's coordinator was forgotten while it waited for it, as happens when a broker restarts (issue
5511; both open with 2.16). A thread inside such a call cannot be interrupted, but whoever waits for it can
go on.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Final, TypeVar

__all__ = ["Caller", "HangError"]

T = TypeVar("T")
_LOOK_S: Final = 0.2


class HangError(Exception):
    """The call was left behind: whether it takes effect is not known."""


class Caller:
    """One thread, which makes one call at a time. It does not keep the process from ending."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def call(self, function: Callable[[], T], look: Callable[[float], None]) -> T:
        """What the function returns or raises. While it has not, `look` is told now and then for how many
        seconds; an error that it raises leaves the call behind, and with it this Caller."""
        future: Future[T] = Future()

        def make() -> None:
            try:
                future.set_result(function())
            except BaseException as error:
                future.set_exception(error)

        began = time.monotonic()
        self._calls.put(make)
        while True:
            wait([future], _LOOK_S)
            if future.done():
                return future.result()
            look(time.monotonic() - began)

    def leave(self, last: Callable[[], None]) -> None:
        """Ends the thread once its call has returned; `last` is the last that it does."""
        self._calls.put(last)
        self._calls.put(None)

    def alive(self) -> bool:
        return self._thread.is_alive()

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call
