"""What port.Client promises, asked of the broker and of the simulation alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import pytest
from confluent_kafka import Producer

from treaty_chassis.kafka import config
from treaty_chassis.kafka.client import ConfluentClient
from treaty_chassis.kafka.port import AbortedError, Client, FencedError, TimedOutError
from treaty_chassis.kafka.work import Assigned, Output, Partition, Record
from treaty_chassis.simulation.client import SimulatedClient
from treaty_chassis.simulation.cluster import Cluster
from treaty_chassis.simulation.group import Group
from treaty_embedded.pytest_plugin import KafkaAddress

from . import broker

LARGE = b"x" * 5000


class Stage(Protocol):
    """A cluster to play on: `topic` takes records under 2,000 bytes."""

    topic: str
    out: str

    def client(self, slot: str = "0") -> Client: ...
    def append(self, topic: str, values: Sequence[bytes]) -> None: ...
    def end_epoch(self) -> None:
        """Of slot 0's producer, as the coordinator does that gives up a transaction open for too long."""

    def read(self, topic: str) -> list[Record]: ...


class RealStage:
    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._group = broker.unique("conformance")
        self.topic, self.out = broker.unique("in"), broker.unique("out")
        self._clients: list[ConfluentClient] = []
        narrow = {"max.message.bytes": "2000"}
        broker.create(servers, broker.Spec(self.topic), broker.Spec(self.out, 1, narrow))

    def client(self, slot: str = "0") -> Client:
        self._clients.append(ConfluentClient(self._servers, self._group, slot))
        return self._clients[-1]

    def append(self, topic: str, values: Sequence[bytes]) -> None:
        broker.produce(self._servers, topic, values)

    def read(self, topic: str) -> list[Record]:
        return broker.read(self._servers, topic)

    def end_epoch(self) -> None:
        other = Producer(config.producer(self._servers, self._group, "0"))
        other.init_transactions(broker.PATIENCE_S)

    def close(self) -> None:
        for client in self._clients:
            client.close()


