"""A span a transaction of the runner, linked to the traces of the records in it.

The runner tells of what it polled and of each transaction; `Untraced` keeps nothing of it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from treaty_chassis.kafka.ledger import Batch
from treaty_chassis.kafka.work import Partition, Record
from treaty_chassis.tracing.context import read

if TYPE_CHECKING:
    from treaty_chassis.tracing.spans import BatchSpans, Tracing

__all__ = ["Span", "Spans", "TransactionSpans", "Untraced", "spans_of"]


class Span(Protocol):
    """One transaction as it goes on."""

    def failed(self, error: BaseException) -> None:
        """It was aborted: its records come again, unless it was only its commit's answer that was lost."""


class Spans(Protocol):
    """What the runner calls, on its thread."""

    def submitted(self, records: Sequence[Record]) -> None:
        """These were polled and go to the work now."""

    def transaction(self, batch: Batch) -> AbstractContextManager[Span]:
        """Around the batch's transaction, from begin to its outcome."""


class _NoSpan:
    def failed(self, error: BaseException) -> None:
        """Nothing is kept of it."""


class Untraced:
    """Tracing is off."""

    _nothing: Final = nullcontext(_NoSpan())

    def submitted(self, records: Sequence[Record]) -> None:
        """Nothing is kept of them."""

    def transaction(self, batch: Batch) -> AbstractContextManager[Span]:
        return self._nothing


def spans_of(tracing: Tracing | None, group: str, slot: str) -> Spans:
    """Of the runner whose client has this group and slot."""
    if tracing is None:
        return Untraced()
    return TransactionSpans(tracing.batches("process", f"{group}-{slot}", group))


@dataclass(slots=True)
class _Lane:
    """One partition: since when its records are in hand, by the first offset of each poll, and which of them
    belong to a trace."""

    last: int = -1
    polls: deque[tuple[int, int]] = field(default_factory=deque)
    traced: deque[tuple[int, str]] = field(default_factory=deque)
    untold: int = 0
    """Traced records beyond those, of which the next span will say how many."""


class TransactionSpans:
    """What is kept of records in hand is bounded: a partition's polls, and as many of its traced records as
    `_AHEAD` spans link to."""

    _AHEAD: Final = 4

    def __init__(self, batches: BatchSpans, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._batches = batches
        self._now_ns = now_ns
        self._most = self._AHEAD * batches.links
        self._lanes: dict[Partition, _Lane] = {}

    def submitted(self, records: Sequence[Record]) -> None:
        at = self._now_ns()
        topic, number = "", -1
        for record in records:
            if record.partition != number or record.topic != topic:
                topic, number = record.topic, record.partition
                lane = self._lane(Partition(topic, number), record.offset)
                lane.polls.append((record.offset, at))
            lane.last = record.offset
            traceparent = read(record.headers) if record.headers else None
            if traceparent is None:
                continue
            if len(lane.traced) < self._most:
                lane.traced.append((record.offset, traceparent))
            else:
                lane.untold += 1

    @contextmanager
    def transaction(self, batch: Batch) -> Iterator[Span]:
        if not batch.firsts:
            # Offsets alone, of partitions where nothing came.
            yield _NoSpan()
            return
        began = self._now_ns()
        linked: list[str] = []
        untold = 0
        for partition, first in batch.firsts.items():
            lane = self._lanes.get(partition)
            if lane is not None:
                began = min(began, _since(lane, first))
                linked += _traced(lane, first, batch.offsets[partition])
                untold, lane.untold = untold + lane.untold, 0
        outputs = {"treaty.batch.outputs": len(batch.outputs)}
        with self._batches.span(batch.firsts, batch.records, linked, untold, began, outputs) as span:
            yield span

    def _lane(self, partition: Partition, offset: int) -> _Lane:
        """The partition's, afresh where its records come again."""
        lane = self._lanes.get(partition)
        if lane is None or offset <= lane.last:
            lane = self._lanes[partition] = _Lane()
        return lane


def _since(lane: _Lane, first: int) -> int:
    """When the record of this offset was polled; polls before it are done with."""
    while len(lane.polls) > 1 and lane.polls[1][0] <= first:
        lane.polls.popleft()
    return lane.polls[0][1]


def _traced(lane: _Lane, first: int, following: int) -> Iterator[str]:
    """The traceparents of the records between, which are done with."""
    while lane.traced and lane.traced[0][0] < following:
        offset, traceparent = lane.traced.popleft()
        if offset >= first:
            yield traceparent
