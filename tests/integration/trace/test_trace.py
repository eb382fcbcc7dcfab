"""Traces over a real broker: every place an uplink can be in, from records such as the services write."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from treaty_chassis.kafka import topics
from treaty_chassis.kafka.work import Partition
from treaty_cli.trace.following import Follower, UnknownUplinkError
from treaty_cli.trace.log import Log
from treaty_cli.trace.nearest import nearest
from treaty_cli.trace.stages import Outcome, Trace
from treaty_embedded.process import wait_until
from treaty_embedded.pytest_plugin import KafkaAddress
from treaty_embedded.settling import settle
from treaty_events.codec import encode
from treaty_events.deadletter import DEADLETTERED, REFUSED, Failure, Origin, reason_headers
from treaty_events.decisions import ContractDecided, PluginState
from treaty_events.envelope import Envelope
from treaty_events.headers import REPLAYS, VERSION
from treaty_events.identity import EventId
from treaty_events.readings import Measurement, Provenance, ReadingNormalized
from treaty_events.topics import accepted_topic, raw_topic, standing_topics
from treaty_events.uplinks import UplinkAccepted

HOUR_MS = 3_600_000
pytestmark = pytest.mark.timeout(600)
PATIENCE_S = 180


@dataclass
class Scene:
    """One gateway's and one plugin's topics, and pens that write as the services do."""

    servers: str
    name: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:12]}")
    device: str = field(default_factory=lambda: str(uuid.uuid4()))

    def __post_init__(self) -> None:
        admin = topics.admin(self.servers)
        topics.apply(admin, [*standing_topics(), self.raw, self.accepted])
        settle(self.servers, [*(spec.name for spec in standing_topics()), self.raw.name, self.accepted.name])
        self.uuid = topics.topic_ids(admin, [self.raw.name])[self.raw.name]
        self._producer = Producer({"bootstrap.servers": self.servers, "partitioner": "murmur2_random"})

    @property
    def raw(self) -> Any:
        return raw_topic(self.name)

    @property
    def accepted(self) -> Any:
        return accepted_topic(self.name)

    def send(self, topic: str, value: bytes, key: str, headers: Any) -> Message:
        delivered: list[Message] = []
        self._producer.produce(
            topic, value, key, headers=list(headers), on_delivery=lambda error, m: delivered.append(m)
        )
        assert self._producer.flush(PATIENCE_S) == 0
        assert delivered[0].error() is None
        return delivered[0]

    def arrive(self, value: bytes = b'{"t":1}', **headers: bytes) -> EventId:
        given = {name.replace("_", "-"): content for name, content in headers.items()}
        sent = self.send(self.raw.name, value, "", given.items())
        return EventId(self.uuid, 0, sent.offset() or 0)

    def accept(self, id: EventId, **rest: Any) -> Message:
        body = UplinkAccepted(
            self.device, "w1", "s1", "g1", "acme/one", "native", "sensor-1", time.time_ns() // 1_000_000,
            b"\x01\x02", **rest,
        )  # fmt: skip
        headers = Envelope(str(id), "/treaty/ingestion", UplinkAccepted.TYPE).headers()
        return self.send(self.accepted.name, encode(body), self.device, headers)

    def read_as(self, id: EventId, count: int = 2) -> None:
        for index in range(count):
            moment = "2026-01-02T03:04:05.678Z"
            body = ReadingNormalized(
                self.device, "w1", "s1", "g1", "acme/one", moment, moment, moment,
                (Measurement("air_temperature", 20.5 + index, "Cel"),), {"open": True},
                Provenance(self.name, "1.0.0", "sha256:00", str(id)),
            )  # fmt: skip
            headers = Envelope(str(id.at(index)), "/treaty/normalization", ReadingNormalized.TYPE).headers()
            self.send("reading.normalized.v1", encode(body), self.device, headers)

    def refuse(self, id: EventId, reason: str, before: Any = ()) -> None:
        headers = reason_headers(
            before, type=REFUSED, source="/treaty/ingestion", id=id,
            origin=Origin(self.raw.name, 0, id.offset),
            failure=Failure(reason, f"because of {reason}", "ingestion"), gateway="g1", workspace="w1",
            device="sensor-1",
        )  # fmt: skip
        self.send("uplink.refused.v1", b"x", "", headers)

    def letter(self, id: EventId) -> None:
        headers = reason_headers(
            (), type=DEADLETTERED, source="/treaty/normalization", id=id,
            origin=Origin(self.accepted.name, 0, 0),
            failure=Failure("decode_error", "ValueError: 3 bytes", "decode"),
            plugin=self.name, digest="sha256:00",
        )  # fmt: skip
        self.send("uplink.deadletter.v1", b"x", self.device, headers)

    def replay(self, id: EventId) -> None:
        headers = [*Envelope(str(id), "/treaty/device-registry", "x").headers(), (REPLAYS, b"1")]
        self.send("uplink.replay.v1", b"x", self.device, headers)

    def decide(self, state: PluginState, reason: str) -> None:
        body = ContractDecided(
            self.name, "1.0.0", "sha256:00", state, reason, "ops", "2026-01-02T03:04:05.678Z", 1,
            self.accepted.name,
        )  # fmt: skip
        headers = [*Envelope(str(uuid.uuid4()), "/test", ContractDecided.TYPE).headers(), (VERSION, b"1")]
        self.send("contract.decided.v1", encode(body), self.name, headers)

    def commit(self, stage: str, topic: str, offset: int) -> None:
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": f"{stage}-{self.name}"})
        place = TopicPartition(topic, 0, offset)

        def done() -> bool:
            """Of a group that is new, whose coordinator may have yet to begin."""
            try:
                (found,) = consumer.commit(offsets=[place], asynchronous=False) or ()
            except KafkaException:
                return False
            return found.error is None

        assert wait_until(done, PATIENCE_S, 0.1)
        consumer.close()

    def ingested(self, id: EventId) -> None:
        self.commit("ingestion", self.raw.name, id.offset + 1)

    def normalized(self, message: Message) -> None:
        self.commit("normalization", self.accepted.name, (message.offset() or 0) + 1)

    def trace(self, id: EventId) -> Trace:
        with Log(self.servers) as log:
            follower = Follower(log, HOUR_MS, f"normalization-{self.name}", f"ingestion-{self.name}")
            return follower.follow(id)


@pytest.fixture
def scene(kafka: KafkaAddress) -> Iterator[Scene]:
    return Scene(kafka.bootstrap_servers)


def names(trace: Trace) -> list[str]:
    return [stage.name for stage in trace.stages]


def test_readings_are_told_with_their_values_and_the_time_each_stage_took(scene: Scene) -> None:
    id = scene.arrive(b'{"t":1}', treaty_signature=b"v1=0011", event=b"up")
    accepted = scene.accept(id, f_port=2)
    scene.read_as(id)
    scene.ingested(id)
    scene.normalized(accepted)
    found = scene.trace(id)
    assert found.outcome is Outcome.READINGS
    assert names(found) == ["raw", "accepted", "reading", "reading"]
    told = found.as_dict()
    assert [row["record"]["topic"] for row in told["stages"]][:2] == [scene.raw.name, scene.accepted.name]
    assert told["stages"][0]["headers"] == {"treaty-signature": "left out (7 bytes)", "event": "up"}
    assert told["stages"][1]["authenticated"] == "by its signature"
    assert [row["id"] for row in told["stages"][2:]] == [str(id), str(id.at(1))]
    assert told["stages"][3]["measurements"] == [
        {"name": "air_temperature", "value": 21.5, "unit": "Cel", "quality": "good"}
    ]
    assert told["duration_ms"] == told["stages"][3]["since_raw_ms"]
    assert told["stages"][1]["since_previous_ms"] == told["stages"][1]["since_raw_ms"]


def test_any_readings_id_leads_to_the_same_trace(scene: Scene) -> None:
    id = scene.arrive()
    accepted = scene.accept(id)
    scene.read_as(id)
    scene.ingested(id)
    scene.normalized(accepted)
    assert scene.trace(id.at(1)) == scene.trace(id)


def test_what_ingestion_has_not_read_waits_with_the_records_before_it(scene: Scene) -> None:
    first, id = scene.arrive(), scene.arrive()
    assert scene.trace(id).summary == "ingestion has not read it yet, with at most 1 record before it"
    scene.ingested(first)
    found = scene.trace(id)
    assert found.outcome is Outcome.WAITING
    assert found.summary == "ingestion has not read it yet, and it is next"
    assert names(found) == ["raw", "waiting"]


def test_a_final_refusal_ends_the_way(scene: Scene) -> None:
    id = scene.arrive()
    scene.refuse(id, "bad_signature")
    scene.ingested(id)
    found = scene.trace(id)
    assert (found.outcome, names(found)) == (Outcome.REFUSED, ["raw", "refused"])
    assert found.summary == "bad_signature: because of bad_signature"
    assert found.stages[-1].facts["workspace"] == "w1"


def test_an_unknown_devices_uplink_is_parked_until_it_is_replayed(scene: Scene) -> None:
    id = scene.arrive()
    scene.refuse(id, "unknown_device")
    scene.ingested(id)
    parked = scene.trace(id)
    assert (parked.outcome, names(parked)) == (Outcome.PARKED, ["raw", "refused", "parked"])
    assert parked.stages[-1].facts == {"inbox": "w1", "external_id": "sensor-1"}
    scene.replay(id)
    scene.refuse(id, "no_plugin")
    again = scene.trace(id)
    assert names(again) == ["raw", "refused", "replayed", "refused", "parked"]
    scene.replay(id)
    accepted = scene.accept(id)
    scene.read_as(id, 1)
    scene.normalized(accepted)
    found = scene.trace(id)
    assert names(found) == ["raw", "refused", "replayed", "refused", "replayed", "accepted", "reading"]
    assert found.stages[-2].facts["authenticated"] == "when it first came"


def test_a_quarantined_plugins_uplink_waits_and_says_who_paused_it_and_why(scene: Scene) -> None:
    id = scene.arrive()
    scene.accept(id)
    scene.ingested(id)
    assert scene.trace(id).summary == f"governance has not decided on {scene.name}, and it is next"
    scene.decide(PluginState.QUARANTINED, "12 violations")
    found = scene.trace(id)
    assert found.outcome is Outcome.WAITING
    assert found.summary.startswith(
        f"{scene.name} is quarantined since 2026-01-02T03:04:05.678Z: 12 violations"
    )
    assert found.stages[-1].facts["by"] == "ops"
    assert found.stages[-1].facts["ahead"] == 0


def test_a_repeat_names_the_uplink_whose_readings_stand(scene: Scene) -> None:
    first, second, third = scene.arrive(), scene.arrive(), scene.arrive()
    for id in (first, second, third):
        accepted = scene.accept(id, dedup_id="same")
    scene.read_as(first, 1)
    scene.ingested(third)
    scene.normalized(accepted)
    assert scene.trace(first).outcome is Outcome.READINGS
    for repeat in (second, third):
        found = scene.trace(repeat)
        assert (found.outcome, names(found)) == (Outcome.DUPLICATE, ["raw", "accepted", "duplicate"])
        assert found.stages[-1].facts["of"] == str(first)
        assert found.stages[-1].facts["accepted"]["offset"] == 0


def test_a_dead_letter_tells_its_reason(scene: Scene) -> None:
    id = scene.arrive()
    accepted = scene.accept(id)
    scene.letter(id)
    scene.ingested(id)
    scene.normalized(accepted)
    found = scene.trace(id)
    assert (found.outcome, found.summary) == (Outcome.DEAD_LETTER, "decode_error: ValueError: 3 bytes")


def test_an_uplink_of_which_the_plugin_made_nothing_is_told_so(scene: Scene) -> None:
    id = scene.arrive()
    accepted = scene.accept(id)
    scene.ingested(id)
    scene.normalized(accepted)
    assert scene.trace(id).outcome is Outcome.NO_READING


def test_what_was_aborted_is_not_seen(scene: Scene) -> None:
    id = scene.arrive()
    accepted = scene.accept(id)
    pen = Producer({"bootstrap.servers": scene.servers, "transactional.id": scene.name})
    pen.init_transactions(PATIENCE_S)
    pen.begin_transaction()
    headers = Envelope(str(id), "/treaty/normalization", ReadingNormalized.TYPE).headers()
    pen.produce("reading.normalized.v1", b"{}", scene.device, headers=headers)
    pen.flush(PATIENCE_S)
    pen.abort_transaction(PATIENCE_S)
    scene.ingested(id)
    scene.normalized(accepted)
    assert scene.trace(id).outcome is Outcome.NO_READING


def test_a_group_in_the_midst_of_a_transaction_is_asked_again(scene: Scene) -> None:
    place, group = Partition(scene.accepted.name, 0), scene.name
    producer = Producer({"bootstrap.servers": scene.servers, "transactional.id": scene.name})
    producer.init_transactions(PATIENCE_S)
    member = Consumer({"bootstrap.servers": scene.servers, "group.id": group})
    with Log(scene.servers, answer_s=0.2) as log:
        assert log.committed(group, place) is None
        producer.begin_transaction()
        producer.send_offsets_to_transaction(
            [TopicPartition(*place, 7)], member.consumer_group_metadata(), PATIENCE_S
        )
        with pytest.raises(KafkaException) as unstable:
            log.committed(group, place)
        assert unstable.value.args[0].code() == KafkaError.UNSTABLE_OFFSET_COMMIT
        producer.commit_transaction(PATIENCE_S)
    with Log(scene.servers) as log:
        assert log.committed(group, place) == 7
    member.close()


def test_an_id_that_names_nothing_says_which_part_is_wrong(scene: Scene) -> None:
    id = scene.arrive()
    with pytest.raises(UnknownUplinkError, match="no raw topic of this Kafka has the UUID"):
        scene.trace(EventId(uuid.uuid4(), 0, 0))
    with pytest.raises(UnknownUplinkError, match="has no partition 7"):
        scene.trace(EventId(scene.uuid, 7, 0))
    with pytest.raises(UnknownUplinkError, match=f"ends at {id.offset + 1}"):
        scene.trace(EventId(scene.uuid, 0, 99))


def test_a_devices_nearest_uplinks_are_found_whatever_became_of_them(scene: Scene) -> None:
    device, other = uuid.uuid4().hex[:16], uuid.uuid4().hex[:16]
    mine = [
        scene.arrive(b"\x01", treaty_device=device.encode(), content_type=b"application/octet-stream")
        for _ in range(3)
    ]
    scene.arrive(b"\x01", treaty_device=other.encode(), content_type=b"application/octet-stream")
    now = time.time_ns() // 1_000_000
    with Log(scene.servers) as log:
        found = nearest(log, device.upper(), now, 60_000, 2)
        assert set(found) <= set(mine)
        assert len(found) == 2
        assert nearest(log, device, now - HOUR_MS, 60_000, 2) == []
