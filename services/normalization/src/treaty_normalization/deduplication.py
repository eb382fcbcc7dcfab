"""Drops repeated deliveries of one uplink: several network servers, or one that delivers again.

The state is a function of the partition's log alone: every accepted uplink that was received, or accepted,
within the window. When a backlog is drained, what was received at one time is accepted far apart, one raw
partition's stretch after another's; what is accepted together is remembered together. A worker that takes
the partition over reads that part of the log back and knows what its predecessor knew;
docs/decisions/0003-deduplication-from-the-log.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final, TypeAlias

from treaty_chassis.kafka.work import Assigned, History, Record
from treaty_normalization.uplinks import Arrival, UnreadableError, read

__all__ = ["WINDOW_MS", "Window", "read_back"]

WINDOW_MS: Final = 120_000
MAX_KEYS: Final = 500_000
"""Of one partition; past it the oldest are forgotten, so that memory stays bounded."""
FORGET_EVERY_MS: Final = 1000
MAX_READ_BACK: Final = 200_000
"""Offsets, so that taking a partition over takes seconds at most."""

Key: TypeAlias = str | tuple[str, str | bytes, int]
Times: TypeAlias = tuple[int, int]
"""When an uplink was received, and when it was accepted, ms."""


def key_of(arrival: Arrival) -> Key | None:
    """By the network's deduplication id, or else session and counter; None: nothing tells a repeat.

    Where there is no session the payload stands in for it: a device that has started again counts from
    the beginning, and what it says then is no repeat of what it said before.
    """
    delivery = arrival.delivery
    if delivery is not None:
        return delivery
    uplink = arrival.uplink
    if uplink.counter is None:
        return None
    if uplink.session is None:
        return (uplink.device, blake2b(uplink.payload, digest_size=16).digest(), uplink.counter)
    return (uplink.device, uplink.session, uplink.counter)


class Window:
    """What was received or accepted in one partition lately."""

    __slots__ = ("_accepted", "_forget_at", "_max_keys", "_received", "_seen", "_span")

    def __init__(self, span_ms: int = WINDOW_MS, max_keys: int = MAX_KEYS) -> None:
        self._span = span_ms
        self._max_keys = max_keys
        self._seen: dict[Key, Times] = {}
        self._received = 0
        self._accepted = 0
        self._forget_at = 0

    def __len__(self) -> int:
        return len(self._seen)

    def repeats(self, arrival: Arrival, accepted_at: int) -> bool:
        """Whether the same uplink was received within the window of this one; remembers it.
        `accepted_at` is the time of the accepted record, ms."""
        key = key_of(arrival)
        if key is None:
            return False
        received_at = arrival.uplink.received_at
        # Calls of max would be a third of this method's time.
        self._received = received_at if received_at > self._received else self._received
        self._accepted = accepted_at if accepted_at > self._accepted else self._accepted
        seen = self._seen
        times = (received_at, accepted_at)
        before = seen.setdefault(key, times)
        repeat = False
        if before is not times:
            # A repeat is remembered too, so that nothing hangs on what came before the window.
            del seen[key]
            seen[key] = times
            repeat = abs(received_at - before[0]) <= self._span and not self._is_over(before)
        if self._accepted >= self._forget_at or len(seen) > self._max_keys:
            self._forget()
        return repeat

    def _is_over(self, times: Times) -> bool:
        """By both clocks."""
        received_at, accepted_at = times
        return received_at < self._received - self._span and accepted_at < self._accepted - self._span

    def _forget(self) -> None:
        """Makes room. What is over and stands behind what is not stays for now, and counts for nothing."""
        seen = self._seen
        self._forget_at = self._accepted + FORGET_EVERY_MS
        spare = len(seen) - self._max_keys
        if spare > 0:
            # A dict is searched for its first key past all that were deleted before it: not for every uplink.
            spare += self._max_keys // 100
        gone: list[Key] = []
        received, accepted = self._received - self._span, self._accepted - self._span
        for key, (received_at, accepted_at) in seen.items():
            if (received_at >= received or accepted_at >= accepted) and len(gone) >= spare:
                break
            gone.append(key)
        for key in gone:
            del seen[key]


def repeated(window: Window, arrival: Arrival) -> bool:
    """As Window.repeats; what an operator replays on purpose is no repeat."""
    return not arrival.replayed and window.repeats(arrival, arrival.record.timestamp_ms)


def read_back(assigned: Assigned, history: History) -> Window:
    """The window as whoever worked on the partition before left it at `assigned.offset`.

    The log is read back to two minutes before the first uplink to come (or the last one that came) was
    received, by the time of the accepted record, which is never before it.
    """
    window = Window()
    partition, offset = assigned
    nearest = next(history.read(partition, offset), None)
    if nearest is None:
        nearest = _last(history.read(partition, max(0, offset - 1000), offset))
    if nearest is None:
        return window
    start = history.offset_at(partition, max(0, _received_at(nearest) - WINDOW_MS))
    if start is None or start >= offset:
        return window
    for record in history.read(partition, max(start, offset - MAX_READ_BACK), offset):
        try:
            repeated(window, read(record))
        except UnreadableError:
            continue
    return window


def _last(records: Iterator[Record]) -> Record | None:
    found = None
    for record in records:
        found = record
    return found


def _received_at(record: Record) -> int:
    try:
        return min(read(record).uplink.received_at, record.timestamp_ms)
    except UnreadableError:
        return record.timestamp_ms
