"""Deadlines hold for what a child does with its time, and not for the time it is kept waiting for a core."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from treaty_sandbox import Limits, Template
from treaty_sandbox import child as child_module
from treaty_sandbox.child import Child, State
from treaty_sandbox.deadlines import Deadlines

LIMITS = Limits(start_deadline=5_000, message_deadline=250, batch_deadline=2_000)


@dataclass
class Told:
    """What a deadline asks of a child."""

    progress: int = 0
    state: State = State.BUSY
    waits: list[float] = field(default_factory=list)

    def waited(self) -> float:
        return self.waits.pop(0) if self.waits else 0.0


def passed(deadlines: Deadlines, child: Told, now: float) -> bool:
    return deadlines.passed(cast(Child, child), now)


def test_a_message_has_its_own_time_and_a_batch_all_together() -> None:
    deadlines, child = Deadlines(LIMITS), Told()
    deadlines.batch(100, 0.0)
    for position in range(1, 9):
        child.progress = position
        assert not passed(deadlines, child, position * 0.24)
    assert not passed(deadlines, child, 1.99)
    child.progress = 9
    assert passed(deadlines, child, 2.0)


def test_a_message_that_does_not_move_on_is_over_before_its_batch_is() -> None:
    deadlines, child = Deadlines(LIMITS), Told()
    deadlines.batch(100, 0.0)
    child.progress = 1
    assert not passed(deadlines, child, 0.1)
    assert deadlines.next == 0.35
    assert passed(deadlines, child, 0.35)


def test_a_single_message_has_a_messages_time() -> None:
    deadlines, child = Deadlines(LIMITS), Told()
    deadlines.batch(1, 0.0)
    child.progress = 1
    assert not passed(deadlines, child, 0.24)
    assert passed(deadlines, child, 0.25)


def test_it_tells_a_message_that_is_stuck_from_a_batch_that_is_slow() -> None:
    deadlines, child = Deadlines(LIMITS), Told()
    deadlines.batch(100, 0.0)
    for position in range(1, 9):
        child.progress = position
        assert not passed(deadlines, child, position * 0.24)
    child.progress = 9
    assert passed(deadlines, child, 2.0)
    assert not deadlines.stuck
    for messages in (100, 1):
        deadlines.batch(messages, 10.0)
        child.progress = 1
        assert not passed(deadlines, child, 10.1)
        assert passed(deadlines, child, 10.4)
        assert deadlines.stuck


def test_waiting_for_a_core_is_given_back_once() -> None:
    deadlines, child = Deadlines(LIMITS), Told(waits=[0.2])
    deadlines.batch(1, 0.0)
    assert not passed(deadlines, child, 0.25)
    assert not passed(deadlines, child, 0.449)
    assert passed(deadlines, child, 0.451)


def test_what_is_given_back_is_bounded() -> None:
    deadlines, child = Deadlines(LIMITS), Told(waits=[100.0] * 1000)
    deadlines.batch(1, 0.0)
    now = 0.0
    while not passed(deadlines, child, now):
        now = deadlines.next
    assert now == 5 * 0.25


def test_a_start_has_a_time_of_its_own() -> None:
    deadlines, child = Deadlines(LIMITS), Told(state=State.STARTING)
    deadlines.starting(10.0)
    assert not passed(deadlines, child, 14.9)
    assert passed(deadlines, child, 15.0)


@pytest.mark.parametrize(
    ("state", "ran_ms", "stood_ms", "waited"),
    [("R", 0, 0, 0.05), ("R", 100, 0, 0.0), ("S", 0, 0, 0.0), ("R", 10, 90, 0.09), ("S", 10, 90, 0.09)],
    ids=["ready and not run", "spins", "sleeps", "ready again", "asleep again"],
)
def test_a_wait_that_lasts_still_counts_though_the_kernel_counts_it_at_its_end(
    monkeypatch: pytest.MonkeyPatch, state: str, ran_ms: int, stood_ms: int, waited: float
) -> None:
    told = {"schedstat": "5000000 7000000 3", "stat": "1 (a b) R 1"}
    clock = [10.0]
    monkeypatch.setattr(child_module, "Path", lambda path: Text(told[path.rpartition("/")[2]]))
    monkeypatch.setattr(child_module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    child = Child.__new__(Child)
    child._template, child._number = cast(Template, Nobody()), 1
    child._waited = child._ran = child._asked_at = 0.0
    child.waited()
    clock[0] += 0.1
    told["schedstat"] = f"{5_000_000 + ran_ms * 1_000_000} {7_000_000 + stood_ms * 1_000_000} 4"
    told["stat"] = f"1 (a b) {state} 1"
    assert child.waited() == pytest.approx(waited)


@dataclass
class Text:
    content: str

    def read_text(self) -> str:
        return self.content


class Nobody:
    def pid(self, number: int) -> int:
        return number
