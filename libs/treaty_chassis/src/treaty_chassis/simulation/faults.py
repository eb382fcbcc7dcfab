"""What goes wrong, and when: by a seed, or at one chosen step."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final, TypeVar

from treaty_chassis.kafka.caller import HangError
from treaty_chassis.kafka.port import AbortedError, TimedOutError

__all__ = ["Crash", "Faults"]

T = TypeVar("T")
_MAY_TIME_OUT: Final = frozenset({"open", "committed", "send_offsets", "commit", "abort"})
_MAY_ABORT: Final = frozenset({"produce", "send_offsets", "commit"})


class Crash(BaseException):
    """The process is gone, as by kill -9. No `except Exception` sees it."""


class Faults:
    """Every primitive passes through `step`: it may fail before its effect, or after it.

    Probabilities are per primitive. `crash_at` counts half-steps, before and after each primitive.
    """

    def __init__(
        self,
        rng: random.Random | None = None,
        *,
        crash: float = 0.0,
        time_out: float = 0.0,
        abort: float = 0.0,
        hang: float = 0.0,
        crash_at: int | None = None,
    ) -> None:
        self._rng = rng or random.Random(0)  # noqa: S311 - chosen by seed, to be repeated
        self._crash = crash
        self._time_out = time_out
        self._abort = abort
        self._hang = hang
        self._crash_at = crash_at
        self.half_steps = 0
        self.hung = 0
        self.trace: list[str] = []

    def step(self, name: str, effect: Callable[[], T], *, abortable: bool = True, hangs: bool = False) -> T:
        """`hangs`: the caller leaves it behind where it raises HangError, with its effect or without."""
        self._maybe_crash(f"before {name}")
        if hangs and self._rng.random() < self._hang:
            if self._rng.random() < 0.5:
                effect()
            self.hung += 1
            raise HangError(f"{name}: injected")
        if abortable and name in _MAY_ABORT and self._rng.random() < self._abort:
            raise AbortedError(f"{name}: injected")
        late = False
        if name in _MAY_TIME_OUT and self._rng.random() < self._time_out:
            late = self._rng.random() < 0.5
            if not late:
                raise TimedOutError(f"{name}: injected, without effect")
        result = effect()
        self._maybe_crash(f"after {name}")
        if late:
            raise TimedOutError(f"{name}: injected, with effect")
        return result

    def _maybe_crash(self, where: str) -> None:
        here = self.half_steps
        self.half_steps += 1
        if here == self._crash_at or self._rng.random() < self._crash:
            self.trace.append(where)
            raise Crash(where)
