"""The service as it runs: its own process, the real Kafka and PostgreSQL."""

import asyncio
import json
import os
import signal
import sys
import uuid
from contextlib import asynccontextmanager

import httpx
import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from treaty_chassis.kafka import topics
from treaty_events.codec import decode, encode
from treaty_events.decisions import ContractDecided, PluginReported
from treaty_events.fleet import DeviceChanged, Lifecycle
from treaty_events.topics import accepted_topic

# One broker and fixed names of group and relay: these run one after the other.
pytestmark = [pytest.mark.xdist_group("contract-governance"), pytest.mark.timeout(900)]
SECONDS = 120


@pytest.fixture
def environment(migrated, kafka, jwks):
    return {
        **os.environ,
        "DATABASE_URL": migrated.url,
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "TREATY_JWKS_FILE": str(jwks),
        "TREATY_HTTP_PORT": "0",
    }


@asynccontextmanager
async def service(environment, token, end=signal.SIGTERM):
    """The process and a client of it, once it is ready; ended by `end`, which must be obeyed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "treaty_contract_governance", env=environment, stderr=asyncio.subprocess.PIPE
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
        async with asyncio.timeout(SECONDS):
            base = f"http://127.0.0.1:{await port}"
        headers = {"Authorization": f"Bearer {token('admin')}"}
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=SECONDS) as client:
            await until(lambda: ready(client))
            yield client
        process.send_signal(end)
        async with asyncio.timeout(SECONDS):
            assert await process.wait() == (0 if end is signal.SIGTERM else -end), "".join(said)
    except BaseException:
        print(f"process {process.pid}, code {process.returncode}, said:", *said, sep="\n")
        raise
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await listening


async def ready(client):
    response = await client.get("/readyz")
    return response.status_code == 200 and response.json()["ready"]


async def until(condition):
    async with asyncio.timeout(SECONDS):
        while not (found := await condition()):  # noqa: ASYNC110 - another process sets no event of ours
            await asyncio.sleep(0.05)
    return found


def produce(servers, topic, key, event):
    producer = Producer({"bootstrap.servers": servers})
    producer.produce(topic, encode(event) if event is not None else None, key)
    assert producer.flush(60) == 0


def decisions(servers, plugin):
    """Every decision of a plugin that a reader of committed records sees, in order."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": str(uuid.uuid4()),
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition("contract.decided.v1", 0, 0)])
    found, ended = [], False
    try:
        while not ended:
            record = consumer.poll(SECONDS)
            assert record is not None, "the topic could not be read"
            if record.error() is not None:
                # What else it says passes.
                ended = record.error().code() == KafkaError._PARTITION_EOF
            elif record.key() == plugin.encode():
                found.append(decode(ContractDecided, record.value()))
    finally:
        consumer.close()
    return found


def device(plugin):
    key = str(uuid.uuid4())
    return key, DeviceChanged(key, "w", "s", "g", "00", "m/m", plugin, Lifecycle.ACTIVE, 1)


