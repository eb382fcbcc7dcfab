"""A supervisor of one child at a time: deadlines, replacement, the guilty message of a batch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from treaty_sandbox.bisection import Trials
from treaty_sandbox.child import Child, ChildEndedError, State
from treaty_sandbox.deadlines import Deadlines
from treaty_sandbox.limits import ALL_MECHANISMS, Limits, Mechanism, Policy
from treaty_sandbox.outcome import Applied, ChildRefusedError, Done, Failed, Ok
from treaty_sandbox.probation import Probation
from treaty_sandbox.target import Target
from treaty_sandbox.template import Template, TemplateError

__all__ = ["Host"]

T = TypeVar("T")

# On a busy machine the template, which tells, waits for a core like any other.
_EXIT_WAIT = 2.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 10.0


class Host(Generic[T]):
    """Runs batches of messages through a target, one batch at a time, without blocking and without threads.

    `value` is the type each reply's value must have; what has another becomes Failed("malformed_output").
    Times are seconds of one monotonic clock, passed in. Wait on `waits()` until `deadline()`, then `poll`.

    A child that ends, breaks the protocol or passes a deadline is replaced and its batch cut until the guilty
    message is found; every message of a batch gets its reply, so none is lost. A child that cannot start is
    tried again after a pause that doubles to ten seconds; `trouble` tells why meanwhile, the batch waits.
    For a minute after a child ended so, or after `yield_to_others`, children have a low priority, and more
    time for it, and start with a pause between: what spins or crashes again and again mostly gets the time
    others leave. With `rests` it gets little of that either: from the third such child on, what is asked of
    the next one waits until the last one's work in vain was a twentieth of the time.
    """

    def __init__(
        self,
        template: Template,
        target: Target,
        value: type[T],
        *,
        limits: Limits | None = None,
        policy: Policy = Policy.STRICT,
        mechanisms: Collection[Mechanism] = ALL_MECHANISMS,
        rests: bool = False,
    ) -> None:
        self.target = target
        self.limits = limits or Limits()
        self._template = template
        self._policy = policy
        self._mechanisms = mechanisms
        self._all = msgspec.msgpack.Decoder(list[Ok[value] | Failed])  # type: ignore[valid-type]
        self._each = msgspec.msgpack.Decoder(Ok[value] | Failed)  # type: ignore[valid-type]
        self._child: Child | None = None
        self._deadlines = Deadlines(self.limits)
        self._bury_at = 0.0
        self._ended: ChildEndedError | None = None
        self._start_at = 0.0
        self._pause = 0.0
        self._started_at = 0.0
        self._start_took = 0.0
        self._asked = False
        self._asked_at = 0.0
        self._probation = Probation(rests=rests)
        self._lowered = False
        self._batch = 0
        self._messages: Sequence[Any] = ()
        self._trials: Trials[Ok[T] | Failed] | None = None
        self.applied: Applied | None = None
        self.trouble: ChildRefusedError | None = None
        self.restarts = 0
        self.refusals = 0

    @property
    def free(self) -> bool:
        """Whether `submit` may be called."""
        return self._trials is None

    @property
    def ready(self) -> bool:
        """Whether a child is loaded and waiting, or at work."""
        return self._child is not None and self._child.state is not State.STARTING

    def resting(self, now: float) -> bool:
        """Whether the batch in hand waits until others had their time: no child is at it."""
        return not self.free and self._ended is None and now < self._probation.work_at

    def submit(self, messages: Sequence[Any], now: float) -> int:
        """Takes a batch of msgpack-able messages; returns its number."""
        if self._trials is not None:
            raise RuntimeError("one batch at a time")
        self._batch += 1
        self._messages = messages
        self._trials = Trials(len(messages))
        self._dispatch(now)
        return self._batch

    def waits(self) -> list[tuple[int, bool, bool]]:
        """(descriptor, wait for readable, wait for writable)."""
        found = []
        control = self._template.fileno()
        if control is not None:
            found.append((control, True, self._template.wants_write))
        if self._child is not None and self._ended is None:
            found.append((self._child.fileno(), True, self._child.wants_write))
        return found

    def deadline(self) -> float | None:
        """When to `poll` at the latest; None: only when a descriptor is ready."""
        if self._child is None:
            return self._start_at
        if self._ended is not None:
            return self._bury_at
        if self._child.state is State.READY:
            return None if self.free else self._probation.work_at
        return self._deadlines.next

    def poll(self, now: float) -> Done[T] | None:
        """Does what can be done now; the batch once it is done."""
        self._template.pump()
        if self._lowered and not self._probation.holds(now) and self.free and self.ready:
            self.close()  # Priority that was given up does not come back: a new child has it.
        if self._child is None:
            self._start(now)
        elif self._ended is None:
            self._serve(self._child, now)
        if self._child is not None and self._ended is not None:
            self._bury(self._child, self._ended, now)
        return self._finished()

    def yield_to_others(self, now: float) -> None:
        """Lets others go first for a minute from now, though no child has ended. Between batches."""
        self._probation.begin(now)
        if self.free and self._child is not None and not self._lowered:
            self.close()  # Only a new child has a lower priority from its first moment on.

    def close(self) -> None:
        """Kills the child; a batch in work is forgotten. The next `poll` starts anew."""
        if self._child is not None:
            self._child.close()
        self._child, self._ended, self._trials, self._asked = None, None, None, False
        self._start_at, self._pause, self.trouble = 0.0, 0.0, None

    def _start(self, now: float) -> None:
        if now < self._start_at:
            return
        yields = self._probation.holds(now)
        try:
            self._child = Child(
                self._template, self.target, self.limits, self._policy, self._mechanisms, yields=yields
            )
        except (TemplateError, OSError) as error:
            self._refuse(ChildRefusedError("process", "child_crashed", str(error)), now)
            return
        self._lowered = yields
        self._started_at = now
        self._deadlines.yields(yields)
        self._deadlines.starting(now)

    def _serve(self, child: Child, now: float) -> None:
        child.flush()
        was_starting = child.state is State.STARTING
        try:
            body = child.receive()
        except ChildRefusedError as refused:
            child.close()
            self._child = None
            self._refuse(refused, now)
            return
        except ChildEndedError as ended:
            self._end(ended, now)
            return
        if body is not None:
            self._answered(child, body, now)
        elif was_starting and child.state is State.READY:
            self.applied, self.trouble, self._pause = child.applied, None, 0.0
            self._start_took = now - self._started_at
            self._dispatch(now)
        elif child.state is State.READY:
            self._dispatch(now)
        elif self._deadlines.passed(child, now):
            self._end(ChildEndedError("deadline_exceeded", "took longer than it may"), now)

    def _end(self, ended: ChildEndedError, now: float) -> None:
        """The exit status is worth a short wait when the child ended by itself."""
        self._ended = ended
        self._bury_at = now + (_EXIT_WAIT if ended.kind == "child_crashed" else 0.0)

    def _bury(self, child: Child, ended: ChildEndedError, now: float) -> None:
        if not child.ended and now < self._bury_at:
            return
        position = child.progress - 1
        starting, fresh = child.state is State.STARTING, child.handled == 0
        # A batch too slow as a whole was work, if of another size than it should be.
        slow = ended.kind == "deadline_exceeded" and not self._deadlines.stuck
        in_vain = 0.0 if slow else min(child.worked(), now - self._asked_at)
        asked, self._asked = self._asked, False
        kind = "template_ended" if child.template_ended else ended.kind
        how = child.close()
        self._child, self._ended = None, None
        detail = f"{ended.detail}; {how}" if ended.kind == "child_crashed" else ended.detail
        if starting:
            self._refuse(ChildRefusedError("process", kind, detail), now)
            return
        self.restarts += 1
        self._start_at = now
        if kind != "template_ended":
            self._probation.ended(self._start_took, in_vain, now)
            self._start_at = self._probation.start_at
        if asked and self._trials is not None and not self._trials.done and kind != "template_ended":
            self._trials.failed(position if position >= 0 else None, fresh, Failed(ended.kind, detail))
        self._start(now)

    def _refuse(self, refused: ChildRefusedError, now: float) -> None:
        self.trouble = refused
        self.refusals += 1
        self._pause = min(max(self._pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
        self._start_at = now + self._pause

    def _dispatch(self, now: float) -> None:
        child, trials = self._child, self._trials
        if child is None or trials is None or trials.done or child.state is not State.READY:
            return
        if now < self._probation.work_at:
            return
        run = trials.current
        child.send(self._messages if len(run) == len(self._messages) else [self._messages[i] for i in run])
        self._asked, self._asked_at = True, now
        self._deadlines.batch(len(run), now)

    def _answered(self, child: Child, body: bytes, now: float) -> None:
        if self._trials is None:
            return
        count = len(self._trials.current)
        replies = self._read(body, count)
        if replies is None:
            # No answer after all: a child that was fresh is so still, and its one message convicted.
            child.handled -= 1
            self._end(ChildEndedError("malformed_output", f"expected {count} replies"), now)
            return
        self._asked = False
        self._trials.answered(replies)
        self._dispatch(now)

    def _read(self, body: bytes, count: int) -> list[Ok[T] | Failed] | None:
        """The replies if there are as many as messages; the one that has another shape fails alone."""
        try:
            replies: list[Ok[T] | Failed] = self._all.decode(body)
        except msgspec.DecodeError:
            try:
                parts = msgspec.msgpack.decode(body, type=list[msgspec.Raw])
            except msgspec.DecodeError:
                return None
            replies = [self._one(part) for part in parts]
        return replies if len(replies) == count else None

    def _one(self, part: msgspec.Raw) -> Ok[T] | Failed:
        try:
            reply: Ok[T] | Failed = self._each.decode(part)
        except msgspec.DecodeError as error:
            return Failed("malformed_output", str(error)[:500])
        return reply

    def _finished(self) -> Done[T] | None:
        if self._trials is None or not self._trials.done:
            return None
        done = Done(self._batch, self._trials.replies())
        self._trials, self._messages = None, ()
        return done
