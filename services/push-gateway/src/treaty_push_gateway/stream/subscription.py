"""One subscription: what it wants, where it stands, and how its messages leave."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from treaty_push_gateway.stream.conflation import Latest
from treaty_push_gateway.stream.errors import CodedError
from treaty_push_gateway.stream.filters import Filter, Group
from treaty_push_gateway.stream.messages import Outgoing
from treaty_push_gateway.stream.place import Place

__all__ = ["Outlet", "Stage", "Subscription"]


class Outlet(Protocol):
    """Where a connection's messages go. Sending never blocks; one that sends while not writable grows the
    connection's buffer, so only errors may do that."""

    @property
    def writable(self) -> bool: ...
    @property
    def blocked_since(self) -> float | None:
        """The clock's time at which it stopped being writable; None while it is."""

    def send(self, message: Outgoing) -> None: ...


class Stage(Enum):
    OPENING = auto()
    """Its start is being found; it has no place yet."""
    CATCHING_UP = auto()
    """Its place is older than the ring; a catch-up reader serves it."""
    REPLAYING = auto()
    """Served from the ring, by itself."""
    LIVE = auto()
    """Served with its group."""
    CLOSED = auto()


class Subscription:
    """`failed` is told when the subscription cannot go on; it is over for the hub then."""

    def __init__(
        self, id: str, filter: Filter, outlet: Outlet, failed: Callable[[CodedError], None], *, conflate: bool
    ) -> None:
        self.group = Group(id, filter)
        self.outlet = outlet
        self.failed = failed
        self.latest = Latest() if conflate else None
        self.place = Place(())
        self.sequence = 0
        self.stage = Stage.OPENING
        self.scheduled = False
        self.announced = False
        self.sent_at = 0.0
        self.safe: str | None = None
        """While conflated entries wait: the cursor of before they came."""
