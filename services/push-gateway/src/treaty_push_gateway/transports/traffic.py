"""What has been sent, in plain numbers: a lock a message would be felt at thousands of subscribers."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Traffic"]


@dataclass(slots=True)
class Traffic:
    """Totals since start, and connections open now. Counted on the loop's thread."""

    limit: int
    """The most connections at a time, of all transports."""
    websocket: int = 0
    sse: int = 0
    messages: int = 0
    bytes: int = 0

    @property
    def full(self) -> bool:
        return self.websocket + self.sse >= self.limit
