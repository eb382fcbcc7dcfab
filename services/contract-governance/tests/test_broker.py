"""Acknowledgement on the real Kafka: nothing is passed over that was not done."""

import asyncio
import uuid

import pytest
from confluent_kafka import Producer

from treaty_chassis.kafka import topics
from treaty_contract_governance.watching import broker
from treaty_contract_governance.watching.broker import Watching
from treaty_events.codec import encode
from treaty_events.fleet import DeviceChanged, Lifecycle
from treaty_events.topics import DEVICE_CHANGED, PLUGIN_REPORTED, topic


class Failing:
    """A place to write to that fails as often as it is told."""

    def __init__(self, times):
        self.times = times
        self.tried = 0
        self.kept = {}

    async def devices(self, batch):
        self.tried += 1
        if self.times:
            self.times -= 1
            raise ConnectionError("the database is away")
        for change in batch.changes:
            self.kept[change.key] = change.value

    async def reports(self, batch):
        """Nothing is reported here."""


@pytest.fixture
def servers(kafka, monkeypatch):
    monkeypatch.setattr(broker, "FIRST_DELAY_S", 0.001)
    topics.apply(topics.admin(kafka.bootstrap_servers), [topic(DEVICE_CHANGED), topic(PLUGIN_REPORTED)])
    return kafka.bootstrap_servers


@pytest.fixture
def group():
    return f"test-{uuid.uuid4()}"


def produce(servers, *records):
    producer = Producer({"bootstrap.servers": servers})
    for key, value, headers in records:
        producer.produce(DEVICE_CHANGED, value, key, headers=headers)
    assert producer.flush(60) == 0


def device(key):
    return encode(DeviceChanged(key, "w", "s", "g", "00", "m/m", "decentlab", Lifecycle.ACTIVE, 1))


async def until(condition, seconds=90):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - another library has no event to wait for
            await asyncio.sleep(0.02)


async def follow(watching, condition):
    task = asyncio.create_task(watching.run())
    try:
        await until(lambda: task.done() or condition())
        assert not task.done() or task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_batch_that_fails_is_tried_again_and_arrives(servers, group):
    key = str(uuid.uuid4())
    produce(servers, (key, device(key), None))
    store = Failing(times=3)
    woken = []
    watching = Watching(servers, "0", store, lambda: woken.append(1), group)
    await follow(watching, lambda: watching.check() is None)
    assert store.kept[key].device == key
    assert store.tried >= 4
    assert woken


async def test_what_fails_for_good_stops_and_is_read_again_by_the_next(servers, group):
    key = str(uuid.uuid4())
    produce(servers, (key, device(key), None))
    watching = Watching(servers, "0", Failing(times=10**6), lambda: None, group)
    await follow(watching, watching.failed.done)
    with pytest.raises(ConnectionError):
        await watching.failed
    assert "stopped" in watching.check()
    store = Failing(times=0)
    following = Watching(servers, "0", store, lambda: None, group)
    await follow(following, lambda: following.check() is None)
    assert store.kept[key].device == key


async def test_odd_headers_and_tombstones_stop_nothing(servers, group):
    gone, key = str(uuid.uuid4()), str(uuid.uuid4())
    odd = [("ce_id", b"\xff\xfe"), ("empty", None)]
    produce(
        servers,
        (gone, device(gone), odd),
        (gone, None, odd),
        (b"\xff", b"\xff", odd),
        (key, device(key), odd),
    )
    store = Failing(times=0)
    watching = Watching(servers, "0", store, lambda: None, group)
    await follow(watching, lambda: watching.check() is None)
    assert store.kept[gone] is None
    assert store.kept[key].device == key


async def test_a_log_that_ends_with_a_transactions_marker_is_read_to_its_end(servers, group):
    """The registry's relay writes in transactions: the last offset is never a record's."""
    producer = Producer({"bootstrap.servers": servers, "transactional.id": group})
    producer.init_transactions(60)
    for finish in (producer.commit_transaction, producer.abort_transaction):
        key = str(uuid.uuid4())
        producer.begin_transaction()
        producer.produce(DEVICE_CHANGED, device(key), key)
        producer.flush(60)
        finish(60)
        store = Failing(times=0)
        watching = Watching(servers, "0", store, lambda: None, group)
        await follow(watching, lambda following=watching: following.check() is None)
        assert (key in store.kept) == (finish == producer.commit_transaction)


async def test_nothing_is_ready_before_what_was_read_is_written(servers, group):
    # What other tests wrote is behind the group: in one batch there is no more than a bound.
    before = Watching(servers, "0", Failing(times=0), lambda: None, group)
    await follow(before, lambda: before.check() is None)
    key = str(uuid.uuid4())
    produce(servers, (key, device(key), None))
    store, handed, written = Failing(times=0), asyncio.Event(), asyncio.Event()
    devices = store.devices

    async def slow(batch):
        if any(change.key == key for change in batch.changes):
            handed.set()
        await written.wait()
        await devices(batch)

    store.devices = slow
    watching = Watching(servers, "0", store, lambda: None, group)
    task = asyncio.create_task(watching.run())
    try:
        await until(handed.is_set)
        # What another test writes meanwhile is still to be read.
        await until(lambda: watching.check() in ("writing what was read", f"reading {DEVICE_CHANGED}"))
        assert store.kept == {}
        written.set()
        await until(lambda: watching.check() is None)
        assert key in store.kept
    finally:
        written.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_was_done_is_not_read_again(servers, group):
    key = str(uuid.uuid4())
    produce(servers, (key, device(key), None))
    first = Watching(servers, "0", Failing(times=0), lambda: None, group)
    await follow(first, lambda: first.check() is None)
    later = str(uuid.uuid4())
    produce(servers, (later, device(later), None))
    store = Failing(times=0)
    second = Watching(servers, "0", store, lambda: None, group)
    await follow(second, lambda: later in store.kept)
    assert key not in store.kept


async def test_of_two_the_second_stands_by_and_takes_over(servers, group):
    stores = [Failing(times=0), Failing(times=0)]
    ones = [Watching(servers, str(slot), store, lambda: None, group) for slot, store in enumerate(stores)]
    tasks = [asyncio.create_task(one.run()) for one in ones]
    try:
        await until(lambda: [one.check() for one in ones] == [None, None])
        key = str(uuid.uuid4())
        produce(servers, (key, device(key), None))
        await until(lambda: any(key in store.kept for store in stores))
        leader = next(number for number, store in enumerate(stores) if key in store.kept)
        tasks[leader].cancel()
        await asyncio.gather(tasks[leader], return_exceptions=True)
        later = str(uuid.uuid4())
        produce(servers, (later, device(later), None))
        await until(lambda: later in stores[1 - leader].kept)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
