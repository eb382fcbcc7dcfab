"""What people are told while something takes time: one line a step, on stderr, so that stdout stays data."""

from __future__ import annotations

import threading
import time

from rich.console import Console

__all__ = ["Progress"]


class Progress:
    """Lines may come from any thread. `quiet` keeps to what went wrong."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.started = time.monotonic()
        self._quiet = quiet
        self._lock = threading.Lock()

    def elapsed_s(self) -> float:
        return time.monotonic() - self.started

    def step(self, name: str, text: str) -> None:
        """Something was reached."""
        if not self._quiet:
            self._line(name, text, "green")

    def trouble(self, name: str, text: str) -> None:
        """Something ended or failed, and is dealt with."""
        self._line(name, text, "yellow")

    def plain(self, text: str) -> None:
        with self._lock:
            self.console.print(text, markup=False)

    def _line(self, name: str, text: str, style: str) -> None:
        with self._lock:
            self.console.print(f"{self.elapsed_s():6.1f} s  ", style="dim", end="")
            self.console.print(f"{name:<21}", style=style, end="")
            self.console.print(text, markup=False)
