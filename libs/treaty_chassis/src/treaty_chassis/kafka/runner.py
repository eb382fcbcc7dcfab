"""The exactly-once loop: what is consumed and what is produced commit together, or neither does.

`Runner.turn` is the whole of it, one pass: poll, hand to the work, collect, commit what is finished. It
talks to Kafka through `port.Client` alone, so the simulation drives the same lines the broker does.
docs/decisions/0011-how-the-runner-commits.md says why each step stands where it does.
"""

from __future__ import annotations

import gc
import math
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import structlog

from treaty_chassis.kafka.clock import Clock
from treaty_chassis.kafka.custody import Custody, Wishes
from treaty_chassis.kafka.hold import Hold
from treaty_chassis.kafka.ledger import Batch, Bounds, Ledger
from treaty_chassis.kafka.measures import Measures
from treaty_chassis.kafka.port import AbortedError, Client, FatalError, FencedError, KafkaFailure
from treaty_chassis.kafka.screen import Screen
from treaty_chassis.kafka.spans import Spans, Untraced
from treaty_chassis.kafka.suspicion import Suspicion
from treaty_chassis.kafka.transaction import persist, transact
from treaty_chassis.kafka.work import Partition, Record, Work

__all__ = ["ExitCode", "Options", "Runner"]

log = structlog.get_logger(__name__)


class ExitCode(IntEnum):
    """What the process ends with. A supervisor restarts after FATAL, and not after FENCED."""

    DRAINED = 0
    FATAL = 70
    FENCED = 73


@dataclass(frozen=True, slots=True)
class Options:
    bounds: Bounds = field(default_factory=Bounds)
    poll_records: int = 512
    idle_s: float = 0.1
    """How long a poll waits when nothing is in hand: also how soon subscribe, pause and stop are seen."""
    carry_s: float = 5.0
    """How often, at most, offsets are committed that only markers and aborted records have moved."""
    drain_s: float = 10.0
    stalled_s: float = 30.0


