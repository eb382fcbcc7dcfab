"""Both processes as they run: real Kafka, PostgreSQL and Valkey, kill -9 included."""

import asyncio
import json
import os
import signal
import sys
import time
import uuid
from contextlib import asynccontextmanager

import httpx
import psycopg
import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from treaty_chassis.kafka.topics import admin, existing
from treaty_chassis.postgres.migrations import upgrade
from treaty_chassis.sealing import generate_key
from treaty_device_registry.schema import MIGRATIONS, SCHEMA
from treaty_events.codec import encode
from treaty_events.envelope import Envelope
from treaty_events.instants import rfc3339
from treaty_events.readings import Measurement, Provenance, ReadingNormalized
from treaty_events.topics import DEVICE_CHANGED, READING_NORMALIZED

# The relay's transactional.id is of the broker: two registries on one broker fence each other.
pytestmark = [pytest.mark.xdist_group("device-registry-service"), pytest.mark.timeout(900)]
SECONDS = 120
API, PROJECTOR = "treaty_device_registry", "treaty_device_registry.projector"


@pytest.fixture
def migrated(database):
    """A database of this test's own: what other tests left in an outbox would be sent, in their order, first,
    and not all of it has a topic."""
    upgrade(database.url, MIGRATIONS, SCHEMA)
    return database.url


@pytest.fixture
def environment(migrated, kafka, valkey, keys):
    return {
        **os.environ,
        "DATABASE_URL": migrated,
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "REDIS_URL": valkey.url,
        "TREATY_HTTP_PORT": "0",
        "TREATY_JWKS_FILE": str(keys.jwks_file),
        "TREATY_SEALING_KEY": generate_key(),
        "TREATY_DEV_ISSUER_KEY_FILE": str(keys.private_file),
        "TREATY_DEV_CLIENT_SECRET": "secret",
    }


@asynccontextmanager
async def service(module, environment, end=signal.SIGTERM):
    """A client of the process once it is ready; ended by `end`, which must be obeyed. None: the process ends
    itself, with exit code 1."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module), env=environment, stderr=asyncio.subprocess.PIPE
    )
    port, said = asyncio.get_running_loop().create_future(), []

    async def listen():
        async for line in process.stderr:
            said.append(line.decode())
            entry = json.loads(line) if line.startswith(b"{") else {}
            if entry.get("message") == "listening" and not port.done():
                port.set_result(entry["port"])
        if not port.done():
            port.set_exception(RuntimeError("".join(said)))

    listening = asyncio.create_task(listen())
    try:
        base = f"http://127.0.0.1:{await asyncio.wait_for(port, SECONDS)}"
        async with httpx.AsyncClient(base_url=base, timeout=SECONDS) as client:
            await until(lambda: is_ready(client))
            yield client
        if end is not None:
            process.send_signal(end)
        code = await asyncio.wait_for(process.wait(), SECONDS)
        assert code == {None: 1, signal.SIGTERM: 0, signal.SIGKILL: -9}[end], "".join(said)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await listening


async def is_ready(client):
    return (await client.get("/readyz")).status_code == 200


async def until(condition):
    deadline = time.monotonic() + SECONDS
    while True:
        found = await condition()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.05)


async def authorised(client):
    form = {"grant_type": "client_credentials", "client_id": "treaty-dev", "client_secret": "secret"}
    token = (await client.post("/oauth2/token", data=form)).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"


def told_of(kafka, key):
    """Versions of a device in device.changed.v1, as read_committed consumers see them."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": uuid.uuid4().hex,
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(DEVICE_CHANGED, 0, 0)])
    found, ended = [], False
    try:
        while not ended:
            for record in consumer.consume(500, 5):
                if record.error() is not None:
                    # What else it says passes.
                    ended = ended or record.error().code() == KafkaError._PARTITION_EOF
                elif record.key() == key.encode():
                    found.append(int(dict(record.headers())["treaty-version"]))
    finally:
        consumer.close()
    return found


async def test_changes_are_told_once_and_in_order_whatever_is_killed(environment, kafka, make, unique):
    async with service(API, environment, signal.SIGKILL) as client:
        await authorised(client)
        assert DEVICE_CHANGED in existing(admin(kafka.bootstrap_servers))
        workspace = await make(client, "/v1/workspaces", {"name": unique("w")})
        path = f"/v1/workspaces/{workspace['id']}"
        body = {"slug": unique("g"), "network": "native", "authentication": "signature"}
        gateway = await make(client, f"{path}/gateways", body)
        model = {"id": f"acme/{unique('m')}", "name": "M", "plugin": unique("p")}
        await make(client, "/v1/device-models", model)
        body = {"external_id": unique("d"), "gateway_id": gateway["id"], "model": model["id"]}
        device = (await make(client, f"{path}/devices", body))["id"]
        await change(client, f"{path}/devices/{device}", 5)
    for end in (signal.SIGKILL, signal.SIGTERM):
        async with service(API, environment, end) as client:
            await authorised(client)
            await change(client, f"{path}/devices/{device}", 5)
    async with service(API, environment) as client:
        await authorised(client)
        gone = await client.delete(f"{path}/devices/{device}", headers={"If-Match": "*"})
        assert gone.status_code == 204
        await until(lambda: _told_all(kafka, device, 17))
    assert told_of(kafka, device) == list(range(1, 18))


