"""Actions over HTTP, on a real database; their outcomes from a real broker."""

import asyncio
import time
import uuid

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from treaty_chassis.postgres.projection import Projection
from treaty_device_registry.commands.projection import Commands
from treaty_device_registry.schema import SCHEMA
from treaty_events.codec import encode
from treaty_events.commands import CommandProgressed, CommandState, Offer, PluginOffered
from treaty_events.decisions import ContractDecided, PluginState

SECONDS = {
    "type": "object",
    "properties": {"seconds": {"type": "integer", "minimum": 60}},
    "required": ["seconds"],
    "additionalProperties": False,
}
DIGEST = "sha256:" + "ab" * 32


class Log:
    """What workers and governance write, on topics of this test's own."""

    def __init__(self, servers):
        self.servers = servers
        self.topics = [f"{name}.{uuid.uuid4().hex}" for name in ("offered", "decided", "progressed")]
        admin = AdminClient({"bootstrap.servers": servers})
        made = admin.create_topics([NewTopic(t, 1, 1) for t in self.topics])
        for future in made.values():
            future.result(60)
        self.producer = Producer({"bootstrap.servers": servers})

    def write(self, which, body):
        self.producer.produce(self.topics[which], body if isinstance(body, bytes) else encode(body), b"k")
        assert self.producer.flush(60) == 0

    def offer(self, plugin, digest=DIGEST, **actions):
        offers = {name: Offer(schema, "Words.") for name, schema in actions.items()}
        self.write(0, PluginOffered(plugin, "1.1.0", digest, offers))

    def decide(self, plugin, state=PluginState.ADMITTED, digest=DIGEST, version=1):
        at = "2026-01-02T03:04:05.678Z"
        self.write(1, ContractDecided(plugin, "1.1.0", digest, state, "r", "gov", at, version))

    def end(self, command, state, reason=None, detail=""):
        at = int(time.time() * 1000)
        self.write(
            2,
            CommandProgressed(
                command["id"], command["device_id"], command["workspace_id"], state, at, "acme", "1.2.0",
                DIGEST, reason, detail,
            ),
        )  # fmt: skip


@pytest.fixture
def log(kafka, migrated):
    found = Log(kafka.bootstrap_servers)
    commands = Commands(*found.topics)
    projection = Projection(
        f"commands-{uuid.uuid4().hex[:8]}", SCHEMA, commands.topics, commands.apply, idle=commands.idle,
        database_url=migrated, bootstrap_servers=kafka.bootstrap_servers,
    )  # fmt: skip
    projection.start()
    yield found
    projection.stop()


async def until(holds, what):
    deadline = time.monotonic() + 90
    while not await holds():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.05)


@pytest.fixture
async def path(log, fleet, client):
    """The device's path, its plugin at work with one action."""
    log.offer(fleet.model["plugin"], set_interval=SECONDS)
    log.decide(fleet.model["plugin"])
    path = f"{fleet.path}/devices/{fleet.device['id']}"

    async def offered():
        answer = await client.get(f"{path}/actions")
        return answer.status_code == 200 and answer.json() != []

    await until(offered, "the offer")
    return path


async def test_a_devices_actions_are_those_of_its_admitted_contract(client, path):
    [action] = (await client.get(f"{path}/actions")).json()
    assert action == {"name": "set_interval", "description": "Words.", "arguments": SECONDS}


async def test_an_action_is_a_command_in_the_outbox_and_in_the_audit(
    client, path, fleet, query, events_of, audited
):
    body = {"arguments": {"seconds": 1200}, "expires_in_s": 60}
    answer = await client.post(f"{path}/actions/set_interval", json=body)
    assert answer.status_code == 202
    made = answer.json()
    assert (made["state"], made["requested_by"], made["ended_at"]) == ("requested", "root", None)
    assert answer.headers["location"] == f"{path}/commands/{made['id']}"
    assert (await client.get(answer.headers["location"])).json() == made
    event = events_of(fleet.device["id"])[-1]
    assert event.topic == f"command.requested.{fleet.model['plugin']}.v1"
    assert event.headers["ce_id"] == made["id"].encode()
    assert event.value["command"] == made["id"]
    assert event.value["arguments"] == {"seconds": 1200}
    assert event.value["external_id"] == fleet.device["external_id"]
    assert event.value["network"] == "native"
    assert event.value["expires_at"] - event.value["requested_at"] == 60_000
    [entry] = audited(made["id"])
    assert entry["action"] == "command.requested"


