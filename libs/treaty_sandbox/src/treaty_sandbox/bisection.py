"""Which messages of a batch to try next, until each has a reply or is found guilty. Pure."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

__all__ = ["Trials"]

R = TypeVar("R")


class Trials(Generic[R]):
    """Starts with the whole batch as one run; a run that fails is cut.

    Where the child told which message it was at, that one is tried alone first, then those before and
    after it; else the halves are. A message is guilty only when it fails alone in a fresh child, so a
    child worn out by others, or a lying hint, convicts no innocent one.
    """

    def __init__(self, count: int) -> None:
        self._runs: deque[tuple[int, ...]] = deque([tuple(range(count))] if count else [])
        self._replies: dict[int, R] = {}
        self._count = count
        self._whole: list[R] | None = None

    @property
    def done(self) -> bool:
        return not self._runs

    @property
    def current(self) -> tuple[int, ...]:
        """Indices to send now, in order."""
        return self._runs[0]

    def answered(self, replies: list[R]) -> None:
        """The current run went through."""
        run = self._runs.popleft()
        if len(run) == self._count:
            self._whole = replies
        else:
            self._replies.update(zip(run, replies, strict=True))

    def failed(self, position: int | None, fresh: bool, verdict: R) -> bool:
        """The current run failed at `position` of it, None: unknown. True if one is settled as `verdict`."""
        run = self._runs[0]
        if len(run) == 1:
            if fresh:
                self._replies[run[0]] = verdict
                self._runs.popleft()
            return fresh
        self._runs.popleft()
        if position is not None and 0 <= position < len(run):
            parts = [run[position : position + 1], run[:position], run[position + 1 :]]
        else:
            middle = len(run) // 2
            parts = [run[:middle], run[middle:]]
        self._runs.extendleft(part for part in reversed(parts) if part)
        return False

    def replies(self) -> list[R]:
        """One a message, in order, once done."""
        if self._whole is not None:
            return self._whole
        return [self._replies[index] for index in range(self._count)]
