"""Beside others, what spins again and again gets a twentieth of a core; what is only slow is not held up.

The host's clock is the tests' own: a deadline is over when a test says so.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from treaty_sandbox import Done, Failed, Host, Limits, ReadingValues, Template, decoding_target
from treaty_sandbox.child import Child, State

SOURCE = """
import os, time
from treaty import Reading
def decode(uplink):
    while uplink.payload == b"spin":
        pass
    if uplink.payload == b"end":
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass
        os._exit(1)
    return [Reading({"air_temperature": 20.0})]
"""
MESSAGE_S, BATCH_S = 1.0, 60.0
LIMITS = Limits(message_deadline=1_000, batch_deadline=60_000)
WORKED_S = 0.02
Readings = list[ReadingValues]
Making = Callable[..., Host[Readings]]


@pytest.fixture
def host(
    template: Template, package: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Making]:
    """Whose children are held to have waited for no core, whatever this machine does."""
    monkeypatch.setattr(Child, "waited", lambda _: 0.0)
    made: list[Host[Readings]] = []

    def make(*payloads: bytes, rests: bool, limits: Limits = LIMITS) -> Host[Readings]:
        target = decoding_target(package(decoder=SOURCE), "decoder:decode")
        found = Host(template, target, Readings, limits=limits, rests=rests)
        found.submit([(payload, 1, "acme/one", "application/octet-stream", 0) for payload in payloads], 0.0)
        made.append(found)
        return found

    yield make
    for each in made:
        each.close()


def until(host: Host[Readings], holds: Callable[[], bool], at: float) -> Done[Readings] | None:
    """Polls at a moment that stands still; the batch, if it was done meanwhile."""
    end, done = time.monotonic() + 90, None
    while not holds():
        assert time.monotonic() < end
        done = host.poll(at) or done
        select.select([descriptor for descriptor, _, _ in host.waits()], [], [], 0.01)
    return done


def spins(host: Host[Readings]) -> bool:
    child = host._child
    return child is not None and child.state is State.BUSY and child.worked() > WORKED_S


def loaded(host: Host[Readings]) -> bool:
    return host._child is not None and host._child.state is not State.STARTING


def end_three(host: Host[Readings]) -> float:
    """The first guilty message is found and convicted, the second found; when that was."""
    now = 0.0
    for _ in range(3):
        until(host, lambda: spins(host), now)
        assert not host.resting(now)
        now += MESSAGE_S + 0.1
        host.poll(now)
    assert host.restarts == 3
    return now


def test_from_the_third_end_on_the_batch_waits_with_a_child_that_is_ready(host: Making) -> None:
    harmful = host(b"spin", b"fine", b"spin", b"fine", rests=True)
    now = end_three(harmful)
    until(harmful, lambda: loaded(harmful), now)
    due = harmful.deadline()
    assert due is not None
    assert due >= now + 19 * WORKED_S
    assert harmful.resting(now)
    assert harmful.ready, "that is no reason to call a worker unready"
    child = harmful._child
    assert child is not None
    harmful.poll(now + 0.9 * (due - now))
    assert child.state is State.READY, "nothing was asked of it"

    harmful.poll(due)
    assert not harmful.resting(due)
    assert child.state is State.BUSY


def test_nothing_is_lost_over_it(host: Making) -> None:
    harmful = host(b"spin", b"fine", b"spin", b"fine", rests=True)
    now = end_three(harmful)
    until(harmful, lambda: loaded(harmful), now)
    now = harmful.deadline() or now
    until(harmful, lambda: spins(harmful), now)
    now += MESSAGE_S
    harmful.poll(now)
    assert harmful.resting(now)
    until(harmful, lambda: loaded(harmful), now)
    done = until(harmful, lambda: harmful.free, harmful.deadline() or now)
    assert done is not None
    kinds = [reply.kind if isinstance(reply, Failed) else "ok" for reply in done.replies]
    assert kinds == ["deadline_exceeded", "ok", "deadline_exceeded", "ok"]


def test_a_child_that_ends_while_it_rests_convicts_nobody_and_ends_no_rest(host: Making) -> None:
    """What waits was never asked of it: its successor is."""
    harmful = host(b"spin", b"fine", b"spin", b"fine", rests=True)
    now = end_three(harmful)
    until(harmful, lambda: loaded(harmful), now)
    due = harmful.deadline()
    assert due is not None
    child = harmful._child
    assert child is not None
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    until(harmful, lambda: harmful.restarts == 4, now)
    until(harmful, lambda: loaded(harmful), now)
    assert harmful.resting(now)
    assert harmful.deadline() == due
    assert harmful._trials is not None
    assert harmful._trials.current == (2,), "as before: the second guilty one is still to be tried alone"


def test_who_has_the_machine_to_itself_goes_on_at_once(host: Making) -> None:
    harmful = host(b"spin", b"fine", b"spin", b"fine", rests=False)
    now = end_three(harmful)
    until(harmful, lambda: spins(harmful), now)
    assert not harmful.resting(now)


def test_a_batch_that_was_slow_as_a_whole_is_cut_and_does_not_rest(host: Making) -> None:
    """Each of its messages kept its time."""
    slow = host(b"spin", b"fine", rests=True, limits=Limits(message_deadline=90_000, batch_deadline=60_000))
    for _ in range(2):
        slow._probation.ended(0.0, 1.0, 0.0)
    until(slow, lambda: spins(slow), 0.0)
    slow.poll(BATCH_S + 0.1)
    assert slow.restarts == 1
    until(slow, lambda: spins(slow), BATCH_S + 0.1)
    assert not slow.resting(BATCH_S + 0.1)


def test_what_a_child_had_of_a_core_is_known_though_it_ended_by_itself(host: Making) -> None:
    dies = host(b"end", rests=True)
    until(dies, lambda: loaded(dies), 0.0)
    child = dies._child
    assert child is not None
    end = time.monotonic() + 90
    while not child.ended:
        assert time.monotonic() < end
        select.select([descriptor for descriptor, _, _ in dies.waits()], [], [], 0.01)
    assert child.worked() > WORKED_S
