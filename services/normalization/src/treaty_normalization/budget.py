"""How much a version of a plugin may break its promises before it is reported as broken, and how much of it
is tried at once meanwhile. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

__all__ = ["MOST_AT_ONCE", "Allowance", "Budget", "Pace", "rest_s"]

_BUCKETS: Final = 20
_ENOUGH: Final = 20
"""Violations below which a share says nothing: one bad uplink of two is no half."""
_SOME: Final = 5
"""Violations from which children yield and rest: that costs nobody but the version anything."""
_MANY: Final = 0.05
"""The share of uplinks from which violations are what a version does, and no accident."""
_REST: Final = 19.0
_LONGEST_REST_S: Final = 10.0
_FEWEST_AT_ONCE: Final = 16
MOST_AT_ONCE: Final = 512
"""Uplinks a batch: what each costs of sending, waiting and committing hardly falls any more."""


def rest_s(spent_s: float, violations: int, uplinks: int) -> float:
    """How long a plugin waits after a batch that the worker spent so long on: where half of it or more broke
    a promise, so that a twentieth of the worker's time is left to it; where next to nothing did, hardly."""
    share = min(1.0, 2 * violations / uplinks) if uplinks else 0.0
    return min(_LONGEST_REST_S, _REST * spent_s * share)


@dataclass(frozen=True, slots=True)
class Allowance:
    """Within a sliding window: at most `count` violations, and at most that `share` of the uplinks."""

    count: int = 1000
    share: float = 0.1
    window_ms: int = 600_000


class Pace:
    """How many uplinks of a version go to its child at once: few until it is known to keep its promises, and
    few again while it breaks them, so that it is known for that, and rests, long before it has worked through
    hundreds of them."""

    def __init__(self) -> None:
        self.limit = _FEWEST_AT_ONCE

    def done(self, uplinks: int, violations: int) -> None:
        """A batch has come back."""
        if violations and violations >= _MANY * uplinks:
            self.limit = _FEWEST_AT_ONCE
        elif uplinks >= self.limit:
            self.limit = min(2 * self.limit, MOST_AT_ONCE)


class Budget:
    """Of one version of one plugin, in one worker. Times are milliseconds, never going back by much."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._width = max(1, allowance.window_ms // _BUCKETS)
        self._buckets: deque[list[int]] = deque()
        self.uplinks = 0
        self.violations = 0

    def note(self, uplinks: int, violations: int, now_ms: int) -> None:
        """So many uplinks were worked on, and so many of them showed a violation."""
        start = now_ms - now_ms % self._width
        if not self._buckets or self._buckets[-1][0] < start:
            self._buckets.append([start, 0, 0])
        self._buckets[-1][1] += uplinks
        self._buckets[-1][2] += violations
        self.uplinks += uplinks
        self.violations += violations
        while self._buckets[0][0] <= start - self._allowance.window_ms:
            _, gone, forgiven = self._buckets.popleft()
            self.uplinks -= gone
            self.violations -= forgiven

    @property
    def breaks_much(self) -> bool:
        """Whether so many uplinks of the window show violations that the version had better rest meanwhile,
        and its children yield to others'."""
        return self.violations >= _SOME and self.violations >= _MANY * self.uplinks

    def exceeded(self) -> str | None:
        """In words by how much; None while it is kept."""
        allowed = self._allowance
        over_count = self.violations > allowed.count
        over_share = self.violations >= _ENOUGH and self.violations > allowed.share * self.uplinks
        if not (over_count or over_share):
            return None
        return (
            f"{self.violations} of {self.uplinks} uplinks in {allowed.window_ms // 1000} s broke promises,"
            f" allowed are {allowed.count}, and a share of {allowed.share:g}"
        )
