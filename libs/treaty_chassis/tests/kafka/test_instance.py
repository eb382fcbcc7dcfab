"""One producer for as long as it does what it is asked, on the cluster that librdkafka has inside."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from treaty_chassis.kafka import instance
from treaty_chassis.kafka.caller import HangError
from treaty_chassis.kafka.instance import Instance
from treaty_chassis.kafka.work import Output

AWAY: Mapping[str, Any] = {"bootstrap.servers": "127.0.0.1:1", "transactional.id": "t", "log_level": 0}


def slow_cluster(rtt_ms: int) -> dict[str, Any]:
    """Of three brokers, each of which takes so long for an answer."""
    return {
        "test.mock.num.brokers": 3,
        "test.mock.broker.rtt": rtt_ms,
        "transactional.id": "t",
        "linger.ms": 0,
        "log_level": 0,
    }


def test_a_call_that_takes_long_is_no_hang_for_an_absence_before_the_transactional_id_was_taken() -> None:
    """One broker of several may be away while the coordinator moves to another."""
    found = Instance(slow_cluster(400), lambda error: None)
    found._on_error(KafkaError(KafkaError._TRANSPORT))
    found.open(60)
    found.begin()
    found.produce([Output("out", None, b"1", partition=0)])
    found.commit(60)
    assert found.rejected is None
    found.leave()


class Stuck(Producer):
    """Commits of the second transaction do not return before they may."""

    begun = 0
    release = threading.Event()

    def begin_transaction(self, *arguments: float) -> None:
        Stuck.begun += 1
        super().begin_transaction(*arguments)

    def commit_transaction(self, *arguments: float) -> None:
        if Stuck.begun == 2:
            assert Stuck.release.wait(600)
        super().commit_transaction(*arguments)


def transact(found: Instance) -> None:
    found.begin()
    found.produce([Output("out", None, b"1", partition=0)])
    found.commit(60)


def test_an_absence_in_the_middle_of_a_transaction_is_remembered_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A commit that waits for a broker goes through when that is back, and the call after it hangs."""
    monkeypatch.setattr(instance, "Producer", Stuck)
    monkeypatch.setattr(instance, "_HANG_S", 600.0)
    monkeypatch.setattr(Stuck, "begun", 0)
    monkeypatch.setattr(Stuck, "release", threading.Event())
    found = Instance(slow_cluster(0), lambda error: None)
    found.open(60)
    found.begin()
    found.produce([Output("out", None, b"1", partition=0)])
    monkeypatch.setattr(instance, "_GRACE_S", 600.0)  # However slow: this one does return.
    found._on_error(KafkaError(KafkaError._TRANSPORT))
    found.commit(60)
    monkeypatch.setattr(instance, "_GRACE_S", 0.0)
    with pytest.raises(HangError, match="though the broker is back"):
        transact(found)
    Stuck.release.set()
    found.leave()


def test_an_absence_is_forgotten_once_a_transaction_has_begun_and_ended_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(instance, "_GRACE_S", 600.0)
    found = Instance(slow_cluster(0), lambda error: None)
    found.open(60)
    found._on_error(KafkaError(KafkaError._TRANSPORT))
    transact(found)
    assert found._away_at is None
    found.leave()


def test_what_is_left_is_freed_in_its_own_thread_though_it_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    freed_by: list[str] = []
    freed = threading.Event()

    class Noted(Producer):
        def __del__(self) -> None:
            freed_by.append(threading.current_thread().name)
            freed.set()

    monkeypatch.setattr(instance, "Producer", Noted)
    found = Instance(AWAY, lambda error: None)
    with pytest.raises(KafkaException) as raised:
        found.open(0.1)
    found.leave()
    assert freed.wait(30)
    assert freed_by == ["producer"]
    assert raised.value.args[0].code() == KafkaError._TIMED_OUT, "the error has the frames still"
