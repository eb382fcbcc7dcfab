"""Whatever happens between the log and a subscriber, it gets each reading it wants once, in the order of its
partition: slow connections, a ring too small, resumes by cursor, a node that starts anew."""

import json
from collections import deque
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from treaty_push_gateway.stream.cursor import Log, read_cursor
from treaty_push_gateway.stream.entry import Tick
from treaty_push_gateway.stream.errors import Code
from treaty_push_gateway.stream.filters import Filter
from treaty_push_gateway.stream.hub import PROGRESS_S, STALLED_S, Hub
from treaty_push_gateway.stream.ring import Ring
from treaty_push_gateway.stream.step import Fanout
from treaty_push_gateway.stream.subscription import Stage, Subscription

EVERYTHING = Filter(None)
LOG = Log("cluster", UUID(int=1))
PARTITIONS = 2


class World:
    """A log, a node that reads it, and a loop and a clock to run by hand."""

    def __init__(self, entry, ring_bytes=1_000_000):
        self.entry, self.ring_bytes = entry, ring_bytes
        self.log = [[] for _ in range(PARTITIONS)]
        self.ends = [0] * PARTITIONS
        self.soon, self.now = deque(), 0.0
        self.hub = self.node((0,) * PARTITIONS)

    def node(self, start):
        ring = Ring(self.ring_bytes, start)
        return Hub(Fanout(LOG, start), ring, self.soon.append, lambda: self.now)

    def append(self, partitions, **more):
        """New readings in these partitions, each followed by a marker's gap; the node reads them at once."""
        entries = []
        for partition in partitions:
            entries.append(self.entry(partition, self.ends[partition], **more))
            self.log[partition].append(entries[-1])
            self.ends[partition] += 2
        self.hub.publish(Tick(tuple(entries), tuple(self.ends)))
        return entries

    def run(self):
        while self.soon:
            self.soon.popleft()()


class Client:
    """A subscriber that processes what it is sent, and resumes from the last cursor when it is cut off."""

    def __init__(self, world, filter=EVERYTHING, conflate=False):
        self.world, self.filter, self.conflate = world, filter, conflate
        self.sent, self.readings, self.blocked_since, self.error = [], [], None, None
        self.start = world.hub.position
        self.cursor = world.hub.fanout.cursor
        self.begin(self.start)

    @property
    def writable(self):
        return self.blocked_since is None

    def send(self, message):
        assert self.writable, "only errors may be sent to a connection that is not writable"
        body = json.loads(message.text)
        self.sent.append(body)
        self.readings += body.get("readings", [])
        self.cursor = body["cursor"]

    def begin(self, position):
        self.subscription = Subscription("s1", self.filter, self, self.failed, conflate=self.conflate)
        self.world.hub.place(self.subscription, position)

    def failed(self, error):
        self.error = error

    def resume(self):
        """A new connection, from the last message processed."""
        self.world.hub.remove(self.subscription)
        self.blocked_since = self.error = None
        self.begin(read_cursor(LOG, self.cursor))

    def block(self):
        if self.writable:
            self.blocked_since = self.world.now

    def unblock(self):
        self.blocked_since = None
        self.world.hub.resume(self.subscription)

    def catch_up(self):
        """What a catch-up reader does, an entry at a time."""
        for partition, entries in enumerate(self.world.log):
            for e in entries:
                position = tuple(e.offset + 1 if p == partition else 0 for p in range(PARTITIONS))
                if self.subscription.stage is Stage.CATCHING_UP and self.writable:
                    self.world.hub.feed(self.subscription, Tick((e,), position))
        if self.subscription.stage is Stage.CATCHING_UP and self.writable:
            self.world.hub.feed(self.subscription, Tick((), tuple(self.world.ends)))

    def wanted(self):
        return [
            [e for e in entries if e.offset >= self.start[p] and self.filter.admits(e)]
            for p, entries in enumerate(self.world.log)
        ]

    def got(self):
        """Offsets by partition, as the ids of the readings tell them."""
        found = [[] for _ in range(PARTITIONS)]
        for reading in self.readings:
            _, partition, offset, _ = reading["id"].split(":")
            found[int(partition)].append(int(offset))
        return found

    def settle(self):
        """Until nothing moves any more, on connections that take everything."""
        for _ in range(200):
            if self.error is not None or self.subscription.stage is Stage.CLOSED:
                self.resume()
            self.unblock()
            self.catch_up()
            self.world.run()
            if self.subscription.stage is Stage.LIVE:
                return
        raise AssertionError(f"not live after 200 rounds: {self.subscription.stage}")


