"""Partitions that come, go, and stay: the group's side of exactly-once."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from treaty_chassis.kafka.client import ConfluentClient
from treaty_chassis.kafka.topics import admin
from treaty_chassis.kafka.work import Partition

from .broker import PATIENCE_S, Spec, create, produce, read, unique, values, wait_for
from .conftest import Flow
from .copying import copying

SOON_S = 120.0


class Overtaken(ConfluentClient):
    """Once, when told, sends its offsets with the group metadata of before a rebalance: what happens to
    whoever reads the metadata a moment before the generation changes."""

    def __init__(self, servers: str, group: str, slot: str) -> None:
        super().__init__(servers, group, slot)
        self.armed = threading.Event()
        self.waiting = threading.Event()
        self.overtaken = threading.Event()
        self.aborted = 0

    def send_offsets(self, offsets: Mapping[Partition, int]) -> None:
        if self.armed.is_set() and not self.waiting.is_set():
            stale: Any = self._consumer.consumer_group_metadata()
            self.waiting.set()
            assert self.overtaken.wait(PATIENCE_S)
            consumer, self._consumer = self._consumer, _Stale(stale)  # type: ignore[assignment]
            try:
                super().send_offsets(offsets)
            finally:
                self._consumer = consumer
        super().send_offsets(offsets)

    def abort(self) -> None:
        self.aborted += 1
        super().abort()


class _Stale:
    def __init__(self, metadata: Any) -> None:
        self._metadata = metadata

    def consumer_group_metadata(self) -> Any:
        return self._metadata


def members(flow: Flow) -> dict[str, set[tuple[str, int]]]:
    """Who has which partitions, by the coordinator's account."""
    client = admin(flow.servers)
    described = client.describe_consumer_groups([flow.group])[flow.group].result(PATIENCE_S)
    return {
        m.group_instance_id: {(p.topic, p.partition) for p in m.assignment.topic_partitions}
        for m in described.members
    }


def spread(value: bytes) -> bytes:
    return value[-1:]


def test_an_abort_caused_by_a_rebalance_loses_nothing_of_the_partitions_kept(flow: Flow) -> None:
    client = Overtaken(flow.servers, flow.group, "0")
    flow.runner(copying(flow.out, flow.dead), client)
    produce(flow.servers, flow.source, (b"%d" % n for n in range(100)), spread)
    wait_for(lambda: len(read(flow.servers, flow.out)) == 100, "the first hundred")

    client.armed.set()
    produce(flow.servers, flow.source, (b"%d" % n for n in range(100, 200)), spread)
    assert client.waiting.wait(PATIENCE_S)
    flow.runner(copying(flow.out, flow.dead), flow.client("1"))
    wait_for(lambda: len(members(flow)) == 2, "a second member, and a new generation")
    wait_for(lambda: any(len(p) == 1 for p in members(flow).values()), "the new assignment")
    client.overtaken.set()

    produce(flow.servers, flow.source, (b"%d" % n for n in range(200, 300)), spread)
    wait_for(lambda: len(read(flow.servers, flow.out)) >= 300, "all three hundred")
    wait_for(lambda: [len(p) for p in members(flow).values()] == [1, 1], "one partition each")
    assert client.aborted >= 1
    assert values(read(flow.servers, flow.out)) == sorted(b"%d" % n for n in range(300))


def test_a_second_process_takes_its_share_and_nothing_is_lost_or_repeated(flow: Flow) -> None:
    flow.runner(copying(flow.out, flow.dead), flow.client("0"))
    done = threading.Event()
    sent = 0

    def load() -> None:
        nonlocal sent
        while not done.wait(0.02):
            produce(flow.servers, flow.source, (b"%d" % n for n in range(sent, sent + 20)), spread)
            sent += 20

    loading = threading.Thread(target=load)
    loading.start()
    try:
        for slot in ("1", "2"):
            other = flow.runner(copying(flow.out, flow.dead), flow.client(slot))
            wait_for(lambda other=other: other.check() is None, "the newcomer's assignment")  # type: ignore[misc]
    finally:
        done.set()
        loading.join()
    wait_for(lambda: len(read(flow.servers, flow.out)) >= sent, "every copy")
    assert values(read(flow.servers, flow.out)) == sorted(b"%d" % n for n in range(sent))


def test_a_topic_that_appears_is_consumed_from_its_beginning_within_seconds(flow: Flow) -> None:
    prefix = unique("family")
    runner = flow.runner(copying(flow.out, flow.dead), flow.client())
    wait_for(lambda: runner.check() is None, "the assignment")
    runner.subscribe([flow.source, rf"^{prefix}\."])
    create(flow.servers, Spec(f"{prefix}.one"))
    produce(flow.servers, f"{prefix}.one", [b"first"])
    took = wait_for(lambda: values(read(flow.servers, flow.out)) == [b"first"], "its first record's copy")
    print(f"consumed after {took:.2f} s")
    assert took < SOON_S, "two seconds on an idle machine; five minutes by librdkafka's default"
    later = unique("named")
    runner.subscribe([flow.source, later])
    create(flow.servers, Spec(later))
    produce(flow.servers, later, [b"second"])
    took = wait_for(lambda: values(read(flow.servers, flow.out)) == [b"first", b"second"], "the other's")
    print(f"consumed after {took:.2f} s")
    assert took < SOON_S, "two seconds on an idle machine; five minutes by librdkafka's default"


