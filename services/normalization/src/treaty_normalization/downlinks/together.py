"""One runner for uplinks and commands: two works under one, and what is read of a plugin read of both."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain
from typing import Protocol

from treaty_chassis.kafka.work import Assigned, Finished, History, Output, Partition, Record, Work
from treaty_events.topics import accepted_topic, command_topic
from treaty_normalization.downlinks.work import CommandWork

__all__ = ["Subscriptions", "Together", "WithCommands"]


class Together:
    """A Work of two: commands go to the one, everything else to the other."""

    def __init__(self, uplinks: Work, commands: CommandWork) -> None:
        self._uplinks = uplinks
        self._commands = commands
        self._both: tuple[Work, ...] = (uplinks, commands)

    def assigned(self, partitions: Sequence[Assigned], history: History) -> None:
        for work in self._both:
            mine = [a for a in partitions if self._of(a.partition.topic) is work]
            if mine:
                work.assigned(mine, history)

    def revoked(self, partitions: Sequence[Partition]) -> None:
        for work in self._both:
            mine = [p for p in partitions if self._of(p.topic) is work]
            if mine:
                work.revoked(mine)

    def submit(self, records: Sequence[Record], now_ms: int) -> None:
        commands = [r for r in records if self._commands.owns(r.topic)]
        if not commands:
            self._uplinks.submit(records, now_ms)
            return
        self._commands.submit(commands, now_ms)
        rest = [r for r in records if not self._commands.owns(r.topic)]
        if rest:
            self._uplinks.submit(rest, now_ms)

    def collect(self, now_ms: int) -> Sequence[Finished]:
        commands = self._commands.collect(now_ms)
        uplinks = self._uplinks.collect(now_ms)
        return [*commands, *uplinks] if commands else uplinks

    def reset(self) -> None:
        for work in self._both:
            work.reset()

    def filenos(self) -> Sequence[int]:
        return sorted(set(chain(self._uplinks.filenos(), self._commands.filenos())))

    def dead_letter(self, record: Record, reason: str, detail: str) -> Output:
        return self._of(record.topic).dead_letter(record, reason, detail)

    def _of(self, topic: str) -> Work:
        return self._commands if self._commands.owns(topic) else self._uplinks


class Subscriptions(Protocol):
    """What a runner is told of topics; treaty_chassis.kafka.runner.Runner is one."""

    def subscribe(self, topics: Collection[str]) -> None: ...
    def pause(self, topics: Collection[str]) -> None: ...
    def resume(self, topics: Collection[str]) -> None: ...


class WithCommands:
    """What is said of a plugin's accepted topic is said of its command topic too, where it has actions."""

    def __init__(self, runner: Subscriptions, commands: CommandWork) -> None:
        self._runner = runner
        self._commands = commands

    def subscribe(self, topics: Collection[str]) -> None:
        self._runner.subscribe(self._with(topics))

    def pause(self, topics: Collection[str]) -> None:
        self._runner.pause(self._with(topics))

    def resume(self, topics: Collection[str]) -> None:
        self._runner.resume(self._with(topics))

    def _with(self, topics: Collection[str]) -> set[str]:
        pairs = {topic: _commands_of(topic) for topic in topics}
        return set(topics) | {c for c in pairs.values() if self._commands.owns(c)}


def _commands_of(topic: str) -> str:
    before, _, after = accepted_topic("plugin").name.partition("plugin")
    return command_topic(topic.removeprefix(before).removesuffix(after)).name
