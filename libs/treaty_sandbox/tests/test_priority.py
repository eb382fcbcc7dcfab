"""What dies or spins again and again has the time that others leave, and is forgiven after a minute."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from treaty_sandbox import Host, Ok, ReadingValues, Template, decoding_target

SOURCE = """
import os
from treaty import Reading
def decode(uplink):
    if uplink.payload == b"die":
        os._exit(1)
    return [Reading({"air_temperature": 20.0})]
"""


@pytest.fixture
def host(template: Template, package: Callable[..., Path]) -> Host[list[ReadingValues]]:
    return Host(template, decoding_target(package(decoder=SOURCE), "decoder:decode"), list[ReadingValues])


def answer(host: Host[list[ReadingValues]], payload: bytes, later: float = 0.0) -> bool:
    """Whether the payload is answered with readings; `later` shifts the clock."""
    host.submit([(payload, 1, "acme/one", "application/octet-stream", 0)], time.monotonic() + later)
    end = time.monotonic() + 20
    while True:
        assert time.monotonic() < end
        done = host.poll(time.monotonic() + later)
        if done is not None:
            return isinstance(done.replies[0], Ok)
        waits = [descriptor for descriptor, _, _ in host.waits()]
        select.select(waits, [], [], 0.02)


def niceness(host: Host[list[ReadingValues]]) -> int:
    assert host._child is not None
    return os.getpriority(os.PRIO_PROCESS, host._child.pid or -1)


def test_a_child_that_took_the_place_of_a_dead_one_yields_for_a_minute(
    host: Host[list[ReadingValues]],
) -> None:
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    assert answer(host, b"fine")
    assert niceness(host) == usual
    assert not answer(host, b"die")
    assert answer(host, b"fine")
    assert niceness(host) == 10
    assert answer(host, b"fine", later=30)
    assert niceness(host) == 10
    host.poll(time.monotonic() + 61)
    assert answer(host, b"fine", later=61)
    assert niceness(host) == usual
    host.close()


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
