"""Asks a child one thing at a time, waiting for each answer: for checks, not for the data path."""

from __future__ import annotations

import select
import time
from collections.abc import Collection
from typing import Any

import msgspec

from treaty_sandbox.child import Child, ChildEndedError, State
from treaty_sandbox.deadlines import Deadlines
from treaty_sandbox.limits import ALL_MECHANISMS, Limits, Mechanism, Policy
from treaty_sandbox.outcome import Applied, Failed, Ok
from treaty_sandbox.target import Target
from treaty_sandbox.template import Template

__all__ = ["Session"]

# On a busy machine the template, which tells, waits for a core like any other.
_EXIT_WAIT = 5.0
_replies = msgspec.msgpack.Decoder(tuple[Ok[Any] | Failed])


class Session:
    """One child, asked until it dies or is closed. Every way it can die is a ChildEndedError.

    What it answers is what the untrusted side says: judge it here, against what the child was never told.
    """

    def __init__(
        self,
        template: Template,
        target: Target,
        *,
        limits: Limits | None = None,
        policy: Policy = Policy.STRICT,
        mechanisms: Collection[Mechanism] = ALL_MECHANISMS,
    ) -> None:
        """Waits until the child is confined and the runner's function has returned.

        Raises ChildRefusedError where a mechanism is missing or that function raises, ChildEndedError
        where the child dies or hangs, TemplateError.
        """
        bounds = limits or Limits()
        self._template = template
        self._deadlines = Deadlines(bounds)
        self._child = Child(template, target, bounds, policy, mechanisms)
        try:
            self._wait(State.READY, bounds.start_deadline)
        except BaseException:
            self.close()
            raise

    @property
    def applied(self) -> Applied | None:
        """What confines the child."""
        return self._child.applied

    def ask(self, message: Any, deadline: int) -> Any:
        """The value the handler returned for the message, within `deadline` milliseconds.

        Raises ChildEndedError: deadline_exceeded, child_crashed (the detail tells the signal or status),
        output_too_large, malformed_output. The session is of no more use after it.
        """
        self._child.send([message])
        body = self._wait(State.BUSY, deadline)
        try:
            [reply] = _replies.decode(body or b"")
        except msgspec.DecodeError as error:
            self.close()
            raise ChildEndedError("malformed_output", str(error)[:500]) from error
        if isinstance(reply, Failed):
            raise ChildEndedError(reply.kind, reply.detail)
        return reply.value

    def close(self) -> None:
        """Kills the child."""
        self._child.close()

    def _wait(self, wanted: State, milliseconds: int) -> bytes | None:
        """Until the child is READY, or, when it is BUSY, has answered."""
        self._deadlines.within(milliseconds / 1000, time.monotonic())
        while True:
            # The time before the look: an answer that comes while this process stands still is in time.
            now = time.monotonic()
            self._child.flush()
            try:
                body = self._child.receive()
            except ChildEndedError as ended:
                raise self._died(ended) from ended
            if body is not None or (wanted is State.READY and self._child.state is State.READY):
                return body
            if self._deadlines.passed(self._child, now):
                self.close()
                raise ChildEndedError("deadline_exceeded", f"no answer within {milliseconds} ms")
            poll = select.poll()
            poll.register(self._child, select.POLLIN | (select.POLLOUT * self._child.wants_write))
            control = self._template.fileno()
            if control is not None:
                poll.register(control, select.POLLIN | (select.POLLOUT * self._template.wants_write))
            poll.poll(max(0.0, self._deadlines.next - now) * 1000)
            self._template.pump()

    def _died(self, ended: ChildEndedError) -> ChildEndedError:
        """With the exit status, which the template tells a moment later."""
        deadline = time.monotonic() + _EXIT_WAIT
        control = self._template.fileno()
        while not self._child.ended and control is not None and time.monotonic() < deadline:
            select.select([control], [], [], max(0.0, deadline - time.monotonic()))
        how = self._child.close()
        return ChildEndedError(ended.kind, f"{ended.detail}; {how}")
