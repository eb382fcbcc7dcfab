"""From an unknown device's uplink to its acceptance: registry and ingestion as they are deployed."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
import uuid
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from confluent_kafka import KafkaException, Producer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from treaty_chassis.kafka.topics import admin, apply, topic_ids
from treaty_chassis.sealing import generate_key
from treaty_embedded.reading import read_to_end
from treaty_embedded.stack import broker
from treaty_events.codec import decode, encode
from treaty_events.decisions import ContractDecided, PluginState
from treaty_events.headers import header
from treaty_events.topics import CONTRACT_DECIDED, accepted_topic
from treaty_events.uplinks import UplinkAccepted

# A broker, a registry and an ingestion for this module.
pytestmark = [pytest.mark.xdist_group("inbox-integration"), pytest.mark.timeout(900)]
SECONDS = 180
REGISTRY, INGESTION = "treaty_device_registry", "treaty_ingestion"


class World:
    """The servers, the environment of the processes, and the devices' and governance's side of Kafka."""

    def __init__(self, servers, database_url, redis_url, folder):
        key = Ed25519PrivateKey.generate()
        private = {**json.loads(OKPAlgorithm.to_jwk(key)), "kid": "test"}
        public = {name: value for name, value in private.items() if name != "d"}
        (folder / "issuer.jwk").write_text(json.dumps(private))
        (folder / "jwks.json").write_text(json.dumps({"keys": [public]}))
        self.environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": servers,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "TREATY_HTTP_PORT": "0",
            "TREATY_SEALING_KEY": generate_key(),
            "TREATY_JWKS_FILE": str(folder / "jwks.json"),
            "TREATY_DEV_ISSUER_KEY_FILE": str(folder / "issuer.jwk"),
            "TREATY_DEV_CLIENT_SECRET": "secret",
        }
        self.servers = servers
        self.producer = Producer({"bootstrap.servers": servers})

    def send(self, topic, body, headers):
        self.producer.produce(topic, body, headers=headers)
        assert self.producer.flush(SECONDS) == 0

    def admit(self, plugin):
        """As governance: the plugin's topic, then the decision that names it."""
        topic = accepted_topic(plugin)
        apply(admin(self.servers), [topic])
        decided = ContractDecided(
            plugin=plugin,
            plugin_version="1.0.0",
            digest="sha256:0",
            state=PluginState.ADMITTED,
            reason="",
            decided_by="test",
            decided_at="2026-01-01T00:00:00.000Z",
            version=1,
            topic=topic.name,
        )
        self.producer.produce(CONTRACT_DECIDED, encode(decided), plugin)
        assert self.producer.flush(SECONDS) == 0

    def read(self, topic):
        """All committed records of a topic."""
        return read_to_end(self.servers, topic)

    def accepted(self, plugin, external_id):
        """(identity, uplink) of the device's accepted uplinks, in order."""
        records = self.read(accepted_topic(plugin).name)
        found = [(header(r.headers(), "ce_id").decode(), decode(UplinkAccepted, r.value())) for r in records]
        return [pair for pair in found if pair[1].external_id == external_id]


@pytest.fixture
def world(database, valkey, tmp_path):
    with broker(tmp_path / "kafka") as kafka:
        yield World(kafka.bootstrap_servers, database.url, valkey.url, tmp_path)


@asynccontextmanager
async def service(module, world, end=signal.SIGTERM):
    """A client of the process once it is ready; `kill` ends it before its time."""
    log = Path(world.environment["TREATY_JWKS_FILE"]).with_name(f"{module}.{uuid.uuid4().hex}.log")
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module), env=world.environment, stderr=stderr
        )
    try:
        port = await until(lambda: listening(log, process))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as client:
            await until(lambda: is_ready(client))
            if module == REGISTRY:
                await authorise(client)
            yield client
        process.send_signal(end)
        await asyncio.wait_for(process.wait(), SECONDS)
    except BaseException:
        print(log.read_text()[-5000:])
        raise
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def listening(log, process):
    assert process.returncode is None, log.read_text()
    for line in log.read_text().splitlines(keepends=True):
        if '"port"' in line and line.endswith("\n"):
            return json.loads(line)["port"]
    return None


async def is_ready(client):
    return (await client.get("/readyz")).status_code == 200


