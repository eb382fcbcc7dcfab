"""Run a package's calls in children: four evaluations of each, in three orders and two processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from treaty_contracts.probe.channel import Child, ChildDiedError, Children

__all__ = ["Call", "Outcome", "Session"]

LOAD_DEADLINE_MS = 1_000
GROUP = 64
PATIENCE = 4
MAX_DEATHS = 3


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a promised callable. `label` names the input in findings."""

    step: tuple[tuple[str, Any], ...]
    arguments: tuple[Any, ...]
    label: str
    keywords: tuple[tuple[str, Any], ...] = ()

    def message(self) -> list[Any]:
        return [
            "call",
            {key: list(v) if isinstance(v, tuple) else v for key, v in self.step},
            list(self.arguments),
            dict(self.keywords),
        ]


@dataclass(slots=True)
class Outcome:
    """The replies to one call, in the order they came; `died` where a child did not survive it."""

    replies: list[Any] = field(default_factory=list)
    died: ChildDiedError | None = None


def _exhausted(reply: Any) -> bool:
    """Whether the child ran out of memory or depth: the rest would only take long to say so too."""
    text = reply.get("message") if isinstance(reply, dict) else None
    names = reply.get("error") if isinstance(reply, dict) else None
    if isinstance(reply, dict) and reply.get("endless"):
        return True
    return isinstance(names, list) and ("MemoryError" in names or "out of memory" in str(text))


class Session:
    """One package under probe. A child that dies is replaced a few times, then the probe ends."""

    def __init__(self, children: Children, modules: list[str], deadline_ms: int) -> None:
        self.children = children
        self.modules = modules
        self.deadline_ms = deadline_ms
        self.child: Child | None = None
        self.number = 0
        self.deaths = 0

    def open(self, number: int) -> dict[str, Any]:
        """Start a child and load the modules; raises ChildDiedError where loading kills or hangs it.

        What passes its deadline gets a second chance with more time: a busy host is no plugin's fault.
        """
        try:
            return self._open(number, LOAD_DEADLINE_MS)
        except ChildDiedError as death:
            if death.reason != "deadline":
                raise
            return self._open(number, LOAD_DEADLINE_MS * 2)

    def _open(self, number: int, deadline_ms: int) -> dict[str, Any]:
        self.close()
        self.number = number
        self.child = self.children.start(number)
        reply = self.ask(["load", self.modules], deadline_ms)
        return reply if isinstance(reply, dict) else {}

    def ask(self, message: list[Any], deadline_ms: int) -> Any:
        if self.child is None:
            raise ChildDiedError("exit", "the child is gone")
        try:
            return self.child.ask(message, deadline_ms)
        except ChildDiedError:
            self.child = None
            raise

    def close(self) -> None:
        if self.child is not None:
            self.child.close()
            self.child = None

    def evaluate(self, calls: list[Call]) -> list[Outcome]:
        """Each call once in order, then, in another process, twice in a row in reverse order and once mixed.

        What a package keeps between calls, takes from a clock or owes to its process shows as a difference.
        """
        outcomes = [Outcome() for _ in calls]
        work = list(zip(calls, outcomes, strict=True))
        self._all(work)
        if calls and self.deaths <= MAX_DEATHS:
            try:
                self.open(self.number + 1)
            except ChildDiedError as death:
                outcomes[-1].died = outcomes[-1].died or death
        self._all([pair for pair in reversed(work) for _ in range(2)])
        mixed = Random(len(work))  # noqa: S311 - a fixed order, no secret
        self._all(mixed.sample(work, len(work)))
        return outcomes

    def _all(self, work: list[tuple[Call, Outcome]]) -> None:
        """Every call, a group a message; a group that kills its child is gone through one by one."""
        for start in range(0, len(work), GROUP):
            group = [(call, outcome) for call, outcome in work[start : start + GROUP] if outcome.died is None]
            if not self._together(group):
                for call, outcome in group:
                    self._alone(call, outcome)

    def _together(self, group: list[tuple[Call, Outcome]]) -> bool:
        if not group or self.deaths > MAX_DEATHS:
            return True
        try:
            if self.child is None:
                self.open(self.number)
            replies = self.ask(["calls", [call.message()[1:] for call, _ in group]], self.deadline_ms * 2)
        except ChildDiedError:
            return False
        if not isinstance(replies, list) or len(replies) != len(group):
            return False
        for (_, outcome), reply in zip(group, replies, strict=True):
            outcome.replies.append(reply)
        if any(_exhausted(reply) for reply in replies):
            self.deaths = MAX_DEATHS + 1
        return True

    def _alone(self, call: Call, outcome: Outcome) -> None:
        """One call; what passes its deadline gets a second chance with more time in a fresh child.

        What passes that too ends the probe: the rest would take as long.
        """
        if outcome.died is not None or self.deaths > MAX_DEATHS:
            return
        for patience in (1, PATIENCE):
            try:
                if self.child is None:
                    self.open(self.number)
                reply = self.ask(call.message(), self.deadline_ms * patience)
                outcome.replies.append(reply)
                if _exhausted(reply):
                    self.deaths = MAX_DEATHS + 1
            except ChildDiedError as death:
                if death.reason == "deadline" and patience == 1:
                    continue
                outcome.died = death
                self.deaths += MAX_DEATHS + 1 if death.reason == "deadline" else 1
            return
