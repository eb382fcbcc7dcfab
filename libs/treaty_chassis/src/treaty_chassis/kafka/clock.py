"""Time and waiting, as the runner uses them; the simulation brings its own."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence

__all__ = ["Clock"]

# While work is being done the consumer, which offers no descriptor, is asked this often.
_GLANCE_S = 0.002


class Clock:
    def wall_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds."""
        return time.monotonic()

    def wait(self, filenos: Sequence[int]) -> None:
        """Until one of them is readable, two milliseconds at most."""
        poller = select.poll()
        for fileno in filenos:
            poller.register(fileno, select.POLLIN)
        poller.poll(_GLANCE_S * 1000)
