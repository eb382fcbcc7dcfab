"""W3C Trace Context as records and requests carry it, and that of whatever runs now. Knows no SDK.

Form: https://www.w3.org/TR/trace-context/#traceparent-header (section 3.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

import structlog

__all__ = ["TRACEPARENT", "current", "read", "within"]

TRACEPARENT: Final = "traceparent"
_FORM: Final = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def read(headers: Sequence[tuple[str, bytes | None]]) -> str | None:
    """The traceparent of a record's headers, the last where there are several; None where it is none."""
    for name, value in reversed(headers):
        if name == TRACEPARENT:
            return value.decode() if value is not None and _FORM.fullmatch(value) else None
    return None


def current() -> str | None:
    """The traceparent of the span that runs now, for what it causes elsewhere."""
    return _current.get()


@contextmanager
def within(trace_id: int, span_id: int, flags: int) -> Iterator[None]:
    """The block runs in this span: `current` and every line of the log say so."""
    trace, span = f"{trace_id:032x}", f"{span_id:016x}"
    token = _current.set(f"00-{trace}-{span}-{flags:02x}")
    try:
        with structlog.contextvars.bound_contextvars(trace_id=trace, span_id=span):
            yield
    finally:
        _current.reset(token)