def lossless(client):
    assert client.got() == [[e.offset for e in entries] for entries in client.wanted()]


@pytest.fixture
def world(entry):
    return World(entry)


def test_any_history_is_lossless(entry):
    class History(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.world = World(entry, ring_bytes=6_000)
            self.clients = []

        @rule(
            partitions=st.lists(st.integers(0, PARTITIONS - 1), max_size=8),
            device=st.sampled_from(["d1", "d2"]),
        )
        def append(self, partitions, device):
            self.world.append(partitions, device=device)

        @precondition(lambda self: len(self.clients) < 4)
        @rule(devices=st.frozensets(st.sampled_from(["d1", "d2"]), max_size=1))
        def subscribe(self, devices):
            self.clients.append(Client(self.world, Filter(None, devices)))

        @precondition(lambda self: self.clients)
        @rule(which=st.integers(0), what=st.sampled_from(["block", "unblock", "resume", "catch_up"]))
        def client(self, which, what):
            getattr(self.clients[which % len(self.clients)], what)()

        @rule(steps=st.integers(1, 5))
        def loop(self, steps):
            for _ in range(min(steps, len(self.world.soon))):
                self.world.soon.popleft()()

        @rule(seconds=st.sampled_from([1, PROGRESS_S, STALLED_S]))
        def sweep(self, seconds):
            self.world.now += seconds
            self.world.hub.sweep()

        @rule(behind=st.integers(0, 12))
        def restart(self, behind):
            """A new node, its ring filled from somewhere before the end; every connection is lost."""
            start = tuple(max(0, end - behind) for end in self.world.ends)
            self.world.soon.clear()
            self.world.hub = self.world.node(start)
            entries = [e for log, s in zip(self.world.log, start, strict=True) for e in log if e.offset >= s]
            self.world.hub.publish(Tick(tuple(entries), tuple(self.world.ends)))
            for client in self.clients:
                client.resume()

        def teardown(self):
            for client in self.clients:
                client.settle()
            for client in self.clients:
                lossless(client)

    run_state_machine_as_test(History, settings=settings(max_examples=150, stateful_step_count=40))


def test_members_of_a_group_get_the_very_same_bytes(world):
    sent = []

    class Outlet:
        writable, blocked_since = True, None

        def send(self, message):
            sent.append(message)

    for _ in range(3):
        subscription = Subscription("s1", Filter(None), Outlet(), pytest.fail, conflate=False)
        world.hub.place(subscription, world.hub.position)
    sent.clear()
    world.append([0, 1])
    assert len(sent) == 3
    assert sent[0] is sent[1] is sent[2]


def test_one_is_live_at_once_from_the_latest_and_told_so_once(world):
    world.append([0] * 5)
    client = Client(world)
    assert [m["type"] for m in client.sent] == ["live"]
    client.block()
    world.append([0])
    client.unblock()
    world.run()
    assert [m["type"] for m in client.sent] == ["live", "readings"]


def test_a_cursor_of_one_filter_resumes_another(world):
    client = Client(world, Filter(None, frozenset({"d1"})))
    world.append([0, 1], device="d1")
    world.append([0, 1], device="d2")
    client.filter = Filter(None, frozenset({"d2"}))
    client.resume()
    world.run()
    assert [r["device"] for r in client.readings] == ["d1", "d1", "d2", "d2"]


def test_a_slow_client_is_served_from_the_ring_and_costs_no_buffer(world):
    slow, quick = Client(world), Client(world)
    slow.block()
    for _ in range(50):
        world.append([0, 1])
    assert len(quick.readings) == 100
    assert slow.readings == []
    slow.unblock()
    world.run()
    lossless(slow)
    assert slow.subscription.stage is Stage.LIVE


def test_beyond_the_ring_a_slow_client_is_told_where_to_resume(entry):
    world = World(entry, ring_bytes=6_000)
    slow = Client(world)
    world.append([0])
    slow.block()
    for _ in range(50):
        world.append([0, 1])
    slow.unblock()
    world.run()
    assert slow.error.code is Code.SLOW_READER
    slow.settle()
    lossless(slow)


def test_who_takes_nothing_for_long_is_let_go(world):
    stalled, quick = Client(world), Client(world)
    stalled.block()
    world.now += STALLED_S
    world.hub.sweep()
    assert stalled.error.code is Code.SLOW_READER
    assert quick.error is None


def test_the_quiet_hear_of_progress(world):
    quiet = Client(world, Filter(None, frozenset({"nobody"})))
    world.append([0, 1])
    world.now += PROGRESS_S
    world.hub.sweep()
    assert quiet.sent[-1] == {"type": "progress", "id": "s1", "cursor": world.hub.fanout.cursor}


def test_conflated_a_slow_client_gets_the_latest_of_each_device(world):
    slow = Client(world, conflate=True)
    slow.block()
    for n in range(100):
        world.append([0], device="d1", ordered_at=n)
        world.append([1], device="d2", ordered_at=n)
        world.run()
    slow.unblock()
    world.run()
    assert [(r["device"], r["ordered_at"][-4:-1]) for r in slow.readings] == [("d1", "099"), ("d2", "099")]
    assert slow.cursor == world.hub.fanout.cursor


def test_conflated_and_cut_off_half_way_one_may_see_again_but_never_misses(world):
    slow = Client(world, conflate=True)
    start = slow.cursor
    slow.block()
    for n in range(40):
        world.append([0], device=f"d{n}", padding=20_000)
    world.run()
    send, slow.send = slow.send, lambda message: (send(message), slow.block())
    slow.unblock()
    world.run()
    assert 0 < len(slow.readings) < 40
    assert slow.cursor == start
    slow.send = send
    slow.resume()
    world.run()
    assert {r["device"] for r in slow.readings} == {f"d{n}" for n in range(40)}


def test_a_snapshots_position_ahead_of_the_node_lets_nothing_through_twice(world):
    world.append([0])
    ahead = Client(world)
    ahead.start = (world.ends[0] + 2, world.ends[1])
    world.hub.remove(ahead.subscription)
    ahead.begin(ahead.start)
    assert ahead.subscription.stage is Stage.REPLAYING
    world.append([0])
    world.append([0, 1])
    world.run()
    assert ahead.subscription.stage is Stage.LIVE
    lossless(ahead)


def test_a_replay_comes_in_messages_that_stay_below_the_bound(entry):
    world = World(entry, ring_bytes=10_000_000)
    start = world.hub.position
    world.append([0, 1] * 50, padding=20_000)
    client = Client(world)
    client.start, client.sent = start, []
    world.hub.remove(client.subscription)
    client.begin(start)
    world.run()
    sizes = [len(json.dumps(m, separators=(",", ":"))) for m in client.sent if m["type"] == "readings"]
    assert len(sizes) > 5
    assert max(sizes) < 256 * 1024
    lossless(client)


def test_a_new_partition_is_delivered_from_its_beginning(world):
    client = Client(world)
    fresh = world.entry(2, 0)
    world.hub.publish(Tick((fresh,), (0, 0, 1)))
    assert len(client.readings) == 1
    assert read_cursor(LOG, client.cursor) == (0, 0, 1)