class SimulatedStage:
    topic, out = "in", "out"

    def __init__(self) -> None:
        self._cluster = Cluster(lambda o: "too large" if len(o.value or b"") > 2000 else None)
        self._cluster.create(self.topic)
        self._cluster.create(self.out)
        self._group = Group("conformance", self._cluster)

    def client(self, slot: str = "0") -> Client:
        return SimulatedClient(self._cluster, self._group, slot)

    def append(self, topic: str, values: Sequence[bytes]) -> None:
        for value in values:
            self._cluster.append(topic, value)

    def read(self, topic: str) -> list[Record]:
        return self._cluster.visible(topic)

    def end_epoch(self) -> None:
        self._cluster.expire("conformance-0")

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(params=["broker", "simulation"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "broker":
        kafka: KafkaAddress = request.getfixturevalue("kafka")
        found: RealStage | SimulatedStage = RealStage(kafka.bootstrap_servers)
    else:
        found = SimulatedStage()
    yield found
    found.close()


class Member:
    """Opened and subscribed; starts partitions where the group left off, and remembers what it was told."""

    def __init__(self, client: Client, topics: Sequence[str]) -> None:
        self.client = client
        self.told: list[tuple[str, list[Partition]]] = []
        client.open(self)
        client.subscribe(topics)

    def assigned(self, partitions: Sequence[Partition]) -> None:
        self.told.append(("assigned", list(partitions)))
        self.client.start(self.client.committed(partitions))

    def revoked(self, partitions: Sequence[Partition]) -> None:
        self.told.append(("revoked", list(partitions)))

    def poll_until(self, done: Callable[[list[Record]], bool]) -> list[bytes | None]:
        found: list[Record] = []
        end = time.monotonic() + broker.PATIENCE_S
        while not done(found):
            assert time.monotonic() < end, f"only {len(found)} records came"
            found += self.client.poll(100, 0.05)
        return [r.value for r in found]

    def poll(self, count: int) -> list[bytes | None]:
        return self.poll_until(lambda found: len(found) >= count)

    def transact(self, outputs: list[Output], offsets: dict[Partition, int]) -> None:
        self.client.begin()
        self.client.produce(outputs)
        assert outputs == [], "they are let go of as they are passed on"
        self.client.send_offsets(offsets)


def test_outputs_and_offsets_commit_together(stage: Stage) -> None:
    place = Partition(stage.topic, 0)
    stage.append(stage.topic, [b"1", b"2", b"3"])
    member = Member(stage.client(), [stage.topic])
    assert member.poll(3) == [b"1", b"2", b"3"]
    assert member.told == [("assigned", [place])]
    assert member.client.committed([place]) == [Assigned(place, 0)]
    member.transact([Output(stage.out, None, b"made of two")], {place: 2})
    assert stage.read(stage.out) == []
    member.client.commit()
    assert [r.value for r in stage.read(stage.out)] == [b"made of two"]
    assert member.client.committed([place]) == [Assigned(place, 2)]


def test_a_reader_at_the_end_is_told_what_it_passed_without_a_record(stage: Stage) -> None:
    """A committed marker, an aborted record and its marker: none of them is ever polled."""
    stage.append(stage.topic, [b"1"])
    writer = Member(stage.client("writer"), [stage.topic])
    writer.poll(1)
    for end in (writer.client.commit, writer.client.abort):
        writer.client.begin()
        writer.client.produce([Output(stage.out, None, b"2")])
        writer.client.send_offsets({Partition(stage.topic, 0): 1})
        end()
    reader = Member(stage.client("reader"), [stage.out])
    assert reader.poll(1) == [b"2"]
    place = Partition(stage.out, 0)
    last: dict[Partition, int] = {}

    def passed(found: list[Record]) -> bool:
        assert found == []
        last.update(reader.client.passed())
        return last.get(place, 0) >= 2

    reader.poll_until(passed)
    assert reader.client.passed() == {}


def test_nothing_of_an_aborted_transaction_is_ever_seen(stage: Stage) -> None:
    place = Partition(stage.topic, 0)
    stage.append(stage.topic, [b"1"])
    member = Member(stage.client(), [stage.topic])
    member.poll(1)
    member.transact([Output(stage.out, None, b"never")], {place: 1})
    member.client.abort()
    assert member.client.committed([place]) == [Assigned(place, 0)]
    member.client.seek([Assigned(place, 0)])
    assert member.poll(1) == [b"1"]
    member.transact([Output(stage.out, None, b"in the end")], {place: 1})
    member.client.commit()
    (seen,) = stage.read(stage.out)
    assert seen.value == b"in the end"
    assert seen.offset >= 1, "the marker keeps its offset, and so does the record if it was sent"


def test_a_record_the_topic_does_not_take_aborts_by_record(stage: Stage) -> None:
    place = Partition(stage.topic, 0)
    stage.append(stage.topic, [b"1"])
    member = Member(stage.client(), [stage.topic])
    member.poll(1)

    def attempt() -> None:
        member.transact([Output(stage.out, None, LARGE)], {place: 1})
        member.client.commit()

    with pytest.raises(AbortedError) as raised:
        attempt()
    assert raised.value.by_record
    member.client.abort()
    assert stage.read(stage.out) == []


def test_opening_a_slot_ends_and_fences_what_its_predecessor_had_open(stage: Stage) -> None:
    place = Partition(stage.topic, 0)
    stage.append(stage.topic, [b"1"])
    old = Member(stage.client(), [stage.topic])
    old.poll(1)
    old.transact([Output(stage.out, None, b"of the old")], {place: 1})
    new = Member(stage.client(), [stage.topic])
    assert new.poll(1) == [b"1"]
    with pytest.raises(FencedError):
        old.client.commit()
    new.transact([Output(stage.out, None, b"of the new")], {place: 1})
    new.client.commit()
    assert [r.value for r in stage.read(stage.out)] == [b"of the new"]


@pytest.mark.parametrize("at", ["send_offsets", "commit", "abort"])
def test_an_epoch_that_ends_while_the_slot_is_kept_costs_a_transaction_and_nothing_else(
    stage: Stage, at: str
) -> None:
    place = Partition(stage.topic, 0)
    stage.append(stage.topic, [b"1"])
    member = Member(stage.client(), [stage.topic])
    member.poll(1)
    for _ in range(2):
        member.client.begin()
        member.client.produce([Output(stage.out, None, b"given up")])
        if at != "send_offsets":
            member.client.send_offsets({place: 1})
        stage.end_epoch()
        if at == "send_offsets":
            with pytest.raises(AbortedError) as raised:
                member.client.send_offsets({place: 1})
            assert not raised.value.by_record
        elif at == "commit":
            with pytest.raises(AbortedError):
                member.client.commit()
        member.client.abort()
        assert member.client.committed([place]) == [Assigned(place, 0)]
    member.transact([Output(stage.out, None, b"once")], {place: 1})
    member.client.commit()
    assert [r.value for r in stage.read(stage.out)] == [b"once"]
    assert member.client.committed([place]) == [Assigned(place, 1)]


def test_a_committed_offset_is_not_told_while_a_transaction_is_pending_on_it(stage: Stage) -> None:
    place = Partition(stage.topic, 0)
    stage.append(stage.topic, [b"1"])
    member = Member(stage.client(), [stage.topic])
    member.poll(1)
    member.transact([], {place: 1})
    with pytest.raises(TimedOutError):
        member.client.committed([place])
    member.client.commit()
    assert member.client.committed([place]) == [Assigned(place, 1)]


def test_paused_partitions_give_nothing_until_they_are_resumed(stage: Stage) -> None:
    place = Partition(stage.topic, 0)
    stage.append(stage.topic, [b"1"])
    member = Member(stage.client(), [stage.topic])
    member.poll(1)
    member.client.pause([place])
    stage.append(stage.topic, [b"2"])
    assert [member.client.poll(10, 0.05) for _ in range(20)] == [[]] * 20
    member.client.resume([place])
    assert member.poll(1) == [b"2"]


def test_seeking_back_gives_the_same_records_again_and_only_those(stage: Stage) -> None:
    place = Partition(stage.topic, 0)
    stage.append(stage.topic, [b"%d" % n for n in range(50)])
    member = Member(stage.client(), [stage.topic])
    whole = member.poll(50)
    for start in (0, 49, 20):
        member.client.seek([Assigned(place, start)])
        assert member.poll(50 - start) == whole[start:]


def test_a_partition_moves_once_it_is_given_up(stage: Stage) -> None:
    place = Partition(stage.topic, 0)
    stage.append(stage.topic, [b"1", b"2"])
    first = Member(stage.client("0"), [stage.topic])
    assert first.poll(2) == [b"1", b"2"]
    first.client.subscribe([stage.out])
    first.poll_until(lambda _: ("revoked", [place]) in first.told)
    second = Member(stage.client("1"), [stage.topic])
    assert second.poll(2) == [b"1", b"2"]
    second.transact([Output(stage.out, None, b"taken over")], {place: 2})
    second.client.commit()
    assert second.client.committed([place]) == [Assigned(place, 2)]


def test_history_reads_committed_records_between_two_offsets(stage: Stage) -> None:
    place = Partition(stage.topic, 0)
    out = Partition(stage.out, 0)
    stage.append(stage.topic, [b"1"])
    member = Member(stage.client(), [stage.topic])
    member.poll(1)
    for number in range(6):
        member.transact([Output(stage.out, None, b"%d" % number)], {place: 1})
        if number % 2:
            member.client.abort()
        else:
            member.client.commit()
    history = member.client.history()
    everything = list(history.read(out, 0))
    assert [r.value for r in everything] == [b"0", b"2", b"4"]
    stop = everything[-1].offset
    assert [r.value for r in history.read(out, everything[1].offset, stop)] == [b"2"]
    assert list(history.read(out, stop + 1)) == []
    assert history.offset_at(out, everything[0].timestamp_ms - 1_000) == 0
    assert history.offset_at(out, everything[-1].timestamp_ms + 3_600_000) is None
