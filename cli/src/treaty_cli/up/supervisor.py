"""Keep what was started running: what ends is started again, at growing intervals, and it is said."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from treaty_embedded import EmbeddedError

__all__ = ["Keepable", "Supervisor", "backoff_s"]

_FIRST_S = 0.2
_LONGEST_S = 10.0
_SETTLED_S = 30.0
_LOOK_EVERY_S = 0.1
_FENCED_AT_MOST = 3
_FENCED_WITHIN_S = 60.0


class Keepable(Protocol):
    """A service's process, or an embedded server."""

    def start(self) -> None:
        """Raises EmbeddedError or OSError where it cannot be."""

    def alive(self) -> bool: ...

    def kill(self) -> None:
        """What is left of it, its own children included."""

    def ending(self) -> str:
        """How it ended, in words."""


def backoff_s(deaths: int) -> float:
    """How long to wait after so many deaths in a row: 0.2 s, doubling, at most 10 s."""
    return float(min(_LONGEST_S, _FIRST_S * 2 ** (deaths - 1)))


class Supervisor:
    """A thread each for what it keeps. `say(name, text)` is told of every death and return."""

    def __init__(self, say: Callable[[str, str], None]) -> None:
        self._say = say
        self._watchers: dict[str, tuple[threading.Thread, threading.Event]] = {}

    def keep(self, name: str, kept: Keepable, superseded: Callable[[], bool] = lambda: False) -> None:
        """From now on, until released; it runs already. `superseded` tells that it ended because another took
        its place. It starts again, for that one may be gone by now; but one that meets it four times in a
        minute has a rival that stays, and stays down rather than fight it for ever."""
        released = threading.Event()
        watcher = threading.Thread(
            target=self._watch, args=(name, kept, superseded, released), name=f"keeps-{name}", daemon=True
        )
        self._watchers[name] = (watcher, released)
        watcher.start()

    def _watch(
        self, name: str, kept: Keepable, superseded: Callable[[], bool], released: threading.Event
    ) -> None:
        deaths, since = 0, time.monotonic()
        fenced: deque[float] = deque(maxlen=_FENCED_AT_MOST)
        while not released.wait(_LOOK_EVERY_S):
            if kept.alive():
                if time.monotonic() - since > _SETTLED_S:
                    deaths = 0
                continue
            deaths += 1
            ending = kept.ending()
            kept.kill()
            if superseded():
                if len(fenced) == _FENCED_AT_MOST and time.monotonic() - fenced[0] < _FENCED_WITHIN_S:
                    self._say(name, "is fenced again and again: another process has its slot; it stays down")
                    return
                fenced.append(time.monotonic())
                ending = "was fenced: another process took its slot"
            self._say(name, f"{ending}, starts again in {backoff_s(deaths):.1f} s")
            if released.wait(backoff_s(deaths)):
                return
            try:
                kept.start()
            except (OSError, EmbeddedError) as error:
                self._say(name, f"could not be started: {error}")
                continue
            since = time.monotonic()
            self._say(name, "started again")

    def release(self, name: str) -> None:
        """It is not started any more once this returns; where it runs it keeps running."""
        watcher, released = self._watchers.pop(name)
        released.set()
        watcher.join()

    def close(self) -> None:
        """Releases all."""
        for _, released in self._watchers.values():
            released.set()
        for name in list(self._watchers):
            self.release(name)