async def test_the_same_request_again_is_the_same_command(client, path, fleet, events_of):
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"arguments": {"seconds": 60}}
    first, second = [
        await client.post(f"{path}/actions/set_interval", json=body, headers=headers) for _ in range(2)
    ]
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    asked = [e for e in events_of(fleet.device["id"]) if e.topic.startswith("command.")]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("set_interval", {"arguments": {"seconds": 1}}, 422, "arguments_invalid"),
        ("set_interval", {"arguments": {}}, 422, "arguments_invalid"),
        ("set_interval", {"arguments": {"seconds": 60, "x": "y" * 20_000}}, 422, None),
        ("set_interval", {"arguments": {"seconds": 60, "x": "\x00"}}, 422, None),
        ("set_interval", {"arguments": {"seconds": 60}, "expires_in_s": 86_401}, 422, None),
        ("reboot", {}, 404, "no_such_action"),
        ("Bad-Name", {}, 422, None),
    ],
)
async def test_what_cannot_be_asked_is_refused(client, path, name, body, status, code):
    answer = await client.post(f"{path}/actions/{name}", json=body)
    assert answer.status_code == status, answer.text
    assert code is None or answer.json()["code"] == code
    assert (await client.get(f"{path}/commands")).json()["items"] == []


async def test_a_wrong_argument_is_pointed_at(client, path):
    answer = await client.post(f"{path}/actions/set_interval", json={"arguments": {"seconds": "x"}})
    assert answer.json()["errors"][0]["pointer"] == "/arguments/seconds"


async def test_nothing_is_asked_of_a_plugin_nobody_hosts_or_of_another_package_than_the_admitted(
    client, path, log, fleet
):
    log.decide(fleet.model["plugin"], digest="sha256:" + "cd" * 32, version=2)

    async def gone():
        return (await client.get(f"{path}/actions")).json() == []

    await until(gone, "the decision")
    answer = await client.post(f"{path}/actions/set_interval", json={"arguments": {"seconds": 60}})
    assert (answer.status_code, answer.json()["code"]) == (409, "plugin_not_at_work")


async def test_a_device_that_is_switched_off_is_asked_nothing(client, path):
    etag = (await client.get(path)).headers["etag"]
    await client.patch(path, json={"lifecycle": "disabled"}, headers={"If-Match": etag})
    answer = await client.post(f"{path}/actions/set_interval", json={"arguments": {"seconds": 60}})
    assert (answer.status_code, answer.json()["code"]) == (409, "device_disabled")


async def test_a_viewer_may_look_and_not_ask_and_a_stranger_neither(client, path, fleet, as_member):
    made = (await client.post(f"{path}/actions/set_interval", json={"arguments": {"seconds": 60}})).json()
    viewer = await as_member({fleet.workspace["id"]: "viewer"})
    assert (await viewer.get(f"{path}/commands/{made['id']}")).status_code == 200
    asked = await viewer.post(f"{path}/actions/set_interval", json={"arguments": {"seconds": 60}})
    assert asked.status_code == 403
    other = await as_member({str(uuid.uuid4()): "admin"})
    for where in ("actions", "commands", f"commands/{made['id']}"):
        assert (await other.get(f"{path}/{where}")).status_code in (403, 404)


async def test_a_command_ends_once_as_its_topic_says(client, path, log):
    made = [
        (await client.post(f"{path}/actions/set_interval", json={"arguments": {"seconds": 60 + n}})).json()
        for n in range(3)
    ]
    log.write(2, b"not json")
    log.end(made[0], CommandState.ENCODED)
    log.end(made[1], CommandState.FAILED, "encode_error", "not this one")
    log.end(made[2], CommandState.EXPIRED)
    for command in made:
        log.end(command, CommandState.FAILED, "child_crashed", "too late")

    async def ended():
        return all(c["ended_at"] for c in (await client.get(f"{path}/commands")).json()["items"])

    await until(ended, "the outcomes")
    page = (await client.get(f"{path}/commands", params={"limit": 2})).json()
    rest = (await client.get(f"{path}/commands", params={"cursor": page["next"]})).json()
    found = [*page["items"], *rest["items"]]
    assert [c["id"] for c in found] == [c["id"] for c in reversed(made)]
    assert [c["state"] for c in found] == ["expired", "failed", "encoded"]
    assert (found[1]["reason"], found[1]["detail"]) == ("encode_error", "not this one")
    assert found[0]["plugin_version"] == "1.2.0"


async def test_what_no_worker_came_to_expires_a_minute_later(client, path, query):
    made = (await client.post(f"{path}/actions/set_interval", json={"arguments": {"seconds": 60}})).json()
    query(
        "UPDATE device_registry.command SET expires_at = now() - interval '61 s' WHERE id = %s RETURNING id",
        made["id"],
    )

    async def expired():
        return (await client.get(f"{path}/commands/{made['id']}")).json()["state"] == "expired"

    await until(expired, "the sweep")
