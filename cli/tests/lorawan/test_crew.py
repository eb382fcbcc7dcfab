"""A process that ends, hangs, fails or fills its memory costs the task it had, and no other."""

from __future__ import annotations

import os
import time

import pytest

from treaty_cli.lorawan.crew import Crew, Lost

pytestmark = pytest.mark.xdist_group("lorawan")
SECONDS = 10.0


def ready(offset: int) -> None:
    os.environ["OFFSET"] = str(offset)


def work(kind: str, number: int) -> int:
    if kind == "ends":
        os._exit(3)
    if kind == "hangs":
        time.sleep(100_000)
    if kind == "fails":
        raise ValueError("no such thing")
    return number + int(os.environ["OFFSET"])


def test_every_task_has_its_own_end():
    tasks = [("works", 1), ("ends", 2), ("works", 3), ("hangs", 4), ("fails", 5), ("works", 6)]
    with Crew(2, ready, (100,), SECONDS) as crew:
        found = dict(crew.run(work, tasks))
    assert {place: found[place] for place in (0, 2, 5)} == {0: 101, 2: 103, 5: 106}
    assert found[1] == Lost("the process that had it was ended")
    assert found[3] == Lost("it was not done within 10 s")
    assert found[4] == Lost("ValueError: no such thing")


def test_it_can_be_asked_again_and_leaves_no_process_behind():
    with Crew(2, ready, (0,), SECONDS) as crew:
        first = dict(crew.run(os.getpid, [(), ()]))
        again = dict(crew.run(os.getpid, [()]))
    assert set(again.values()) <= set(first.values())
    for process in {*first.values()}:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_whoever_stops_listening_ends_what_is_being_done():
    with Crew(1, ready, (0,), 1000) as crew:
        results = crew.run(work, [("works", 1), ("hangs", 2)])
        assert next(results) == (0, 1)
        began = time.monotonic()
    assert time.monotonic() - began < 60
