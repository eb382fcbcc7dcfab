"""A producer is replaced in its process, on the cluster that librdkafka has inside."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer

from treaty_chassis.kafka import instance, producing
from treaty_chassis.kafka.port import AbortedError, FatalError
from treaty_chassis.kafka.producing import TransactionalProducer
from treaty_chassis.kafka.tenancy import Tenancy
from treaty_chassis.kafka.work import Output

SILENT = {"log_level": 0}
PATIENT_S = 60.0


class Hanging(Producer):
    """So many commits do not return before they may, and are the only calls not waited for."""

    to_hang = 0
    release = threading.Event()
    made = 0
    patience: pytest.MonkeyPatch

    def __init__(self, settings: dict[str, object]) -> None:
        super().__init__(settings)
        Hanging.made += 1
        Hanging.patience.setattr(instance, "_HANG_S", PATIENT_S)

    def commit_transaction(self, *arguments: float) -> None:
        if Hanging.to_hang > 0:
            Hanging.to_hang -= 1
            Hanging.patience.setattr(instance, "_HANG_S", 0.0)
            assert Hanging.release.wait(60)
        super().commit_transaction(*arguments)


@pytest.fixture
def servers() -> Iterator[str]:
    cluster = Producer({"test.mock.num.brokers": 1} | SILENT)
    broker = next(iter(cluster.list_topics(timeout=60).brokers.values()))
    yield f"{broker.host}:{broker.port}"
    cluster.flush(0)


@pytest.fixture
def producer(servers: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[TransactionalProducer]:
    monkeypatch.setattr(Hanging, "patience", monkeypatch, raising=False)
    monkeypatch.setattr(instance, "Producer", Hanging)
    monkeypatch.setattr(Hanging, "to_hang", 0)
    monkeypatch.setattr(Hanging, "made", 0)
    monkeypatch.setattr(Hanging, "release", threading.Event())
    reach = {"bootstrap.servers": servers} | SILENT
    consumer = Consumer(reach | {"group.id": "g"})
    tenancy = Tenancy(servers, "g", "g-0", consumer)
    found = TransactionalProducer(reach | {"transactional.id": "g-0"}, tenancy, lambda error: None)
    found.open()
    yield found
    Hanging.release.set()
    consumer.close()


def transact(producer: TransactionalProducer) -> None:
    producer.begin()
    producer.produce([Output("out", None, b"1", partition=0)])
    producer.commit()


def test_a_producer_that_hangs_is_left_behind_and_another_goes_on(producer: TransactionalProducer) -> None:
    transact(producer)
    Hanging.to_hang = 1
    with pytest.raises(AbortedError, match="replaced") as raised:
        transact(producer)
    assert not raised.value.by_record
    producer.abort()
    transact(producer)
    (left,) = producer._left
    assert left.alive()
    Hanging.release.set()
    end = time.monotonic() + 90
    while left.alive():
        assert time.monotonic() < end, "what hung has returned and is not freed"
        time.sleep(0.01)
    transact(producer)
    assert Hanging.made == 2, "what the one that was left did in the end is of no account"


def test_a_process_keeps_only_so_many_that_hang(producer: TransactionalProducer) -> None:
    Hanging.to_hang = 99
    for _ in range(producing._LEFT_AT_MOST):
        with pytest.raises(AbortedError):
            transact(producer)
        producer.abort()
    with pytest.raises(FatalError, match="5 producers hang already"):
        transact(producer)
