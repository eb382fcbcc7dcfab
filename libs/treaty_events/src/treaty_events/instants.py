"""Moments in event bodies, and the same in milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeAlias

import msgspec

__all__ = ["LAST_MS", "Instant", "epoch_ms", "rfc3339"]

Instant: TypeAlias = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""RFC 3339 in UTC with milliseconds: 2026-01-02T03:04:05.678Z."""

LAST_MS: Final = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z, the last that RFC 3339 can write."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(ms: int) -> str:
    """Milliseconds since 1970-01-01 UTC as an Instant. Raises OverflowError outside the years 1 to 9999."""
    return (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch_ms(instant: str) -> int:
    """The other way, for any RFC 3339 text with an offset. Raises ValueError."""
    moment = datetime.fromisoformat(instant)
    if moment.tzinfo is None:
        raise ValueError(f"expected an offset from UTC, got {instant[:40]!r}")
    return (moment - EPOCH) // timedelta(milliseconds=1)