class Runner:
    """Runs a Work over a Client. `limit` is the most bytes a record of a topic may have.

    subscribe, pause, resume, stop and check may be called from any thread; the rest is the loop's.
    """

    def __init__(
        self,
        client: Client,
        work: Work,
        limit: Callable[[str], int],
        *,
        measures: Measures | None = None,
        options: Options | None = None,
        clock: Clock | None = None,
        hold: Hold | None = None,
        spans: Spans | None = None,
    ) -> None:
        self._client = client
        self._work = work
        self._options = options or Options()
        self._clock = clock or Clock()
        self._hold = hold or Hold()
        self._measures = measures or Measures()
        self._spans = spans or Untraced()
        self._suspicion = Suspicion()
        self._screen = Screen(work, limit, self._suspicion, self._measures)
        self._ledger = Ledger(self._options.bounds)
        self._wishes = Wishes()
        self._custody = Custody(client, self._ledger, work, self._suspicion, self._wishes, self._over)
        self._stopping = threading.Event()
        self._end_by = math.inf
        self._state: str | None = "the runner has not started"
        self._failure: str | None = None
        self._finished_since: float | None = None
        self._not_before = 0.0
        self._aborts_in_a_row = 0
        self._last_turn = 0.0
        self._next_measure = 0.0
        self._carried_at = self._clock.monotonic()

    def subscribe(self, topics: Collection[str]) -> None:
        """The whole subscription, seen within `idle_s`; a name that starts with ^ is a regular expression."""
        self._wishes.subscribe(topics)

    def pause(self, topics: Collection[str]) -> None:
        """Keeps these topics' partitions assigned and takes nothing from them, on later assignments too. What
        is in hand of them is dropped, and comes again from the committed offset after `resume`."""
        self._wishes.hold(topics)

    def resume(self, topics: Collection[str]) -> None:
        self._wishes.release(topics)

    def suspended(self) -> frozenset[Partition]:
        """Partitions assigned to this process that `pause` keeps still."""
        return frozenset(self._custody.suspended)

    def stop(self) -> None:
        """Commits what is in hand, within `drain_s`, and ends `run`: with FATAL where no cluster answers by
        then. Safe in a signal handler."""
        if not self._stopping.is_set():
            self._end_by = self._clock.monotonic() + self._options.drain_s
        self._stopping.set()

    def fail(self, detail: str) -> None:
        """Ends `run` with FATAL, after what is in hand: something the work needs is gone for good."""
        self._failure = detail
        self.stop()

    def check(self) -> str | None:
        """For readiness: None while it can do its job, otherwise what is wrong."""
        if self._state is not None:
            return self._state
        if self._clock.monotonic() - self._last_turn > self._options.stalled_s:
            return "the loop has stalled"
        trouble = self._client.trouble()
        if trouble is not None:
            return trouble
        if self._wishes.topics and not self._custody.joined:
            return "the group has not assigned partitions yet"
        for partition, why in self._client.stranded().items():
            return f"{partition.topic} [{partition.number}] is stranded: {why}"
        if self._aborts_in_a_row > 3:
            return f"{self._aborts_in_a_row} transactions in a row were aborted"
        return None

    def run(self) -> ExitCode:
        """Until `stop`, or until nothing but a new process can help."""
        try:
            self.start()
            while not self._stopping.is_set():
                self.turn()
            self.drain()
            if self._failure is not None:
                raise FatalError(self._failure)
            code = ExitCode.DRAINED
            self._state = "the runner has stopped"
        except FencedError as error:
            log.error("another process has taken this slot", detail=str(error))
            code, self._state = ExitCode.FENCED, f"fenced: {error}"
        except KafkaFailure as error:
            # Fatal, or timed out where nothing could be asked again.
            log.error("the runner cannot go on", detail=str(error))
            code, self._state = ExitCode.FATAL, f"fatal: {error}"
        self._client.close()
        return code

    def start(self) -> None:
        """Takes the slot over, and the process's garbage collector with it."""
        # Records in hand are containers by the ten thousand, none of them part of a cycle: the collector is
        # to begin past what is ever in hand, or it walks over them again and again, at its usual thresholds
        # for a third of the loop's time.
        gc.set_threshold(200_000, 20, 100)
        persist(lambda: self._client.open(self._custody), "taking the slot over", self._over)
        self._last_turn = self._clock.monotonic()
        self._state = None

    def turn(self) -> None:
        """One pass of the loop; waits `idle_s` at most."""
        self._last_turn = self._clock.monotonic()
        if self._custody.suspending() and self._last_turn >= self._not_before:
            # What waits is not polled, so its markers could not be passed later.
            self._commit(carrying=True)
        self._custody.obey()
        self._custody.balance()
        polled = self._client.poll(self._options.poll_records, self._patience())
        self._submit(polled)
        self._collect(idle=not polled)
        carrying = self._carriage_due()
        if carrying or self._due():
            self._commit(carrying=carrying)
        if self._last_turn >= self._next_measure:
            self._measure()

    def drain(self) -> None:
        """Takes no more and commits what is in hand, within the bound; what is left comes again."""
        end = self._clock.monotonic() + self._options.drain_s
        quiet: set[Partition] = set()
        while (self._ledger.finished or self._ledger.unfinished) and self._clock.monotonic() < end:
            if self._custody.owned - quiet:
                self._client.pause(self._custody.owned - quiet)
                quiet = set(self._custody.owned)
            # Still polled, for what the group says.
            self._submit(self._client.poll(1, 0.0))
            self._collect(idle=True)
            if self._ledger.finished and self._clock.monotonic() >= self._not_before:
                self._commit()
        if self._clock.monotonic() >= self._not_before:
            self._commit(carrying=True)

    def _over(self) -> bool:
        """Whether it was to have ended by now: what the cluster has not answered is left to a successor."""
        return self._clock.monotonic() >= self._end_by

    def _submit(self, polled: Sequence[Record]) -> None:
        records = self._ledger.submit(polled)
        if records:
            self._spans.submitted(records)
            self._work.submit(records, self._clock.wall_ms())
        for partition, offset in self._client.passed().items():
            self._ledger.passed(partition, offset)

    def _patience(self) -> float:
        if self._ledger.finished:
            return max(0.0, min(self._wait_to_commit(), self._options.idle_s))
        return 0.0 if self._ledger.unfinished else self._options.idle_s

    def _wait_to_commit(self) -> float:
        now = self._clock.monotonic()
        since = now if self._finished_since is None else self._finished_since
        return max(since + self._hold.seconds(), self._not_before) - now

    def _due(self) -> bool:
        if not self._ledger.finished:
            return False
        if self._clock.monotonic() < self._not_before:
            return False
        return (
            self._ledger.finished_bytes >= self._options.bounds.transaction_bytes // 2
            or self._wait_to_commit() <= 0
        )

    def _carriage_due(self) -> bool:
        """Whether it is time to commit that idle partitions were passed without a record: their committed
        offsets must not stay behind while retention takes the markers between."""
        now = self._clock.monotonic()
        if self._suspicion.alone or now < max(self._carried_at + self._options.carry_s, self._not_before):
            return False
        self._carried_at = now
        passed = Batch()
        self._ledger.carry(passed)
        return bool(passed.offsets)

    def _collect(self, *, idle: bool) -> None:
        finished = self._work.collect(self._clock.wall_ms())
        if not finished and idle and self._ledger.unfinished:
            self._clock.wait(self._work.filenos())
            finished = self._work.collect(self._clock.wall_ms())
        if finished:
            self._ledger.finish(self._screen(finished))
        if not self._ledger.finished:
            self._finished_since = None
        elif self._finished_since is None:
            self._finished_since = self._clock.monotonic()

    def _commit(self, *, carrying: bool = False) -> None:
        batch = self._ledger.take(self._suspicion.alone)
        if carrying:
            self._ledger.carry(batch)
        if not batch.offsets:
            return
        began = self._clock.monotonic()
        with self._spans.transaction(batch) as span:
            try:
                transact(self._client, batch, self._over)
            except AbortedError as error:
                span.failed(error)
                self._aborted(batch, error)
                return
        now = self._clock.monotonic()
        self._ledger.settle(batch)
        self._suspicion.committed(batch)
        self._hold.committed(batch.records, now)
        self._finished_since = now if self._ledger.finished else None
        self._aborts_in_a_row = 0
        self._measures.committed(batch, now - began)

    def _aborted(self, batch: Batch, error: AbortedError) -> None:
        """Whatever became of the batch: everything starts again from what the broker has committed."""
        persist(self._client.abort, "abort", self._over)
        cause = "record" if error.by_record else "cluster"
        log.warning("transaction aborted", cause=cause, detail=str(error), first_offsets=_places(batch))
        self._measures.aborts.labels(cause).inc()
        if error.by_record and not self._suspicion.aborted(batch, str(error)):
            raise FatalError(f"a dead letter was rejected: {error}")
        self._aborts_in_a_row += 1
        backoff = min(2.0, 0.02 * 2 ** min(self._aborts_in_a_row, 10))
        self._not_before = self._clock.monotonic() + (0.0 if error.by_record else backoff)
        self._finished_since = None
        self._custody.set_all_back()

    def _measure(self) -> None:
        self._next_measure = self._last_turn + 1.0
        settled = self._ledger.settled | self._custody.suspended
        ends = self._client.ends(settled.keys())
        lags = {p: max(0, ends[p] - offset) for p, offset in settled.items() if p in ends}
        self._measures.now(
            self._ledger.bytes, len(self._custody.suspended), len(self._client.stranded()), lags
        )


def _places(batch: Batch) -> dict[str, int]:
    return {f"{p.topic}[{p.number}]": offset for p, offset in batch.firsts.items()}
