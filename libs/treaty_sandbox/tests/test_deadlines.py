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

    def worked(self) -> float:
        return 0.0


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


@dataclass
class Kernel:
    """What is told of a process, and the clock."""

    now: float = 10.0
    ran_ms: int = 5
    stood_ms: int = 7
    state: str = "R"

    def passes(self, ms: int, *, ran: int, stood: int, state: str = "R") -> None:
        self.now += ms / 1000
        self.ran_ms += ran
        self.stood_ms += stood
        self.state = state

    def path(self, path: str) -> Text:
        if path.endswith("schedstat"):
            return Text(f"{self.ran_ms * 1_000_000} {self.stood_ms * 1_000_000} 3")
        return Text(f"1 (a b) {self.state} 1")


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    found = Kernel()
    monkeypatch.setattr(child_module, "Path", found.path)
    monkeypatch.setattr(child_module, "time", SimpleNamespace(monotonic=lambda: found.now))
    return found


@pytest.fixture
def child(kernel: Kernel) -> Child:
    found = Child.__new__(Child)
    found._template, found._number = cast(Template, Nobody()), 1
    found._waited = found._ran = found._asked_at = found._ahead = found._ran_to_start = 0.0
    kernel.state = "S"
    found.waited()
    return found


@pytest.mark.parametrize(
    ("state", "ran_ms", "stood_ms", "waited"),
    [
        ("R", 0, 0, 0.05),
        ("R", 100, 0, 0.0),
        ("S", 0, 0, 0.0),
        ("R", 10, 90, 0.09),
        ("S", 10, 90, 0.09),
        ("R", 30, 70, 0.07),
        ("R", 30, 50, 0.07),
    ],
    ids=[
        "ready and not run",
        "spins",
        "sleeps",
        "ready again",
        "asleep again",
        "has a third of a core",
        "has it, and waits now",
    ],
)
def test_a_wait_that_lasts_still_counts_though_the_kernel_counts_it_at_its_end(
    kernel: Kernel, child: Child, state: str, ran_ms: int, stood_ms: int, waited: float
) -> None:
    kernel.passes(100, ran=ran_ms, stood=stood_ms, state=state)
    assert child.waited() == pytest.approx(waited)


def test_a_wait_told_while_it_lasted_is_not_told_again_at_its_end(kernel: Kernel, child: Child) -> None:
    told = 0.0
    for _ in range(4):
        kernel.passes(50, ran=0, stood=0)
        told += child.waited()
    kernel.passes(50, ran=20, stood=230)
    told += child.waited()
    assert told == pytest.approx(0.23)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 1.0])
def test_who_spins_has_a_deadline_of_a_core_s_time_whatever_share_of_it_it_gets(
    kernel: Kernel, child: Child, share: float
) -> None:
    deadlines = Deadlines(LIMITS)
    deadlines.yields(True)
    child.state, child._progress = State.BUSY, (1).to_bytes(8, "little")  # type: ignore[assignment]
    begun, ran = kernel.now, kernel.ran_ms
    deadlines.batch(1, begun)
    over = False
    while not over:
        step = max(1, round((deadlines.next - kernel.now) * 1000))
        worked = round(step * share)
        kernel.passes(step, ran=worked, stood=step - worked)
        over = deadlines.passed(child, kernel.now)
    assert 0.24 <= (kernel.ran_ms - ran) / 1000 <= 0.27


def test_who_is_looked_at_late_again_and_again_has_twice_that_at_most(kernel: Kernel, child: Child) -> None:
    deadlines = Deadlines(LIMITS)
    deadlines.yields(True)
    child.state, child._progress = State.BUSY, (1).to_bytes(8, "little")  # type: ignore[assignment]
    begun, ran = kernel.now, kernel.ran_ms
    deadlines.batch(1, begun)
    over = False
    while not over:
        step = max(1, round((deadlines.next - kernel.now) * 1000)) + 60
        worked = round(step * 0.3)
        kernel.passes(step, ran=worked, stood=step - worked)
        over = deadlines.passed(child, kernel.now)
    assert 0.25 <= (kernel.ran_ms - ran) / 1000 <= 0.6
    assert kernel.now - begun < 10 * 0.25


@dataclass
class Text:
    content: str

    def read_text(self) -> str:
        return self.content


class Nobody:
    def pid(self, number: int) -> int:
        return number

    def used(self, _number: int) -> None:
        return None
