"""One plugin at work: uplinks wait in order, a batch at a time goes to the child."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

import structlog

from treaty_normalization.lanes import Entry
from treaty_normalization.metrics import Metrics
from treaty_normalization.plugins import Plugin
from treaty_normalization.reports import VIOLATIONS, Reports
from treaty_normalization.translation import Translated, translate
from treaty_normalization.uplinks import Arrival
from treaty_sandbox import ChildRefusedError, Failed, Host, Ok, Policy, ReadingValues, Template

__all__ = ["Hosting"]

log = structlog.get_logger(__name__)
BATCH_MESSAGES: Final = 512
BATCH_BYTES: Final = 1024 * 1024

Waiting = tuple[Entry, Arrival]
Reply = Ok[list[ReadingValues]] | Failed


class Hosting:
    """A plugin, its child and its queue. Other plugins' are not touched by anything that happens here.

    The queue is bounded by the runner, which pauses partitions of which too much is in hand.
    """

    def __init__(
        self, plugin: Plugin, template: Template, policy: Policy, slot: str, metrics: Metrics
    ) -> None:
        self.plugin = plugin
        self._host = Host(
            template, plugin.target(), list[ReadingValues], limits=plugin.limits(), policy=policy
        )
        self._queue: deque[Waiting] = deque()
        self._batch: Sequence[Waiting] = ()
        self._batch_since = 0.0
        self._restarts = 0
        self._trouble: ChildRefusedError | None = None
        self._reports = Reports(plugin, slot)
        self._metrics = metrics
        self._resting = True

    def take(self, entry: Entry, arrival: Arrival) -> None:
        self._queue.append((entry, arrival))

    def poll(self, now: float, now_ms: int) -> None:
        """Moves on whatever can: at most a batch comes back, and the next goes out. Never blocks."""
        self._resting = False
        done = self._host.poll(now)
        if done is not None:
            self._finish(done.replies, now, now_ms)
        if self._host.free and self._queue:
            self._send(now)
        self._measure()

    def filenos(self) -> list[int]:
        return [descriptor for descriptor, _, _ in self._host.waits()]

    def check(self) -> str | None:
        """For readiness: None while a child is loaded, or none is needed."""
        if self._resting:
            return None
        if self._host.trouble is not None:
            return f"the child does not start: {self._host.trouble}"
        return None if self._host.ready else "the child is starting"

    def reset(self) -> None:
        """Everything in hand is dropped; a batch in the child's hands is let go and its replies ignored."""
        self._queue.clear()
        self._reports.reset()

    def rest(self) -> None:
        """Nothing is to be done until the next `poll`: the child is let go."""
        self._resting = True
        self.reset()
        self._batch = ()
        self._host.close()

    def _send(self, now: float) -> None:
        batch: list[Waiting] = []
        size = 0
        queue = self._queue
        while queue and len(batch) < BATCH_MESSAGES and size < BATCH_BYTES:
            waiting = queue.popleft()
            if not waiting[0].dropped:
                batch.append(waiting)
                size += len(waiting[1].uplink.payload)
        if batch:
            self._batch = batch
            self._batch_since = now
            uplinks = [arrival.uplink for _, arrival in batch]
            messages = [(u.payload, u.f_port, u.model, u.content_type, u.received_at) for u in uplinks]
            self._host.submit(messages, now)

    def _finish(self, replies: Sequence[Reply], now: float, now_ms: int) -> None:
        readings = 0
        for (entry, arrival), reply in zip(self._batch, replies, strict=True):
            if entry.dropped:
                continue
            translated = translate(self.plugin, arrival, reply)
            readings += translated.readings
            entry.outputs = translated.outputs
            if translated.reason is not None:
                self._refused(translated, arrival)
            if self._reports.waiting:
                entry.outputs = [*translated.outputs, *self._reports.due(now_ms)]
        self._batch = ()
        self._metrics.readings.labels(self.plugin.name).inc(readings)
        self._metrics.batch_seconds.labels(self.plugin.name).observe(now - self._batch_since)

    def _refused(self, translated: Translated, arrival: Arrival) -> None:
        reason = translated.reason or ""
        self._metrics.dead_letters.labels(self.plugin.name, reason).inc()
        if reason in VIOLATIONS:
            if not self._reports.waiting:
                log.warning(
                    "plugin broke its promise",
                    plugin=self.plugin.name,
                    reason=reason,
                    detail=translated.detail,
                    uplink=arrival.place,
                )
            self._reports.note(reason, translated.detail, f"{arrival.place}:0")

    def _measure(self) -> None:
        if self._host.restarts != self._restarts:
            self._metrics.restarts.labels(self.plugin.name).inc(self._host.restarts - self._restarts)
            self._restarts = self._host.restarts
        if self._host.trouble is not self._trouble:
            self._trouble = self._host.trouble
            if self._trouble is None:
                log.info("child starts again", plugin=self.plugin.name)
            else:
                log.error("child does not start", plugin=self.plugin.name, detail=str(self._trouble))
        self._metrics.waiting.labels(self.plugin.name).set(len(self._queue) + len(self._batch))
