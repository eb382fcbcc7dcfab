"""What dies, spins or breaks its promises again and again has the time that others leave, and is forgiven
after a minute."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from treaty_sandbox import (
    ALL_MECHANISMS,
    Host,
    Limits,
    Mechanism,
    Ok,
    Policy,
    ReadingValues,
    Template,
    decoding_target,
)

LOWERED = max(10, os.getpriority(os.PRIO_PROCESS, 0))
"""These tests may themselves have been told to let others go first."""
PATIENT = Limits(message_deadline=5_000)
"""Who yields waits long for a core on a busy machine."""
SOURCE = """
import os
from treaty import Reading
def decode(uplink):
    if uplink.payload == b"die":
        os._exit(1)
    return [Reading({"air_temperature": 20.0})]
"""


@pytest.fixture
def host(template: Template, package: Callable[..., Path]) -> Iterator[Host[list[ReadingValues]]]:
    target = decoding_target(package(decoder=SOURCE), "decoder:decode")
    found = Host(template, target, list[ReadingValues], limits=PATIENT)
    yield found
    found.close()


def answer(host: Host[list[ReadingValues]], payload: bytes, later: float = 0.0) -> bool:
    """Whether the payload is answered with readings; `later` shifts the clock."""
    host.submit([(payload, 1, "acme/one", "application/octet-stream", 0)], time.monotonic() + later)
    end = time.monotonic() + 90
    while True:
        assert time.monotonic() < end
        done = host.poll(time.monotonic() + later)
        if done is not None:
            return isinstance(done.replies[0], Ok)
        waits = [descriptor for descriptor, _, _ in host.waits()]
        select.select(waits, [], [], 0.02)


def pid(host: Host[list[ReadingValues]]) -> int:
    assert host._child is not None
    assert host._child.pid is not None
    return host._child.pid


def niceness(host: Host[list[ReadingValues]]) -> int:
    return os.getpriority(os.PRIO_PROCESS, pid(host))


def of_group(process: int) -> int:
    """The niceness of the scheduler's group that the process's session is ("/autogroup-7 nice 10")."""
    return int(Path(f"/proc/{process}/autogroup").read_text().split()[-1])


def grouped() -> bool:
    """Whether this kernel groups by session and lets a session lower itself."""
    program = (
        "import os; from treaty_sandbox.confinement.process import yield_to_others; os.setsid();"
        "yield_to_others(own_session=True); print(open('/proc/self/autogroup').read())"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    return told.stdout.split()[-1:] == ["10"]


def test_a_child_that_took_the_place_of_a_dead_one_yields_for_a_minute(
    host: Host[list[ReadingValues]],
) -> None:
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    assert answer(host, b"fine")
    assert niceness(host) == usual
    assert not answer(host, b"die")
    assert answer(host, b"fine")
    assert niceness(host) == LOWERED
    assert answer(host, b"fine", later=30)
    assert niceness(host) == LOWERED
    host.poll(time.monotonic() + 61)
    assert answer(host, b"fine", later=61)
    assert niceness(host) == usual


def test_where_sessions_are_groups_of_the_scheduler_it_is_the_group_that_yields(
    host: Host[list[ReadingValues]],
) -> None:
    assert answer(host, b"fine")
    usual = of_group(pid(host)) if grouped() else None
    assert not answer(host, b"die")
    assert answer(host, b"fine")
    assert niceness(host) == LOWERED
    if usual is not None:
        assert usual != 10
        assert of_group(pid(host)) == 10


def test_a_child_in_its_template_s_session_lowers_no_group(
    template: Template, package: Callable[..., Path]
) -> None:
    target = decoding_target(package(decoder=SOURCE), "decoder:decode")
    without = ALL_MECHANISMS - {Mechanism.SESSION}
    best = Policy.BEST_EFFORT
    host = Host(template, target, list[ReadingValues], limits=PATIENT, policy=best, mechanisms=without)
    assert not answer(host, b"die")
    assert answer(host, b"fine")
    assert niceness(host) == LOWERED
    assert os.getsid(pid(host)) != pid(host)
    if grouped():
        assert of_group(pid(host)) != 10
    host.close()


def test_who_is_told_to_yields_from_the_next_child_s_start(host: Host[list[ReadingValues]]) -> None:
    assert answer(host, b"fine")
    before = pid(host)
    host.yield_to_others(time.monotonic())
    assert answer(host, b"fine")
    assert (pid(host) != before, niceness(host), host.restarts) == (True, LOWERED, 0)
    lowered = pid(host)
    host.yield_to_others(time.monotonic())
    assert answer(host, b"fine")
    assert pid(host) == lowered, "it does already"


def test_the_successor_of_a_child_that_ended_on_probation_starts_after_a_pause(
    host: Host[list[ReadingValues]],
) -> None:
    assert not answer(host, b"die")
    assert not answer(host, b"die")
    assert host._child is None, "another would have been asked for at once"
    due = host.deadline()
    assert due is not None
    assert due - time.monotonic() <= 0.25
    assert answer(host, b"fine")
