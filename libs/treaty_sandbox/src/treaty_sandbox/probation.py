"""What the children that follow one which ended leave to others: weight, and time. Pure."""

from __future__ import annotations

import math

__all__ = ["Probation"]

_LASTS = 60.0
_STARTS, _LONGEST_PAUSE = 3.0, 0.25
"""Between two starts: so many times as long as the last one took."""
_FORGIVEN = 2
"""Ends that are followed by no rest: as many as it takes to convict a message, once when it is found and once
alone. Who has one guilty message in a minute is not held up for it."""
_REST, _LONGEST_REST = 19.0, 60.0
"""Times what the child that ended had of a core, so that a twentieth of one is what such children get."""


class Probation:
    """Of one host. Seconds of the caller's monotonic clock.

    It lasts a minute from the last end, or from `begin`. A host that shares its machine with others rests,
    too: from the third end on, nothing is asked of the next child for nineteen times what the last one had of
    a core in vain, a minute at most.
    """

    def __init__(self, *, rests: bool) -> None:
        self._rests = rests
        self._until = -math.inf
        self._ends = 0
        self.start_at = 0.0
        """When the next child may start."""
        self.work_at = 0.0
        """When it may be asked something."""

    def holds(self, now: float) -> bool:
        return now < self._until

    def begin(self, now: float) -> None:
        """Though nothing ended."""
        if not self.holds(now):
            self._ends = 0
        self._until = max(self._until, now + _LASTS)

    def ended(self, start_took: float, in_vain: float, now: float) -> None:
        """A child ended, or was ended, that took so long to start and has worked so long for nothing."""
        pause = min(_STARTS * start_took, _LONGEST_PAUSE) if self.holds(now) else 0.0
        self.begin(now)
        self._ends += 1
        rest = min(_REST * in_vain, _LONGEST_REST) if self._rests and self._ends > _FORGIVEN else 0.0
        self.start_at, self.work_at = now + pause, max(self.work_at, now + rest)
        self._until = max(self._until, self.work_at + _LASTS)
