"""Readers of old data on the real broker: nobody holds one, whoever is slow goes on later."""

import asyncio
import json
import time
import uuid

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from treaty_push_gateway.kafka import catchup
from treaty_push_gateway.kafka.catchup import CatchUp
from treaty_push_gateway.stream.cursor import Log
from treaty_push_gateway.stream.filters import Filter
from treaty_push_gateway.stream.hub import Hub
from treaty_push_gateway.stream.ring import Ring
from treaty_push_gateway.stream.step import Fanout
from treaty_push_gateway.stream.subscription import Stage, Subscription

READINGS = 1500


class Reader:
    """A connection that takes `room` messages, then none until it is told to."""

    def __init__(self, hub, catch_up, room=10**9):
        self.room, self.messages, self.readings, self.error = room, 0, [], None
        self.blocked_since, self.catch_up = None, catch_up
        self.subscription = Subscription("s", Filter(None), self, self.failed, conflate=False)
        assert not hub.place(self.subscription, (0,))
        catch_up.add(self.subscription)

    @property
    def writable(self):
        return self.messages < self.room

    @property
    def caught_up(self):
        return self.subscription.stage in (Stage.REPLAYING, Stage.LIVE)

    def send(self, message):
        assert self.writable
        self.messages += 1
        self.readings += [one["id"] for one in json.loads(message.text).get("readings", [])]

    def failed(self, error):
        self.error = error

    def go_on(self, room=10**9):
        self.room = self.messages + room
        self.catch_up.resume()


@pytest.fixture
async def served(kafka, value):
    """A hub whose ring begins at the end of a topic of many readings, and the readers of what is older."""
    topic = f"readings.{uuid.uuid4().hex}"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(60)
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    for number in range(READINGS):
        headers = [("ce_id", f"{uuid.UUID(int=7)}:0:{number}:0".encode())]
        producer.produce(topic, value("d1", padding=600), b"d1", headers=headers)
    assert producer.flush(60) == 0
    loop = asyncio.get_running_loop()
    end = (READINGS,)
    hub = Hub(Fanout(Log("c", uuid.uuid4()), end), Ring(1, end), loop.call_soon, loop.time)
    catch_up = CatchUp(kafka.bootstrap_servers, hub, lambda: None, topic)
    yield hub, catch_up
    await catch_up.close()


async def until(condition, within_s=90):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.01)


async def test_the_slow_hold_no_reader(served):
    hub, catch_up = served
    slow = []
    for _ in range(2 * catchup.READERS):
        slow.append(Reader(hub, catch_up, room=1))
        await until(lambda: slow[-1].messages == 1)
    quick = Reader(hub, catch_up)
    await until(lambda: quick.caught_up)
    await until(lambda: catch_up.reading == 0)
    assert all(one.subscription.stage is Stage.CATCHING_UP and one.messages == 1 for one in slow)
    # A little at a time, then all: they go on from where they were, and others are still served.
    for one in slow:
        one.go_on(room=1)
    await until(lambda: all(one.messages == 2 for one in slow))
    another = Reader(hub, catch_up)
    await until(lambda: another.caught_up)
    for one in slow:
        one.go_on()
    await until(lambda: all(one.caught_up for one in slow))
    assert all(one.readings == quick.readings for one in (*slow, another))
    assert len(set(quick.readings)) == READINGS
    assert all(one.error is None for one in slow)


async def test_a_turn_ends_while_others_wait(served, monkeypatch):
    monkeypatch.setattr(catchup, "READERS", 1)
    monkeypatch.setattr(catchup, "TURN_S", 0.0)
    hub, catch_up = served
    readers = [Reader(hub, catch_up) for _ in range(3)]
    await until(lambda: all(reader.caught_up for reader in readers))
    assert all(len(set(reader.readings)) == len(reader.readings) == READINGS for reader in readers)


async def test_who_left_is_not_waited_for(served):
    hub, catch_up = served
    gone = Reader(hub, catch_up, room=1)
    await until(lambda: gone.messages == 1)
    hub.remove(gone.subscription)
    catch_up.resume()
    await until(lambda: catch_up.reading == 0)
    assert gone.error is None