async def test_a_plugin_from_verdict_to_quarantine(environment, kafka, token, verdict):
    servers, plugin = kafka.bootstrap_servers, f"p-{uuid.uuid4().hex[:12]}"
    topic = accepted_topic(plugin)
    path = f"/v1/plugins/{plugin}"
    async with service(environment, token) as client:
        posted = await client.post(f"{path}/verdicts", json=verdict(plugin=plugin))
        assert posted.status_code == 201

        async def sent(count):
            return len(await asyncio.to_thread(decisions, servers, plugin)) >= count

        await until(lambda: sent(1))
        assert topic.name not in topics.existing(topics.admin(servers))

        key, used = device(plugin)
        produce(servers, "device.changed.v1", key, used)

        async def provided():
            return (await client.get(path)).json()["topic"] == topic.name

        await until(provided)
        assert topics.apply(topics.admin(servers), [topic]) == []

        told = PluginReported(
            plugin, "1.0.0", verdict()["digest"], "0", "violation", "celsius", "2026-01-02T03:04:05.678Z"
        )
        produce(servers, "plugin.reported.v1", plugin, told)

        async def reported():
            return (await client.get(f"{path}/reports")).json()["items"]

        ((report),) = await until(reported)
        assert (report["kind"], report["count"]) == ("violation", 1)

        assert (await client.post(f"{path}/quarantine", json={"reason": "celsius"})).status_code == 200
        await until(lambda: sent(3))

    # Another process goes on where that one stopped: nothing is decided or sent again.
    async with service(environment, token) as client:
        assert (await client.get(path)).json()["state"] == "quarantined"
        assert (await client.get("/subjects/contract.decided.v1-value/versions")).json() == [1]
        assert (await client.post(f"{path}/reinstate")).json()["version"] == 4
        await until(lambda: sent(4))
    found = decisions(servers, plugin)
    assert [(one.version, one.state, one.topic) for one in found] == [
        (1, "admitted", None),
        (2, "admitted", topic.name),
        (3, "quarantined", topic.name),
        (4, "admitted", topic.name),
    ]


async def test_killed_with_events_unsent_sends_each_once(environment, kafka, token, verdict):
    servers, plugin = kafka.bootstrap_servers, f"p-{uuid.uuid4().hex[:12]}"
    async with service(environment, token, end=signal.SIGKILL) as client:
        for act in range(20):
            if act == 0:
                await client.post(f"/v1/plugins/{plugin}/verdicts", json=verdict(plugin=plugin))
            else:
                await client.post(
                    f"/v1/plugins/{plugin}/{'quarantine' if act % 2 else 'reinstate'}", json={"reason": "r"}
                )
    async with service(environment, token) as client:

        async def all_sent():
            return len(await asyncio.to_thread(decisions, servers, plugin)) >= 20

        await until(all_sent)
        assert (await client.get(f"/v1/plugins/{plugin}")).json()["version"] == 20
    assert [one.version for one in decisions(servers, plugin)] == list(range(1, 21))


async def test_a_kafka_that_has_lost_them_gets_topic_and_decision_again(environment, kafka, token, verdict):
    servers, plugin = kafka.bootstrap_servers, f"p-{uuid.uuid4().hex[:12]}"
    topic = accepted_topic(plugin).name
    admin = topics.admin(servers)
    async with service(environment, token) as client:
        await client.post(f"/v1/plugins/{plugin}/verdicts", json=verdict(plugin=plugin))
        key, used = device(plugin)
        produce(servers, "device.changed.v1", key, used)

        async def told(count):
            return len(await asyncio.to_thread(decisions, servers, plugin)) == count

        await until(lambda: told(2))
    for deleted in admin.delete_topics([topic]).values():
        await asyncio.to_thread(deleted.result, SECONDS)
    async with service(environment, token) as client:
        answer = await client.post("/v1/resend/contract.decided.v1", params={"limit": 500}, timeout=SECONDS)
        assert answer.json() == {"enqueued": 1, "next": None}
        await until(lambda: told(3))
        assert topic in topics.existing(admin)
    first, provided, again = decisions(servers, plugin)
    assert (first.topic, provided.topic) == (None, topic)
    assert again == provided


@pytest.mark.parametrize(
    ("lacking", "told"),
    [("TREATY_JWKS_FILE", "TREATY_JWKS_FILE"), ("DATABASE_URL", "DATABASE_URL")],
)
async def test_a_missing_setting_is_named_at_start(environment, lacking, told):
    left = {name: value for name, value in environment.items() if name != lacking}
    code, said = await refused(left)
    assert code == 2
    assert told in said


async def test_a_database_without_the_schema_is_named_at_start(environment, postgres):
    code, said = await refused({**environment, "DATABASE_URL": postgres.url})
    assert code == 1
    assert "run the service's migrate" in said


async def refused(environment):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "treaty_contract_governance", env=environment, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(SECONDS):
        _, said = await process.communicate()
    return process.returncode, said.decode()
