"""Ends a process whose client does not come back from a call that promised to.

A consumer's commit waits for a coordinator that moves and takes no bound of its own. A thread inside such a
call can be neither interrupted nor abandoned, so the process goes: its successor takes the slot over.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final

import structlog

__all__ = ["Watchdog"]

log = structlog.get_logger(__name__)
_EX_SOFTWARE: Final = 70
_LOOK_S: Final = 1.0


def _exit(detail: str) -> None:
    log.critical("the client hangs, the process ends", detail=detail)
    os._exit(_EX_SOFTWARE)


class Watchdog:
    """`with watchdog:` around calls of one thread; `on_hang` is called, in a thread of the watchdog's own,
    for one that takes longer than `limit_s`."""

    def __init__(self, limit_s: float, on_hang: Callable[[str], None] | None = None) -> None:
        self._limit_s = limit_s
        self._on_hang = on_hang or _exit
        self._entered: float | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> None:
        self._entered = time.monotonic()
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
            self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered = None

    def _watch(self) -> None:
        while True:
            time.sleep(_LOOK_S)
            entered = self._entered
            if entered is not None and time.monotonic() - entered > self._limit_s:
                self._on_hang(f"a call into the client has not returned for {self._limit_s:.0f} s")
                return
