"""Runs messages through a target once, waiting for the end: for checks, not for the data path."""

from __future__ import annotations

import select
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from treaty_sandbox.host import Host
from treaty_sandbox.limits import ALL_MECHANISMS, Limits, Mechanism, Policy
from treaty_sandbox.outcome import Applied, Failed, Ok
from treaty_sandbox.target import Target
from treaty_sandbox.template import Template

__all__ = ["Run", "run"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Run(Generic[T]):
    """A reply a message, in order, what confined the child, and how many children had to be replaced."""

    replies: list[Ok[T] | Failed]
    applied: Applied
    restarts: int


def run(
    template: Template,
    target: Target,
    messages: Sequence[Any],
    value: type[T],
    *,
    limits: Limits | None = None,
    policy: Policy = Policy.STRICT,
    mechanisms: Collection[Mechanism] = ALL_MECHANISMS,
) -> Run[T]:
    """Blocks for as long as the deadlines allow. Raises ChildRefusedError where the child does not start.

    Without messages it ends once the package has loaded. The replies are what the child says: judge them
    here, against what the child was never told.
    """
    host: Host[T] = Host(template, target, value, limits=limits, policy=policy, mechanisms=mechanisms)
    try:
        now = time.monotonic()
        host.submit(messages, now)
        done = host.poll(now)
        while done is None or host.applied is None:
            poll = select.poll()
            for descriptor, readable, writable in host.waits():
                poll.register(descriptor, select.POLLIN * readable | select.POLLOUT * writable)
            deadline = host.deadline()
            wait = None if deadline is None else max(0.0, (deadline - time.monotonic()) * 1000)
            poll.poll(wait)
            done = host.poll(time.monotonic()) or done
            if host.trouble is not None and (host.trouble.kind != "template_ended" or host.refusals > 3):
                raise host.trouble
        return Run(done.replies, host.applied, host.restarts)
    finally:
        host.close()
