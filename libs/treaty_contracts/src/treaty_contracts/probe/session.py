"""Run a package's calls in children: three evaluations of each in two orders, across restarts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from treaty_contracts.probe.channel import Channel, ChildDiedError

__all__ = ["Call", "Outcome", "Session"]

START_DEADLINE_MS = 5_000
MAX_RESTARTS = 3


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a promised callable. `label` names the input in findings."""

    step: tuple[tuple[str, Any], ...]
    arguments: tuple[Any, ...]
    label: str
    keywords: tuple[tuple[str, Any], ...] = ()

    def message(self) -> list[Any]:
        return ["call", dict(self.step), list(self.arguments), dict(self.keywords)]


@dataclass(slots=True)
class Outcome:
    """The replies to one call, in the order they came; `died` where a child did not survive it."""

    replies: list[Any] = field(default_factory=list)
    died: ChildDiedError | None = None


class Session:
    """One package under probe. A child that dies is replaced a few times, then the probe ends."""

    def __init__(
        self, start: Callable[[], Channel], sources: dict[str, str], modules: list[str], deadline_ms: int
    ) -> None:
        self.start = start
        self.sources = sources
        self.modules = modules
        self.deadline_ms = deadline_ms
        self.channel: Channel | None = None
        self.deaths = 0

    def open(self) -> dict[str, Any]:
        """Start a child and load the modules; raises ChildDiedError where loading kills or hangs it."""
        self.channel = self.start()
        reply = self.channel.ask(["load", self.sources, self.modules], START_DEADLINE_MS)
        return reply if isinstance(reply, dict) else {}

    def describe(self, wanted: dict[str, Any]) -> dict[str, Any]:
        assert self.channel is not None
        reply = self.channel.ask(["describe", wanted], START_DEADLINE_MS)
        return reply if isinstance(reply, dict) else {}

    def close(self) -> None:
        if self.channel is not None:
            self.channel.close()
            self.channel = None

    def _once(self, call: Call, outcome: Outcome) -> None:
        if outcome.died is not None or self.deaths > MAX_RESTARTS:
            return
        try:
            if self.channel is None:
                self.open()
            assert self.channel is not None
            outcome.replies.append(self.channel.ask(call.message(), self.deadline_ms))
        except ChildDiedError as death:
            outcome.died = death
            self.deaths += 1
            self.close()

    def evaluate(self, calls: list[Call]) -> list[Outcome]:
        """Each call once in order, then twice in a row in reverse order: state shows as a difference."""
        outcomes = [Outcome() for _ in calls]
        for call, outcome in zip(calls, outcomes, strict=True):
            self._once(call, outcome)
        for call, outcome in zip(reversed(calls), reversed(outcomes), strict=True):
            self._once(call, outcome)
            self._once(call, outcome)
        return outcomes