async def authorise(client):
    form = {"grant_type": "client_credentials", "client_id": "treaty-dev", "client_secret": "secret"}
    answer = await client.post("/oauth2/token", data=form)
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


async def until(condition):
    """What does not answer now may do so when it is asked again."""
    deadline = time.monotonic() + SECONDS
    while True:
        with contextlib.suppress(httpx.TransportError, KafkaException):
            found = await condition()
            if found:
                return found
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.05)


async def make(client, path, body):
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def migrate(world):
    command = (sys.executable, "-m", f"{REGISTRY}.migrate")
    process = await asyncio.create_subprocess_exec(*command, env=world.environment)
    assert await process.wait() == 0


async def speak(world, gateway, external_id, payloads):
    """Native uplinks on the gateway's own topic."""
    for payload in payloads:
        await asyncio.to_thread(
            world.send, gateway["topic"], payload, [("treaty-device", external_id.encode())]
        )


async def inbox(client, path):
    answer = await client.get(f"{path}/inbox")
    return answer.json()["items"] if answer.status_code == 200 else []


async def heard(world, client, path, gateway):
    """Whether ingestion knows the gateway by now: what comes before is refused for good."""
    await speak(world, gateway, "herald", [b"anybody?"])
    return any(item["external_id"] == "herald" for item in await inbox(client, path))


async def waiting(client, path, external_id, count):
    items = await inbox(client, path)
    return any(item["external_id"] == external_id and item["parked"] == count for item in items)


async def arrived(world, plugin, external_id, count):
    return len(await asyncio.to_thread(world.accepted, plugin, external_id)) >= count


async def test_what_a_stranger_sent_is_accepted_once_and_in_order_after_approval(world):
    await migrate(world)
    async with AsyncExitStack() as running:
        first = AsyncExitStack()
        registry = await first.enter_async_context(service(REGISTRY, world, signal.SIGKILL))
        await asyncio.to_thread(world.admit, "acme")
        await running.enter_async_context(service(INGESTION, world))
        path = f"/v1/workspaces/{(await make(registry, '/v1/workspaces', {'name': 'W'}))['id']}"
        gateway = await make(
            registry,
            f"{path}/gateways",
            {"slug": "field", "network": "native", "authentication": "topic"},
        )
        for model, plugin in (("acme/m", "acme"), ("later/m", "later")):
            await make(registry, "/v1/device-models", {"id": model, "name": "M", "plugin": plugin})

        await until(lambda: heard(world, registry, path, gateway))
        payloads = [b"payload %d" % n for n in range(20)]
        await speak(world, gateway, "stranger", payloads)
        await until(lambda: waiting(registry, path, "stranger", 20))
        approved = await make(registry, f"{path}/inbox/stranger/approve", {"model": "acme/m"})
        assert approved["replayed"] == 20
        # Killed with the replay anywhere between the two databases: the next one knows what went out.
        await first.aclose()
        registry = await running.enter_async_context(service(REGISTRY, world))
        await until(lambda: arrived(world, "acme", "stranger", 20))

        # Known, but its plugin is not there yet: it waits by itself.
        await make(
            registry,
            f"{path}/devices",
            {"external_id": "early", "gateway_id": gateway["id"], "model": "later/m"},
        )
        await speak(world, gateway, "early", payloads[:3])
        await until(lambda: waiting(registry, path, "early", 3))
        await asyncio.to_thread(world.admit, "later")
        await until(lambda: arrived(world, "later", "early", 3))
        await until(lambda: _only_the_herald(registry, path))

    found = world.accepted("acme", "stranger")
    raw = [r for r in world.read(gateway["topic"]) if dict(r.headers())["treaty-device"] == b"stranger"]
    topic_id = topic_ids(admin(world.servers), [gateway["topic"]])[gateway["topic"]]
    assert [id for id, _ in found] == [f"{topic_id}:0:{record.offset()}:0" for record in raw]
    assert [uplink.payload for _, uplink in found] == payloads
    assert [uplink.received_at for _, uplink in found] == [record.timestamp()[1] for record in raw]
    assert {uplink.device for _, uplink in found} == {approved["device"]["id"]}
    assert [uplink.payload for _, uplink in world.accepted("later", "early")] == payloads[:3]


async def _only_the_herald(client, path):
    return [item["external_id"] for item in await inbox(client, path)] == ["herald"]
