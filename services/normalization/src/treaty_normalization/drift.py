"""The vectors a plugin was admitted with, run again in the child that is at work. Pure.

A child that has seen a thousand uplinks should answer as it did when it was judged: one that keeps something
between them, or has waited for its moment, does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from treaty_contracts.probe.decoded import DecodedReading, differences
from treaty_contracts.probe.vectors import Case
from treaty_normalization.plugins import Plugin
from treaty_sandbox import Failed, Ok, ReadingValues

__all__ = ["Recheck", "difference", "messages"]

_AT_ONCE: Final = 64
"""Vectors a time: what an uplink may have to wait for."""


class Recheck:
    """Of one version: which vectors are due, and what their replies say. Seconds of a monotonic clock."""

    def __init__(self, plugin: Plugin, every_s: float) -> None:
        self._cases = plugin.vectors
        self._every = every_s
        self._next_at: float | None = None
        self._position = 0

    def due(self, now: float) -> Sequence[Case]:
        """The next few vectors where it is time, else none. The first time is one interval after the first
        call: the judge has run them just before."""
        if not self._cases:
            return ()
        if self._next_at is None:
            self._next_at = now + self._every
        if now < self._next_at:
            return ()
        found = self._cases[self._position : self._position + _AT_ONCE]
        self._position += len(found)
        if self._position >= len(self._cases):
            self._position = 0
            self._next_at = now + self._every
        return found


def messages(cases: Sequence[Case]) -> list[tuple[Any, ...]]:
    """As the child takes them."""
    return [(c.payload, c.f_port, c.model, c.content_type, c.received_at_ms) for c in cases]


def difference(case: Case, reply: Ok[list[ReadingValues]] | Failed) -> str | None:
    """How the reply differs from what the vector promises; None where it does not."""
    if isinstance(reply, Failed):
        # Which error is judged at admission, by its ancestors too, which are not told here; and that a
        # machine was too busy says nothing about values.
        declared = case.error is not None and reply.kind == "decode_error"
        if declared or reply.kind == "deadline_exceeded":
            return None
        return f"vector {case.name!r}: {reply.kind}: {reply.detail}"[:500]
    if case.error is not None:
        return f"vector {case.name!r}: expected an error, got readings"
    found = differences(case.readings or [], [_decoded(values) for values in reply.value])
    if not found:
        return None
    path, expected_value, observed = found[0]
    return f"vector {case.name!r}: {path}: expected {expected_value}, got {observed}"[:500]


def _decoded(values: ReadingValues) -> DecodedReading:
    position = values.position
    observed_at = values.observed_at
    return DecodedReading(
        values.measurements,
        values.properties,
        None
        if position is None
        else {
            name: value
            for name in ("latitude", "longitude", "altitude", "accuracy")
            if (value := getattr(position, name)) is not None
        },
        None if observed_at is None else datetime.fromtimestamp(observed_at / 1000, UTC),
    )
