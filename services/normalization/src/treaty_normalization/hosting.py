"""One plugin at work: uplinks wait in order, a batch at a time goes to the child."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from treaty_chassis.kafka.work import Output
from treaty_contracts.probe.vectors import Case
from treaty_events.decisions import VECTORS_DIFFER
from treaty_normalization.conduct import Conduct, Watch
from treaty_normalization.drift import messages
from treaty_normalization.lanes import Entry
from treaty_normalization.metrics import Metrics
from treaty_normalization.plugins import Plugin
from treaty_normalization.reports import VIOLATIONS
from treaty_normalization.translation import translate
from treaty_normalization.uplinks import Arrival
from treaty_sandbox import ChildRefusedError, Failed, Host, Ok, Policy, ReadingValues, Template

__all__ = ["Hosting"]

log = structlog.get_logger(__name__)
BATCH_BYTES: Final = 1024 * 1024

Waiting = tuple[Entry, Arrival]
Reply = Ok[list[ReadingValues]] | Failed
Tell = Callable[[Plugin, str, str], None]


class Hosting:
    """A plugin, its child and its queue. Other plugins' are not touched by anything that happens here.

    The queue is bounded by the runner, which pauses partitions of which too much is in hand. All but
    `upgrade` is the runner's thread's.
    """

    def __init__(
        self,
        plugin: Plugin,
        template: Template,
        policy: Policy,
        slot: str,
        metrics: Metrics,
        *,
        watch: Watch | None = None,
        tell: Tell | None = None,
    ) -> None:
        """`tell` is told of what no uplink shows: plugin, kind and detail."""
        self.plugin = plugin
        self._template = template
        self._policy = policy
        self._slot = slot
        self._host = self._host_of(plugin)
        self._next: Plugin | None = None
        self._owed: list[Output] = []
        self._queue: deque[Waiting] = deque()
        self._batch: Sequence[Waiting] = ()
        self._batch_since = 0.0
        self._restarts = 0
        self._trouble: ChildRefusedError | None = None
        self._watch = watch or Watch()
        self._tell = tell
        self._conduct = Conduct(plugin, slot, self._watch)
        self._vectors: Sequence[Case] = ()
        self._metrics = metrics
        self._resting = True

    def _host_of(self, plugin: Plugin) -> Host[list[ReadingValues]]:
        return Host(
            self._template,
            plugin.target(),
            list[ReadingValues],
            limits=plugin.limits(),
            policy=self._policy,
            rests=True,
        )

    def upgrade(self, plugin: Plugin) -> None:
        """Another version from the next batch on; one in the child's hands finishes there. Any thread's."""
        self._next = plugin

    def take(self, entry: Entry, arrival: Arrival) -> None:
        self._queue.append((entry, arrival))

    def poll(self, now: float, now_ms: int) -> None:
        """Moves on whatever can: at most a batch comes back, and the next goes out. Never blocks."""
        self._resting = False
        done = self._host.poll(now) if self._next is None or not self._host.free else None
        if done is not None:
            self._finish(done.replies, now, now_ms)
        host = self._host
        if self._next is not None and (host.free or host.trouble is not None or host.resting(now)):
            self._replace(self._next, now, now_ms)
        if self._host.free:
            # A turn later, so that what came of the batch counts too.
            if done is None and self._conduct.done_with(self._batch_since, now):
                self._host.yield_to_others(now)
            self._next_batch(now)
        self._measure()

    def _next_batch(self, now: float) -> None:
        conduct = self._conduct
        self._vectors = conduct.recheck.due(now)
        if self._vectors:
            self._host.submit(messages(self._vectors), now)
        elif self._queue and not (conduct.rests(now) or conduct.hesitates(now)):
            self._send(now)

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
        self._owed.clear()
        self._conduct.reports.reset()

    def rest(self) -> None:
        """Nothing is to be done until the next `poll`: the child is let go."""
        self._resting = True
        self.reset()
        self._batch = self._vectors = ()
        self._host.close()
        self._conduct.start_afresh()

    def _replace(self, plugin: Plugin, now: float, now_ms: int) -> None:
        """Between two batches; one that the old version's child never started on is the new one's."""
        log.info("plugin replaced", plugin=plugin.name, version=plugin.version, digest=plugin.digest)
        self._next = None
        self._queue.extendleft(reversed(self._batch))
        self._batch = self._vectors = ()
        self._owed += self._conduct.reports.due(now_ms, every=True)
        self._host.close()
        self.plugin, self._host = plugin, self._host_of(plugin)
        self._conduct = Conduct(plugin, self._slot, self._watch)
        self._restarts = 0
        self._metrics.upgrades.labels(plugin.name).inc()
        self._host.poll(now)

    def _send(self, now: float) -> None:
        batch: list[Waiting] = []
        size = 0
        queue, most = self._queue, self._conduct.at_once
        while queue and len(batch) < most and size < BATCH_BYTES:
            waiting = queue.popleft()
            if not waiting[0].dropped:
                batch.append(waiting)
                size += len(waiting[1].uplink.payload)
        if batch:
            self._batch = batch
            self._batch_since = now
            self._host.submit([arrival.message for _, arrival in batch], now)

    def _finish(self, replies: Sequence[Reply], now: float, now_ms: int) -> None:
        conduct = self._conduct
        if self._vectors:
            self._rechecked(replies)
            return
        readings = 0
        conduct.worked_on(len(replies), now_ms)
        chosen = conduct.sampler.chosen(len(replies))
        plugin, reports = self.plugin, bool(conduct.reports.waiting or self._owed)
        for place, ((entry, arrival), reply) in enumerate(zip(self._batch, replies, strict=True)):
            if entry.dropped:
                continue
            translated = translate(plugin, arrival, reply)
            if place in chosen and translated.reason is None:
                translated = conduct.look_at(arrival, translated)
            readings += translated.readings
            entry.outputs = translated.outputs
            if translated.reason is not None:
                self._metrics.dead_letters.labels(self.plugin.name, translated.reason).inc()
                if translated.reason in VIOLATIONS:
                    conduct.violated(arrival, translated, now, now_ms)
                    reports = True
            if reports:
                entry.outputs = [*translated.outputs, *self._owed, *conduct.reports.due(now_ms)]
                self._owed.clear()
        conduct.looked_through()
        self._batch = ()
        self._metrics.readings.labels(self.plugin.name).inc(readings)
        self._metrics.batch_seconds.labels(self.plugin.name).observe(now - self._batch_since)

    def _rechecked(self, replies: Sequence[Reply]) -> None:
        why = self._conduct.drifted(self._vectors, replies)
        self._vectors = ()
        self._metrics.rechecks.labels(self.plugin.name, "same" if why is None else "differs").inc()
        if why is not None:
            log.error("plugin has drifted", plugin=self.plugin.name, version=self.plugin.version, detail=why)
            if self._tell is not None:
                self._tell(self.plugin, VECTORS_DIFFER, why)

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
