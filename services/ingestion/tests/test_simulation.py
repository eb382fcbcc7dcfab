"""Ingestion's own step through crashes, aborts and rebalances in the simulated cluster."""

from __future__ import annotations

import random
from uuid import uuid5

import pytest
from prometheus_client import CollectorRegistry

from treaty_chassis.kafka.work import Partition
from treaty_chassis.simulation.cluster import Cluster
from treaty_chassis.simulation.drill import Drill
from treaty_events.envelope import Envelope
from treaty_events.identity import EventId
from treaty_events.topics import NETWORK_REPORTED, RAW, REFUSED, accepted_topic, raw_topic
from treaty_ingestion.app import max_message, work
from treaty_ingestion.measures import Measures
from treaty_ingestion.step import State

from .fleet import CHIRPSTACK_HEADERS, WORLD, directory, id_of, signed, up

NORTH = raw_topic("north").name
ACCEPTED = accepted_topic("decentlab").name
MEASURES = Measures(CollectorRegistry())


@pytest.mark.parametrize("seed", range(40))
def test_every_raw_record_has_exactly_one_outcome_under_its_own_identity(seed: int) -> None:
    print("seed", seed)
    rng = random.Random(seed)
    cluster = Cluster()
    for topic in (RAW, NORTH, ACCEPTED, REFUSED, NETWORK_REPORTED):
        cluster.create(topic, 2)
    state = State(directory(), {topic: uuid5(WORLD, topic) for topic in (RAW, NORTH)})

    def feed() -> None:
        kind = rng.choice(["own topic", "signed", "forged", "unknown device", "join"])
        key = b"%d" % rng.randrange(9)
        if kind == "own topic":
            cluster.append(NORTH, up(), key, CHIRPSTACK_HEADERS)
        elif kind == "unknown device":
            cluster.append(NORTH, up("70b3d57ba0000000"), key, CHIRPSTACK_HEADERS)
        elif kind == "join":
            cluster.append(NORTH, up(), key, [("event", b"join")])
        else:
            secret = {"secret": b"guessed"} if kind == "forged" else {}
            cluster.append(RAW, up(), key, signed(up(), at=cluster.now_ms, **secret))

    drill = Drill(
        cluster, lambda: work(state, MEASURES, lambda _: None), [RAW, NORTH], rng, limit=max_message
    )
    drill.run(150, feed)
    places = [Partition(topic, number) for topic in (RAW, NORTH) for number in range(2)]
    drill.finish(lambda: all(not list(cluster.read(p, cluster.committed("drill", p) or 0)) for p in places))
    came = {
        EventId(state.topic_ids[r.topic], r.partition, r.offset)
        for topic in (RAW, NORTH)
        for r in cluster.visible(topic)
    }
    became = [
        EventId.parse(Envelope.of(r.headers).id)
        for topic in (ACCEPTED, REFUSED, NETWORK_REPORTED)
        for r in cluster.visible(topic)
    ]
    assert len(became) == len(set(became))
    assert set(became) == came
    assert {r.key for r in cluster.visible(ACCEPTED)} <= {id_of("iam").encode()}