def test_a_paused_topic_keeps_its_partitions_and_its_backlog_through_a_restart(flow: Flow) -> None:
    runner = flow.runner(copying(flow.out, flow.dead), flow.client())
    produce(flow.servers, flow.source, [b"1"])
    wait_for(lambda: values(read(flow.servers, flow.out)) == [b"1"], "the first copy")
    runner.pause([flow.source])
    wait_for(lambda: len(runner.suspended()) == 2, "both partitions to be paused")
    produce(flow.servers, flow.source, [b"2", b"3"])
    runner.stop()
    wait_for(lambda: flow.codes == [0], "the end of the first process")

    again = flow.runner(copying(flow.out, flow.dead), flow.client(), held=[flow.source])
    wait_for(lambda: len(again.suspended()) == 2, "the pause to hold on the new assignment")
    assert all(members(flow).values()), "it stays a member, with its partitions"
    # Another topic goes on, so the loop runs and takes nothing of the paused one.
    other = unique("other")
    create(flow.servers, Spec(other))
    again.subscribe([flow.source, other])
    produce(flow.servers, other, [b"beside"])
    wait_for(lambda: b"beside" in values(read(flow.servers, flow.out)), "the other topic's copy")
    assert values(read(flow.servers, flow.out)) == [b"1", b"beside"]
    again.resume([flow.source])
    wait_for(lambda: len(read(flow.servers, flow.out)) >= 4, "the backlog")
    assert values(read(flow.servers, flow.out)) == [b"1", b"2", b"3", b"beside"]


def test_topics_that_appeared_while_a_process_was_down_are_consumed_when_it_is_back(flow: Flow) -> None:
    """The coordinator gives a static member that comes back its old assignment, without looking at what it
    subscribes to now: left at that, the new topic would be nobody's."""
    prefix = unique("family")
    first = flow.runner(copying(flow.out, flow.dead), flow.client())
    first.subscribe([flow.source, rf"^{prefix}\."])
    produce(flow.servers, flow.source, [b"before"])
    wait_for(lambda: values(read(flow.servers, flow.out)) == [b"before"], "the first copy")
    first.stop()
    wait_for(lambda: flow.codes == [0], "the end of the first process")
    create(flow.servers, Spec(f"{prefix}.one"), Spec(f"{prefix}.two"))
    produce(flow.servers, f"{prefix}.one", [b"while down"])

    again = flow.runner(copying(flow.out, flow.dead), flow.client())
    again.subscribe([flow.source, rf"^{prefix}\."])
    took = wait_for(lambda: len(read(flow.servers, flow.out)) == 2, "the new topic's copy")
    print(f"consumed after {took:.2f} s")
    flow.runner(copying(flow.out, flow.dead), flow.client("1")).subscribe([flow.source, rf"^{prefix}\."])
    wait_for(lambda: [len(p) for p in members(flow).values()] == [2, 2], "an even share")


def test_topics_given_up_while_a_process_was_down_are_let_go_of_when_it_is_back(flow: Flow) -> None:
    """A static member is given what it had before; what it subscribes to no more is not its work's to do."""
    other = unique("other")
    create(flow.servers, Spec(other))
    first = flow.runner(copying(flow.out, flow.dead), flow.client())
    first.subscribe([flow.source, other])
    produce(flow.servers, other, [b"before"])
    wait_for(lambda: values(read(flow.servers, flow.out)) == [b"before"], "the first copy")
    first.stop()
    wait_for(lambda: flow.codes == [0], "the end of the first process")

    again = flow.runner(copying(flow.out, flow.dead), flow.client())
    again.subscribe([flow.source])
    produce(flow.servers, other, [b"not mine"])
    produce(flow.servers, flow.source, [b"mine"])
    wait_for(lambda: len(read(flow.servers, flow.out)) == 2, "the copy of what is subscribed to")
    wait_for(lambda: {t for p in members(flow).values() for t, _ in p} == {flow.source}, "the new share")
    assert values(read(flow.servers, flow.out)) == [b"before", b"mine"]
    flow.runner(copying(flow.out, flow.dead), flow.client("1")).subscribe([other])
    wait_for(lambda: len(read(flow.servers, flow.out)) == 3, "another process that takes the topic")


def test_an_assignment_that_arrives_as_it_stops_keeps_nobody_waiting(flow: Flow) -> None:
    """The loop ends between the group's word and the poll that would have heard it."""
    client = flow.client()
    told: list[Partition] = []

    class Listener:
        def assigned(self, partitions: Sequence[Partition]) -> None:
            told.extend(partitions)
            client.start(client.committed(partitions))

        def revoked(self, partitions: Sequence[Partition]) -> None:
            """Nothing is in hand."""

    client.open(Listener())
    client.subscribe([flow.source])
    wait_for(lambda: [len(p) for p in members(flow).values()] == [2], "the group's word")
    closing = threading.Thread(target=client.close, daemon=True)
    closing.start()
    closing.join(PATIENCE_S)
    assert not closing.is_alive(), "a group that is being left no longer answers what is asked of it"
    assert told == []
    produce(flow.servers, flow.source, [b"1", b"2", b"3"])
    flow.runner(copying(flow.out, flow.dead), flow.client())
    wait_for(lambda: len(read(flow.servers, flow.out)) == 3, "the successor's copies")
