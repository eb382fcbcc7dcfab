"""Where the broker has no transactions: nothing is lost, and what comes again is the same."""

from __future__ import annotations

import threading

import pytest

from treaty_chassis.kafka.delivery import Delivery, DeliverySettings

from .broker import PATIENCE_S, Spec, create, produce, read, unique, values, wait_for
from .conftest import Flow
from .copying import copying

AT_LEAST_ONCE = Delivery.AT_LEAST_ONCE


def test_killed_between_produce_and_commit_again_and_again_nothing_is_lost(flow: Flow) -> None:
    sent = 0

    def more(count: int) -> bool:
        nonlocal sent
        produce(flow.servers, flow.source, (b"%d" % n for n in range(sent, sent + count)))
        sent += count
        return True

    for attempt in range(6):
        more(50)
        process = flow.process(die_in=attempt % 3 + 1, delivery=AT_LEAST_ONCE)
        wait_for(lambda process=process: process.poll() is not None or not more(1), "the process's death")  # type: ignore[misc]
        assert process.returncode == -9
    last = flow.process(delivery=AT_LEAST_ONCE)
    more(1)  # Nobody else can copy it: all before may be there already, and this process not yet at work.
    expected = {b"%d" % n for n in range(sent)}
    wait_for(lambda: set(values(read(flow.servers, flow.out))) >= expected, "every record's copy")
    last.terminate()
    assert last.wait(PATIENCE_S) == 0
    found = values(read(flow.servers, flow.out))
    assert set(found) == expected
    assert len(found) > sent, "what was produced before each kill came again"


def test_a_second_process_takes_its_share_and_nothing_is_lost(flow: Flow) -> None:
    flow.runner(copying(flow.out, flow.dead), flow.client("0", AT_LEAST_ONCE))
    done = threading.Event()
    sent = 0

    def load() -> None:
        nonlocal sent
        while not done.wait(0.02):
            produce(flow.servers, flow.source, (b"%d" % n for n in range(sent, sent + 20)), lambda v: v[-1:])
            sent += 20

    loading = threading.Thread(target=load)
    loading.start()
    try:
        other = flow.runner(copying(flow.out, flow.dead), flow.client("1", AT_LEAST_ONCE))
        wait_for(lambda: other.check() is None, "the newcomer's assignment")
    finally:
        done.set()
        loading.join()
    expected = {b"%d" % n for n in range(sent)}
    wait_for(lambda: set(values(read(flow.servers, flow.out))) >= expected, "every copy")
    assert set(values(read(flow.servers, flow.out))) == expected


def test_what_the_broker_refuses_is_found_alone_and_let_past(flow: Flow) -> None:
    narrow = unique("narrow")
    create(flow.servers, Spec(narrow, 2, {"max.message.bytes": "1000"}))
    good = [b"%d" % n for n in range(20)]
    produce(flow.servers, flow.source, [*good[:10], b"x" * 5000, *good[10:]], lambda v: v[-1:])
    flow.runner(copying(narrow, flow.dead), flow.client("0", AT_LEAST_ONCE))
    wait_for(lambda: len(read(flow.servers, flow.dead)) == 1, "the dead letter")
    wait_for(lambda: set(values(read(flow.servers, narrow))) == set(good), "all the others")


def test_the_environment_chooses_and_a_wrong_word_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TREATY_DELIVERY", raising=False)
    assert DeliverySettings().delivery is Delivery.EXACTLY_ONCE  # type: ignore[call-arg]
    monkeypatch.setenv("TREATY_DELIVERY", "at_least_once")
    assert DeliverySettings().delivery is AT_LEAST_ONCE  # type: ignore[call-arg]
    monkeypatch.setenv("TREATY_DELIVERY", "twice")
    with pytest.raises(ValueError, match="TREATY_DELIVERY"):
        DeliverySettings()  # type: ignore[call-arg]
