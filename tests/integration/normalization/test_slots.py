"""Two workers of one group share a plugin's partitions, each in a slot of its own."""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from treaty_chassis.kafka import topics
from treaty_events.decisions import PluginState
from treaty_events.headers import header
from treaty_events.topics import accepted_topic
from treaty_events.uplinks import UplinkAccepted

from .conftest import Worker, until
from .packages import acme_uplink, name_of, write


class Traffic:
    """Uplinks of some devices, and now and then one that was sent before, under another identity, as a second
    network server delivers it."""

    def __init__(self, worker: Worker, plugin: str) -> None:
        self._worker = worker
        self._plugin = plugin
        self._rng = random.Random(7)
        self._uplinks: list[UplinkAccepted] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.devices = [str(uuid.uuid4()) for _ in range(24)]
        self.first: list[str] = []
        """Ids of the uplinks that were the first of their kind."""
        self.repeats = 0

    def send(self, count: int) -> None:
        start = len(self._uplinks)
        fresh = [
            acme_uplink(self.devices[number % len(self.devices)], b"%c" % (number % 100), number)
            for number in range(start, start + count)
        ]
        self.first += self._worker.accept(self._plugin, fresh)
        self._uplinks += fresh

    def repeat(self, count: int) -> None:
        self._worker.accept(self._plugin, self._rng.choices(self._uplinks, k=count))
        self.repeats += count

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(0.1):
            self.send(20)
            self.repeat(5)


@pytest.fixture
def slots(worker: Worker) -> Iterator[tuple[Worker, Worker]]:
    """Not started; one folder and one group."""
    worker.environment |= {"TREATY_SLOT": "0"}
    worker.program = Path(__file__).with_name("impatient.py")
    other = replace(
        worker, log=worker.log.with_name("other.log"), environment={**worker.environment, "TREATY_SLOT": "1"}
    )
    yield worker, other
    if other.process is not None:
        other.kill()


def owned(worker: Worker) -> int:
    """How many partitions it has of the input, by its log."""
    entries = [
        (entry["timestamp"], len(entry["partitions"]) * sign)
        for message, sign in (("partitions assigned", 1), ("partitions revoked", -1))
        for entry in worker.logged(message)
        if entry["timestamp"] >= worker.logged("worker started")[-1]["timestamp"]
    ]
    return sum(count for _, count in entries)


@pytest.mark.timeout(900)
def test_a_worker_that_is_killed_leaves_its_partitions_and_their_memory_to_the_other_and_gets_them_back(
    slots: tuple[Worker, Worker],
) -> None:
    first, second = slots
    plugin = name_of("acme")
    write(first.folder, plugin)
    topics.apply(topics.admin(first.servers), [accepted_topic(plugin, partitions=2)])
    first.decide(plugin, PluginState.ADMITTED)
    traffic = Traffic(first, plugin)

    def ids() -> Counter[str]:
        records = first.committed("reading.normalized.v1", set(traffic.devices))
        return Counter((header(r.headers, "ce_id") or b"").decode() for r in records)

    def all_there() -> Callable[[], bool]:
        wanted = set(traffic.first)
        return lambda: wanted <= ids().keys()

    for worker in slots:
        worker.start()
    until(lambda: all(w.ready().get("ready") for w in slots), "both to be ready")
    until(lambda: (owned(first), owned(second)) == (1, 1), "a partition each")
    traffic.start()
    try:
        until(lambda: len(traffic.first) > 200, "some traffic")
        second.kill()
        before = first.metric("treaty_normalization_readings_total")
        until(
            lambda: first.metric("treaty_normalization_readings_total") > before + 100,
            "the other to go on under load",
        )
    finally:
        traffic.stop()
    until(lambda: owned(first) == 2, "both partitions to be the other's")
    traffic.repeat(200)
    traffic.send(100)
    until(all_there(), "what waited, and what is new")

    traffic.send(100)
    second.start()
    until(lambda: (owned(first), owned(second)) == (1, 1), "a partition each, again")
    traffic.repeat(200)
    traffic.send(100)
    until(all_there(), "every uplink's reading")
    found = ids()
    assert sorted(found.elements()) == sorted(traffic.first), "none lost, none twice, no repeat let through"
    assert traffic.repeats >= 400
    assert second.stop() == 0
    assert first.stop() == 0
    assert ids() == found