async def change(client, path, times):
    for n in range(times):
        answer = await client.patch(path, json={"name": f"N{n}"}, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text


async def test_a_kafka_that_has_lost_it_is_told_of_a_device_again(environment, kafka, make, unique):
    async with service(API, environment) as client:
        await authorised(client)
        workspace = await make(client, "/v1/workspaces", {"name": unique("w")})
        path = f"/v1/workspaces/{workspace['id']}"
        body = {"slug": unique("g"), "network": "native", "authentication": "topic"}
        gateway = await make(client, f"{path}/gateways", body)
        model = {"id": f"acme/{unique('m')}", "name": "M", "plugin": unique("p")}
        await make(client, "/v1/device-models", model)
        body = {"external_id": unique("d"), "gateway_id": gateway["id"], "model": model["id"]}
        device = (await make(client, f"{path}/devices", body))["id"]
        await until(lambda: _told_all(kafka, device, 1))
        lost = admin(kafka.bootstrap_servers)
        for deleted in lost.delete_topics([gateway["topic"]]).values():
            await asyncio.to_thread(deleted.result, SECONDS)
        for topic in ("gateway.changed.v1", DEVICE_CHANGED):
            answer = await client.post(f"/v1/resend/{topic}", params={"limit": 500}, timeout=SECONDS)
            assert answer.status_code == 202, answer.text
            assert answer.json()["next"] is None
        await until(lambda: _told_all(kafka, device, 2))
        assert gateway["topic"] in existing(lost)
    assert told_of(kafka, device) == [1, 1]


async def _told_all(kafka, device, count):
    return len(await asyncio.to_thread(told_of, kafka, device)) >= count


async def test_a_reading_is_state_soon_and_again_after_both_were_killed(environment, kafka, make, unique):
    async with service(API, environment, signal.SIGKILL) as client:
        await authorised(client)
        workspace = await make(client, "/v1/workspaces", {"name": unique("w")})
        path = f"/v1/workspaces/{workspace['id']}"
        body = {"slug": unique("g"), "network": "native", "authentication": "signature"}
        gateway = await make(client, f"{path}/gateways", body)
        model = {"id": f"acme/{unique('m')}", "name": "M", "plugin": unique("p")}
        await make(client, "/v1/device-models", model)
        body = {"external_id": unique("d"), "gateway_id": gateway["id"], "model": model["id"]}
        device = (await make(client, f"{path}/devices", body))["id"]
        for value, end in ((1.0, signal.SIGKILL), (2.0, signal.SIGTERM)):
            async with service(PROJECTOR, environment, end):
                produce(kafka, device, value)
                await until(lambda: _shows(client, f"{path}/devices/{device}", value))  # noqa: B023
    async with service(API, environment) as client:
        await authorised(client)
        assert await _shows(client, f"{path}/devices/{device}", 2.0)
        history = (await client.get(f"{path}/devices/{device}/readings")).json()["items"]
        assert [item["measurements"][0]["value"] for item in history] == [2.0, 1.0]


async def _shows(client, path, value):
    answer = await client.get(f"{path}/state")
    found = answer.json()["state"] if answer.status_code == 200 else None
    return found is not None and found["measurements"][0]["value"] == value


def produce(kafka, device, value):
    now = rfc3339(time.time_ns() // 1_000_000)
    reading = ReadingNormalized(
        device=device,
        workspace=str(uuid.uuid4()),
        site="",
        gateway=str(uuid.uuid4()),
        model="acme/m",
        observed_at=now,
        ordered_at=now,
        received_at=now,
        measurements=(Measurement("x", value, "1"),),
        properties={},
        provenance=Provenance("acme", "1.0.0", "sha256:0", f"{uuid.uuid4()}:0:0:0"),
    )
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    headers = Envelope(f"{uuid.uuid4()}:0:0:0", "/test", ReadingNormalized.TYPE).headers()
    producer.produce(READING_NORMALIZED, encode(reading), device.encode(), headers=headers)
    assert producer.flush(60) == 0


async def test_it_ends_when_the_inbox_cannot_go_on(environment):
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        async with service(API, environment, end=None):
            connection.execute("ALTER TABLE device_registry.inbox_entry RENAME TO away")


async def test_readiness_says_what_is_missing(environment):
    given = {**environment, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", PROJECTOR), env=given, stderr=asyncio.subprocess.PIPE
    )
    try:
        base = f"http://127.0.0.1:{await asyncio.wait_for(_port(process), SECONDS)}"
        async with httpx.AsyncClient(base_url=base, timeout=SECONDS) as client:
            answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert "does not answer" in answer.json()["checks"]["database"]
    finally:
        process.kill()
        await process.communicate()


async def _port(process):
    """Where a process says that it listens."""
    async for line in process.stderr:
        entry = json.loads(line) if line.startswith(b"{") else {}
        if entry.get("message") == "listening":
            return entry["port"]
    raise AssertionError("it has ended")
