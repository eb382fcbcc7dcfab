"""Ctrl-C and SIGTERM: the first takes everything down in order, the second at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupt", "interruptible"]


class Interrupt:
    """Set by the first signal."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._raising = False

    def handle(self, number: int, _: FrameType | None) -> None:
        if self._asked.is_set():
            # Children end with this process; see treaty_embedded.leash.
            os._exit(128 + number)
        self._asked.set()
        if self._raising:
            raise KeyboardInterrupt

    @contextmanager
    def breaks(self) -> Iterator[None]:
        """Within, the signal is a KeyboardInterrupt, at once where it has come already."""
        if self._asked.is_set():
            raise KeyboardInterrupt
        self._raising = True
        try:
            yield
        finally:
            self._raising = False

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether a signal has come within the bound."""
        return self._asked.wait(timeout_s)


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """For the main thread."""
    interrupt = Interrupt()
    before = {number: signal.signal(number, interrupt.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
