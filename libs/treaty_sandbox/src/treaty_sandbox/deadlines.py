"""How long a child may take. The time it waits for a core is not held against it, up to a bound."""

from __future__ import annotations

import math

from treaty_sandbox.child import Child, State
from treaty_sandbox.limits import Limits

__all__ = ["Deadlines"]

_NOISE = 0.005
_MOST_GRACE = 4
"""Times the deadline itself: a machine busier than that is no place for deadlines."""
_GRACE_WHEN_YIELDING = 40
"""For a child that was told to let others go first: waiting is what it was told."""


class Deadlines:
    """Of one child: of its start or its batch as a whole, and of the message it says it is at.

    Seconds of the caller's monotonic clock. On a busy machine a ready child may wait for a core longer than
    a deadline; that time is given back, up to four times the deadline, so that load convicts nobody; up to
    forty times to a child that yields. Who had as much of a core since its time was over first has had it,
    though nobody looked for long.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._whole = 0.0
        self._step = math.inf
        self._position = 0
        self._grace = 0.0
        self._most_grace = _MOST_GRACE
        self._alone = False
        self._ran: float | None = None
        self._span = 0.0
        self.stuck = False
        """Whether what passed is a message's time, and not that of a batch whose messages kept theirs."""

    @property
    def next(self) -> float:
        """When to look again at the latest."""
        return min(self._whole, self._step)

    def yields(self, yes: bool) -> None:
        """Whether the child has a lower priority than others, from what is asked of it next on."""
        self._most_grace = _GRACE_WHEN_YIELDING if yes else _MOST_GRACE

    def within(self, seconds: float, now: float) -> None:
        """One thing is asked, whatever the child says of its progress."""
        self._whole, self._step, self._grace = now + seconds, math.inf, seconds * self._most_grace
        self._ran, self._span = None, seconds

    def starting(self, now: float) -> None:
        self.within(self._limits.start_deadline / 1000, now)

    def batch(self, messages: int, now: float) -> None:
        """A batch of that many has been handed over; a single message has no more time than a message."""
        each = self._limits.message_deadline / 1000
        self.within(self._limits.batch_deadline / 1000 if messages > 1 else each, now)
        self._position, self._step, self._alone = 0, now + each, messages == 1

    def passed(self, child: Child, now: float) -> bool:
        """Whether it has taken too long."""
        each = self._limits.message_deadline / 1000
        if child.state is State.BUSY and self._step != math.inf and child.progress != self._position:
            self._position, self._step, self._grace = child.progress, now + each, each * self._most_grace
            self._ran, self._span = None, each
        if now < self.next:
            return False
        ran, grace = child.worked(), min(child.waited(), self._grace)
        if self._ran is None:
            self._ran = ran
        if grace <= _NOISE or ran - self._ran >= self._span:
            self.stuck = self._alone or now >= self._step
            return True
        self._grace -= grace
        self._whole = max(self._whole, now + grace)
        if self._step != math.inf:
            self._step = max(self._step, now + grace)
        return False
