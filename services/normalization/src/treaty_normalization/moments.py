"""When a reading was observed, as far as that can be true."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, TypeAlias

from treaty_events.instants import LAST_MS, rfc3339
from treaty_events.readings import Quality
from treaty_events.uplinks import UplinkAccepted
from treaty_normalization.promises import ViolationError

__all__ = ["TOLERANCE_MS", "Moment", "instant", "moment"]

TOLERANCE_MS: Final = 60_000
"""How far a device's clock may be ahead of the broker's before its time is not believed."""


Moment: TypeAlias = tuple[int, int, str]
"""When observed and as what it is ordered, milliseconds since 1970-01-01 UTC, and what time alone says of the
values: a Quality's text, as a member takes five times as long to encode, and asking it for its text as long
as all else here."""
_GOOD: Final = Quality.GOOD.value
_LATE: Final = Quality.LATE.value
_SUSPECT: Final = Quality.SUSPECT.value


def moment(uplink: UplinkAccepted, told: int | None) -> Moment:
    """`told` is the plugin's time; else the network's holds, else when the broker received it.

    Raises ViolationError for a time no calendar has.
    """
    received_at = uplink.received_at
    observed_at = told if told is not None else uplink.observed_at
    if observed_at is None:
        observed_at = received_at
    if not 0 <= observed_at <= LAST_MS:
        raise ViolationError(f"observed_at {observed_at} ms is not between the years 1970 and 9999")
    latest = received_at + TOLERANCE_MS
    if observed_at > latest:
        return observed_at, latest, _SUSPECT
    late = uplink.late_after_ms is not None and received_at - observed_at > uplink.late_after_ms
    return observed_at, observed_at, _LATE if late else _GOOD


_MILLISECONDS: Final = [f"{ms:03d}Z" for ms in range(1000)]


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return rfc3339(seconds * 1000)[:-4]


def instant(ms: int) -> str:
    """As treaty_events.instants.rfc3339; the uplinks of one second share most of the text."""
    return _second(ms // 1000) + _MILLISECONDS[ms % 1000]
