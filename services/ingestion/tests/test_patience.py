"""A gateway's first uplink may come before its registration is known here."""

from __future__ import annotations

import random
from uuid import uuid5

import pytest
from prometheus_client import CollectorRegistry

from treaty_chassis.kafka.work import Assigned, Partition, Record
from treaty_chassis.simulation.client import SimulatedHistory
from treaty_chassis.simulation.cluster import Cluster
from treaty_chassis.simulation.drill import Drill
from treaty_events.fleet import Authentication
from treaty_events.headers import header
from treaty_events.topics import NETWORK_REPORTED, RAW, REFUSED, accepted_topic, raw_topic
from treaty_ingestion.app import max_message, work
from treaty_ingestion.measures import Measures
from treaty_ingestion.patience import PATIENCE_MS, REST_MS
from treaty_ingestion.step import State

from .fleet import CHIRPSTACK_HEADERS, EUI, NOW, WORLD, directory, gateway, id_of, record, signed, up

NEW = raw_topic("new").name
ACCEPTED = accepted_topic("decentlab").name
NORTH = raw_topic("north").name


class Desk:
    """Ingestion's work with a gateway yet to be heard of."""

    def __init__(self) -> None:
        self.directory = directory()
        ids = {topic: uuid5(WORLD, topic) for topic in (RAW, NEW, NORTH)}
        self.work = work(State(self.directory, ids), Measures(CollectorRegistry()), lambda _: None)
        places = [Assigned(Partition(topic, 0), 0) for topic in ids]
        self.work.assigned(places, SimulatedHistory(Cluster()))

    def register(self, authentication: Authentication = Authentication.TOPIC) -> None:
        new = gateway("new", authentication)
        self.directory.gateway_changed(new.gateway, None, new)

    def became(self, *records: Record, at: int = NOW) -> list[str]:
        """What is finished by then, the given ones submitted: accepted, or the reason of refusal."""
        if records:
            self.work.submit(records, at)
        made = [output for item in self.work.collect(at) for output in item.outputs]
        return [(header(o.headers, "treaty-reason") or b"accepted").decode() for o in made]


def early(offset: int = 0, at: int = NOW) -> Record:
    return record(up(), NEW, CHIRPSTACK_HEADERS, at=at, offset=offset)


def stranger(offset: int, at: int = NOW) -> Record:
    return record(up(), RAW, signed(up(), "new", at=at), at=at, offset=offset)


def test_the_first_uplink_waits_for_its_gateway_and_others_do_not_wait_for_it():
    desk = Desk()
    known = record(up(), NORTH, CHIRPSTACK_HEADERS)
    assert desk.became(early(0), early(1), known) == ["accepted"]
    assert desk.became(early(2), at=NOW + 500) == []
    desk.register()
    assert desk.became(at=NOW + 600) == ["accepted"] * 3


def test_the_wait_has_an_end_and_then_the_gateway_is_unknown():
    desk = Desk()
    assert desk.became(early()) == []
    assert desk.became(at=NOW + PATIENCE_MS - 1) == []
    assert desk.became(at=NOW + PATIENCE_MS) == ["unknown_gateway"]


def test_a_clock_that_is_set_back_does_not_make_the_wait_longer():
    desk = Desk()
    assert desk.became(early()) == []
    assert desk.became(at=NOW - 60_000) == ["unknown_gateway"]


def test_an_old_record_is_judged_at_once():
    assert Desk().became(early(at=NOW - PATIENCE_MS)) == ["unknown_gateway"]


def test_a_signed_first_uplink_waits_on_the_shared_topic_too():
    desk = Desk()
    assert desk.became(stranger(0)) == []
    desk.register(Authentication.SIGNATURE)
    assert desk.became(at=NOW + 100) == ["accepted"]


def test_invented_names_cost_the_shared_topic_one_wait_in_half_a_minute():
    desk = Desk()
    honest = record(up(), RAW, signed(up()), offset=9)
    assert desk.became(stranger(0), honest) == []
    later = NOW + PATIENCE_MS
    assert desk.became(at=later) == ["unknown_gateway", "accepted"]
    assert desk.became(stranger(10, later), at=later) == ["unknown_gateway"]
    assert desk.became(stranger(11, NOW + REST_MS), at=NOW + REST_MS) == []


def test_what_is_revoked_or_reset_while_it_waits_is_forgotten():
    desk = Desk()
    for forget in (lambda: desk.work.revoked([Partition(NEW, 0)]), desk.work.reset):
        assert desk.became(early()) == []
        forget()
        assert desk.became(at=NOW + PATIENCE_MS) == []


@pytest.mark.parametrize("seed", range(40))
def test_waiting_loses_and_repeats_nothing_whatever_goes_wrong(seed: int) -> None:
    print("seed", seed)
    rng = random.Random(seed)
    cluster = Cluster()
    for topic in (RAW, NEW, ACCEPTED, REFUSED, NETWORK_REPORTED):
        cluster.create(topic, 2)
    known = directory()
    state = State(known, {topic: uuid5(WORLD, topic) for topic in (RAW, NEW)})

    def feed() -> None:
        key = b"%d" % rng.randrange(9)
        if rng.random() < 0.5:
            cluster.append(NEW, up(EUI), key, CHIRPSTACK_HEADERS)
        else:
            cluster.append(RAW, up(EUI), key, signed(up(EUI), rng.choice(["new", "edge"]), at=cluster.now_ms))
        if rng.random() < 0.1:
            new = gateway("new", rng.choice([Authentication.TOPIC, Authentication.SIGNATURE]))
            known.gateway_changed(id_of("new"), None, new)

    measures = Measures(CollectorRegistry())
    drill = Drill(cluster, lambda: work(state, measures, lambda _: None), [RAW, NEW], rng, limit=max_message)
    drill.run(150, feed)
    places = [Partition(topic, number) for topic in (RAW, NEW) for number in range(2)]
    drill.finish(lambda: all(not list(cluster.read(p, cluster.committed("drill", p) or 0)) for p in places))
    came = sorted(f"{r.topic}:{r.partition}:{r.offset}" for t in (RAW, NEW) for r in cluster.visible(t))
    names = {str(id): topic for topic, id in state.topic_ids.items()}
    became = []
    for topic in (ACCEPTED, REFUSED):
        for made in cluster.visible(topic):
            id, partition, offset, _ = (header(made.headers, "ce_id") or b"").decode().split(":")
            became.append(f"{names[id]}:{partition}:{offset}")
    assert sorted(became) == came
