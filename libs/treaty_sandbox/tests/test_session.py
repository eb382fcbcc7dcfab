"""One thing asked at a time, of a runner of one's own."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from treaty_sandbox import ChildEndedError, ChildRefusedError, Limits, Session, Target, Template

SOURCE = b"""
import os, time
seen = []
def answer(message):
    seen.append(message)
    if message == "die": os._exit(9)
    if message == "sleep": time.sleep(60)
    if message == "flood": return "x" * 3_000_000
    if message == "raise": 1 / 0
    return {"seen": seen}
"""


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Of a template of its own, whose import path has this folder and with it the runner."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    template = Template()
    target = Target("asking:asker", {"it.py": SOURCE}, {"entry": "it:answer"})
    yield Session(template, target, limits=Limits(batch_reply=1_000_000))
    template.close()


def test_a_child_keeps_its_state_between_questions(session: Session) -> None:
    session.ask(1, 60_000)
    assert session.ask([2, b"x"], 60_000) == {"seen": [1, [2, b"x"]]}
    assert session.applied is not None
    assert session.applied.missing == {}


@pytest.mark.parametrize(
    ("question", "deadline", "kind", "detail"),
    [
        ("die", 60_000, "child_crashed", "exited with 9"),
        ("sleep", 200, "deadline_exceeded", "within 200 ms"),
        ("flood", 60_000, "output_too_large", "at most 262144 are taken"),
        ("raise", 60_000, "child_crashed", "exited with 70"),
    ],
)
def test_every_way_to_die_is_told(
    session: Session, question: str, deadline: int, kind: str, detail: str
) -> None:
    with pytest.raises(ChildEndedError) as ended:
        session.ask(question, deadline)
    assert ended.value.kind == kind
    assert detail in ended.value.detail


def test_an_answer_that_came_in_time_counts_though_this_process_stood_still(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive, over = session._child.receive, time.monotonic() + 0.5

    def held_up() -> bytes | None:
        """Looks, and is without a core until the answer is there and its time is over."""
        found = receive()
        if found is None:
            select.select([session._child], [], [], 60)
            time.sleep(max(0.0, over - time.monotonic()))
        return found

    monkeypatch.setattr(session._child, "receive", held_up)
    monkeypatch.setattr(session._child, "waited", lambda: 0.0)
    assert session.ask(1, 200) == {"seen": [1]}


def test_a_runner_that_raises_is_refused(template: Template) -> None:
    target = Target("treaty_sandbox.inside.decoding:decoder", {}, {"entry": "missing:decode"})
    with pytest.raises(ChildRefusedError, match="load: ModuleNotFoundError"):
        Session(template, target)
