"""Ingestion as it is deployed, on a real broker, with records as the outside writes them."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from treaty_embedded.stack import broker
from treaty_events import codec, topics
from treaty_events.deadletter import original_headers
from treaty_events.envelope import Envelope
from treaty_events.fleet import Authentication
from treaty_events.headers import header
from treaty_events.uplinks import UplinkAccepted

from .deployed import ACCEPTED, Ingestion, World, wait_for
from .fleet import CHIRPSTACK_HEADERS, signed, up

# One broker and one process serve the module: the service's topics and its group are the same in all.
pytestmark = [pytest.mark.xdist_group("ingestion-service"), pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with broker(tmp_path_factory.mktemp("ingestion-kafka")) as kafka:
        found = World(kafka.bootstrap_servers)
        found.create(*topics.standing_topics())
        found.admit()
        yield found


class Keeper:
    """Keeps one ingestion running: a test that stopped it leaves the next one a new process in the slot."""

    def __init__(self, world: World, logs: Path) -> None:
        self._world = world
        self._logs = logs
        self._running: list[Ingestion] = []

    def ensure(self) -> Ingestion:
        if not self._running or self._running[-1].process.poll() is not None:
            log = self._logs / f"{len(self._running)}.log"
            self._running.append(Ingestion(self._world.servers, log))
        self._running[-1].wait_ready()
        return self._running[-1]

    def close(self) -> None:
        for ingestion in self._running:
            ingestion.process.kill()
            ingestion.process.wait()


@pytest.fixture(scope="module")
def keeper(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper]:
    found = Keeper(world, tmp_path_factory.mktemp("ingestion"))
    yield found
    found.close()


@pytest.fixture
def ingestion(keeper: Keeper) -> Ingestion:
    """Running and ready."""
    return keeper.ensure()


def eui() -> str:
    return uuid.uuid4().hex[:16]


def uplinks(world: World, device: str) -> list[UplinkAccepted]:
    """Accepted ones of a device, in order."""
    key = device.encode()
    return [codec.decode(UplinkAccepted, r.value) for r in world.read(ACCEPTED) if r.key == key]


def refusals(world: World, value: bytes) -> list[tuple[str, list]]:
    return [
        (header(r.headers, "treaty-reason").decode(), r.headers)
        for r in world.read(topics.REFUSED)
        if r.value == value
    ]


def hears(world: World) -> None:
    """Returns once the running ingestion has heard of every gateway and device told of so far: of those told
    of last it takes an uplink. Until then an uplink may be refused for what is on its way."""
    gateway = world.gateway(Authentication.SIGNATURE, "acme")
    device = world.device(gateway, eui())
    sent = 0

    def taken() -> bool:
        nonlocal sent
        value = up(device.external_id, base64.b64encode(b"%d" % sent).decode())
        sent += 1
        world.produce(topics.RAW, value, "k", signed(value, gateway.slug, at=time.time_ns() // 1_000_000))
        wait_for(lambda: uplinks(world, device.device) or refusals(world, value), "what becomes of it")
        return bool(uplinks(world, device.device))

    wait_for(taken, "ingestion to have heard")


def test_an_unmodified_chirpstack_message_on_a_new_gateways_topic_is_accepted_within_seconds(
    world, ingestion
):
    """The gateway, its topic and the device are all made while ingestion runs."""
    gateway = world.gateway(Authentication.TOPIC, "acme")
    device = world.device(gateway, eui())
    hears(world)
    key = f"application.1757.device.{device.external_id}.event.up"
    world.produce(gateway.topic, up(device.external_id), key, CHIRPSTACK_HEADERS)
    # librdkafka itself would look for new topics every five minutes.
    wait_for(lambda: len(uplinks(world, device.device)) == 1, "the accepted uplink")
    (accepted,) = (r for r in world.read(ACCEPTED) if r.key == device.device.encode())
    (raw,) = world.read(gateway.topic)
    assert Envelope.of(accepted.headers).id == f"{world.uuid_of(gateway.topic)}:0:{raw.offset}:0"
    assert uplinks(world, device.device)[0].received_at == raw.timestamp_ms


def test_a_signed_record_passes_and_a_forged_one_lands_in_refused_with_its_bytes(world, ingestion):
    gateway = world.gateway(Authentication.SIGNATURE, "acme")
    device = world.device(gateway, eui())
    hears(world)
    now = time.time_ns() // 1_000_000
    good, forged = up(device.external_id), up(device.external_id, "Zm9yZ2Vk")
    forged_headers = [*signed(forged, gateway.slug, secret=b"guessed", at=now), ("x", None)]
    world.produce(topics.RAW, good, "k1", signed(good, gateway.slug, at=now))
    world.produce(topics.RAW, forged, "k2", forged_headers)
    wait_for(lambda: len(uplinks(world, device.device)) == 1, "the signed uplink")
    wait_for(lambda: len(refusals(world, forged)) == 1, "the refusal")
    ((reason, headers),) = refusals(world, forged)
    assert reason == "bad_signature"
    assert original_headers(headers) == forged_headers
    assert [r.key for r in world.read(topics.REFUSED) if r.value == forged] == [b"k2"]


def test_two_tenants_with_the_same_dev_eui_get_their_own_uplinks(world, ingestion):
    shared = eui()
    mine, theirs = (world.gateway(Authentication.TOPIC, workspace) for workspace in ("acme", "zenith"))
    devices = [world.device(gateway, shared) for gateway in (mine, theirs)]
    hears(world)
    for gateway, count in ((mine, 1), (theirs, 2)):
        for _ in range(count):
            world.produce(gateway.topic, up(shared), "k", CHIRPSTACK_HEADERS)
    wait_for(lambda: [len(uplinks(world, d.device)) for d in devices] == [1, 2], "each one's uplinks")


def test_an_unknown_devices_uplink_is_parked_and_goes_on_under_its_identity_when_replayed(world, ingestion):
    gateway = world.gateway(Authentication.TOPIC, "acme")
    external_id = eui()
    world.produce(gateway.topic, up(external_id), "k", CHIRPSTACK_HEADERS)
    wait_for(lambda: len(refusals(world, up(external_id))) == 1, "the refusal")
    ((reason, headers),) = refusals(world, up(external_id))
    assert reason == "unknown_device"
    assert header(headers, "treaty-workspace") == b"acme"
    id, received_at = Envelope.of(headers).id, header(headers, "treaty-received-at")

    device = world.device(gateway, external_id)
    hears(world)
    replay = [
        *CHIRPSTACK_HEADERS,
        ("treaty-original-headers", b"1"),
        ("ce_id", id.encode()),
        ("treaty-gateway", gateway.gateway.encode()),
        ("treaty-received-at", received_at),
        ("treaty-replays", b"1"),
    ]
    world.produce(topics.REPLAY, up(external_id), device.device, replay)
    wait_for(lambda: len(uplinks(world, device.device)) == 1, "the replayed uplink")
    (accepted,) = (r for r in world.read(ACCEPTED) if r.key == device.device.encode())
    assert Envelope.of(accepted.headers).id == id
    assert uplinks(world, device.device)[0].received_at == int(received_at)


def test_readiness_and_metrics_tell_what_it_does(world, ingestion):
    gateway = world.gateway(Authentication.SIGNATURE, "acme")
    device = world.device(gateway, eui())
    hears(world)
    now, value = time.time_ns() // 1_000_000, up(device.external_id)
    world.produce(topics.RAW, value, "k", signed(value, gateway.slug, secret=b"guessed", at=now))
    world.produce(topics.RAW, value, "k", signed(value, gateway.slug, at=now))
    wait_for(lambda: len(uplinks(world, device.device)) == 1, "the signed uplink")
    wait_for(lambda: len(refusals(world, value)) == 1, "the refusal")
    status, body = ingestion.get("/readyz")
    assert status == 200
    assert json.loads(body) == {"ready": True, "checks": {"views": "ok", "secrets": "ok", "runner": "ok"}}
    assert ingestion.get("/livez")[0] == 200
    metrics = ingestion.get("/metrics")[1]
    assert 'treaty_ingestion_uplinks_total{outcome="accepted",reason=""}' in metrics
    assert 'treaty_ingestion_uplinks_total{outcome="refused",reason="bad_signature"}' in metrics
    assert "treaty_runner_transactions_total" in metrics


def test_a_backlog_made_while_it_was_down_for_ten_minutes_is_accepted(world, keeper):
    """Its records were signed and appended ten minutes ago. A topic that keeps the producer's time stands
    in for the wait: LogAppendTime would have been the same."""
    gateway = world.gateway(Authentication.SIGNATURE, "acme")
    device = world.device(gateway, eui())
    own = topics.raw_topic(gateway.slug)
    world.create(replace(own, config={**own.config, "message.timestamp.type": "CreateTime"}))
    stopped = keeper.ensure()
    stopped.process.terminate()
    assert stopped.process.wait(90) == 0, "it drains and ends in order"

    value = up(device.external_id)
    for minutes, at in ((10, 0), (9, 0), (8, 400_000)):
        appended = time.time_ns() // 1_000_000 - minutes * 60_000
        headers = signed(value, gateway.slug, at=appended + at)
        world.produce(own.name, value, "k", headers, timestamp=appended)
    keeper.ensure()
    wait_for(lambda: len(uplinks(world, device.device)) == 2, "the backlog")
    wait_for(lambda: len(refusals(world, value)) == 1, "the one that was stale when it was appended")
    assert refusals(world, value)[0][0] == "stale_signature"
    assert len(uplinks(world, device.device)) == 2


def test_killed_under_load_again_and_again_each_record_has_one_outcome(world, keeper):
    gateway = world.gateway(Authentication.TOPIC, "acme")
    device = world.device(gateway, eui())
    keeper.ensure()
    hears(world)
    sent = 0
    for _ in range(4):
        running = keeper.ensure()
        seen = len(uplinks(world, device.device))
        while len(uplinks(world, device.device)) == seen:
            for _ in range(50):
                world.produce(gateway.topic, up(device.external_id), str(sent), CHIRPSTACK_HEADERS)
                sent += 1
        running.process.kill()
        running.process.wait()
    keeper.ensure()
    wait_for(lambda: len(uplinks(world, device.device)) >= sent, "every uplink")
    ids = [Envelope.of(r.headers).id for r in world.read(ACCEPTED) if r.key == device.device.encode()]
    topic = world.uuid_of(gateway.topic)
    assert ids == [f"{topic}:0:{r.offset}:0" for r in world.read(gateway.topic)]
    assert len(ids) == sent


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TREATY_SEALING_KEY": "short"}, "sealing key"),
        ({"TREATY_SLOT": "Not A Slot"}, "TREATY_SLOT"),
        ({"TREATY_HTTP_PORT": "70000"}, "TREATY_HTTP_PORT"),
        ({"TREATY_LOG_LEVEL": "LOUD"}, "TREATY_LOG_LEVEL"),
    ],
)
def test_a_wrong_setting_stops_it_at_start_by_name(world, tmp_path, environment, said):
    found = Ingestion(world.servers, tmp_path / "log", **environment)
    assert found.process.wait(90) != 0
    assert said in found.log.read_text()


def test_a_gateways_deleted_topic_stops_nothing_and_is_read_again_when_it_is_back(world, keeper):
    doomed, other = (world.gateway(Authentication.TOPIC, "acme") for _ in range(2))
    devices = [world.device(gateway, eui()) for gateway in (doomed, other)]
    running = keeper.ensure()
    hears(world)
    world.produce(doomed.topic, up(devices[0].external_id), "k", CHIRPSTACK_HEADERS)
    wait_for(lambda: len(uplinks(world, devices[0].device)) == 1, "the first uplink")
    # Down while the topic goes: the coordinator gives a static member that comes back what it had.
    running.process.kill()
    running.process.wait()
    before = world.uuid_of(doomed.topic)
    world.delete(doomed.topic)
    again = keeper.ensure()
    world.produce(other.topic, up(devices[1].external_id), "k", CHIRPSTACK_HEADERS)
    wait_for(lambda: len(uplinks(world, devices[1].device)) == 1, "another gateway's uplink")
    world.create(topics.raw_topic(doomed.slug))
    assert world.uuid_of(doomed.topic) != before
    world.produce(doomed.topic, up(devices[0].external_id), "k", CHIRPSTACK_HEADERS)
    wait_for(
        lambda: len(uplinks(world, devices[0].device)) == 2, "the uplink on the topic that was made again"
    )
    assert again.process.poll() is None, "all of it by one process"
    assert again.get("/readyz")[0] == 200


def test_a_gateways_first_uplink_is_accepted_though_it_overtakes_the_registration(world, ingestion):
    """The topic is there before the view knows of the gateway; by topic and by signature. A registration that
    a busy machine holds up for longer than ingestion waits, which is two seconds, tells nothing, nor does one
    while the shared topic rests from waiting for another: there is one more."""
    for authentication in (Authentication.TOPIC, Authentication.SIGNATURE):
        wait_for(lambda a=authentication: _first_uplink_is_accepted(world, a), "one that is accepted")


def _first_uplink_is_accepted(world: World, authentication: Authentication) -> bool:
    late = world.unregistered(authentication, "acme")
    device = world.device(late, eui())
    value = up(device.external_id)
    if authentication is Authentication.TOPIC:
        warm, heard = world.gateway(Authentication.TOPIC, "acme"), up(eui())
        world.create(topics.raw_topic(late.slug))
        world.produce(warm.topic, heard, "k", CHIRPSTACK_HEADERS)
        wait_for(lambda: len(refusals(world, heard)) == 1, "ingestion to take on what is new")
        world.produce(late.topic, value, "k", CHIRPSTACK_HEADERS)
    else:
        world.produce(topics.RAW, value, "k", signed(value, late.slug, at=time.time_ns() // 1_000_000))
    world.register(late)
    wait_for(lambda: uplinks(world, device.device) or refusals(world, value), "the outcome")
    return len(uplinks(world, device.device)) == 1
