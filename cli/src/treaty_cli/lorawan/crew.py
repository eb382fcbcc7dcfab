"""Processes that do one task at a time. One that ends or takes too long costs its own task and no other."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Final

__all__ = ["Crew", "Lost"]

_PREPARED: Final = "prepared"
_CONTEXT: Final = multiprocessing.get_context("spawn")
_STARTING_S: Final = 120.0
_LEAVING_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Lost:
    """There is no result, and why."""

    why: str


@dataclass(slots=True)
class _Member:
    process: BaseProcess
    connection: Connection
    prepared: bool = False
    task: int = -1
    end: float = 0.0

    def dismiss(self) -> None:
        """At once: what it was doing is of no use any more."""
        self.process.kill()
        self.process.join()
        self.process.close()
        self.connection.close()


class Crew:
    """`prepare(*given)` runs first in each of `size` processes. A task may take `seconds` from then on."""

    def __init__(self, size: int, prepare: Callable[..., None], given: tuple[Any, ...], seconds: float):
        self._prepare = prepare
        self._given = given
        self._seconds = seconds
        self._size = size
        self._members: list[_Member] = []

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Who has nothing to do may leave by itself; everybody else is ended."""
        for member in self._members:
            if member.task < 0:
                member.connection.close()
                member.process.join(_LEAVING_S)
            member.dismiss()
        self._members.clear()

    def run(
        self, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[int, Any]]:
        """Each task's place and what `function` returns for it, as they come; or Lost. No order is kept."""
        waiting = deque(range(len(tasks)))
        while waiting or any(member.task >= 0 for member in self._members):
            while waiting and (member := self._idle()) is not None:
                member.task = waiting.popleft()
                member.end = time.monotonic() + (self._seconds if member.prepared else _STARTING_S)
                try:
                    member.connection.send((function, tasks[member.task]))
                except OSError:
                    # It ended before it was asked: that is what its connection will say too.
                    continue
            yield from self._finished()

    def _idle(self) -> _Member | None:
        for member in self._members:
            if member.task < 0:
                return member
        if len(self._members) == self._size:
            return None
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=_serve, args=(theirs, self._prepare, self._given), daemon=False)
        process.start()
        theirs.close()
        member = _Member(process, ours)
        self._members.append(member)
        return member

    def _finished(self) -> Iterator[tuple[int, Any]]:
        busy = {member.connection: member for member in self._members if member.task >= 0}
        first = min(member.end for member in busy.values())
        told = wait(list(busy), max(0.0, first - time.monotonic()))
        for connection, member in busy.items():
            task = member.task
            if connection in told:
                try:
                    found = member.connection.recv()
                except (EOFError, OSError):
                    found = self._lose(member, "the process that had it was ended")
                if found == _PREPARED:
                    member.prepared, member.end = True, time.monotonic() + self._seconds
                    continue
                member.task = -1
                yield task, found
            elif time.monotonic() >= member.end:
                yield task, self._lose(member, f"it was not done within {self._seconds:g} s")

    def _lose(self, member: _Member, why: str) -> Lost:
        self._members.remove(member)
        member.dismiss()
        return Lost(why)


def _serve(connection: Connection, prepare: Callable[..., None], given: tuple[Any, ...]) -> None:
    # An interrupt at the terminal reaches every process: the one that asked ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prepare(*given)
    connection.send(_PREPARED)
    while True:
        try:
            function, task = connection.recv()
        except EOFError:
            return
        try:
            found = function(*task)
        except Exception as error:
            # Told where the task's result would be: a stranger's file found what nobody had thought of.
            found = Lost(f"{type(error).__name__}: {error}"[:300])
        connection.send(found)
