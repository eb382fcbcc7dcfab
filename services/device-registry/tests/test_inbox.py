"""The inbox on a real broker and database: who is refused is listed, who is registered is replayed."""

import asyncio
import time
import uuid
from datetime import UTC, datetime

import psycopg
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from treaty_chassis.postgres.outbox import unpack_headers
from treaty_chassis.postgres.projection import Projection
from treaty_chassis.telemetry import METRICS
from treaty_device_registry.inbox import release
from treaty_device_registry.inbox.bounds import Bounds
from treaty_device_registry.inbox.projection import Inbox
from treaty_device_registry.schema import SCHEMA
from treaty_events.codec import encode
from treaty_events.deadletter import REFUSED as TYPE
from treaty_events.deadletter import Failure, Origin, original_headers, reason_headers
from treaty_events.decisions import ContractDecided, PluginState
from treaty_events.headers import header
from treaty_events.identity import EventId
from treaty_events.topics import RAW
from treaty_events.uplinks import Refusal

FIRST_MS = int(time.time()) * 1000 - 3_600_000


def instant(count):
    """When the refusal of this number was first received."""
    return datetime.fromtimestamp(FIRST_MS / 1000 + count, UTC).isoformat().replace("+00:00", "Z")


class Refusals:
    """What ingestion refuses, to a topic of this test's own, and what governance decides."""

    def __init__(self, servers, fleet):
        self.servers, self.fleet = servers, fleet
        self.refused, self.decided = f"refused.{uuid.uuid4().hex}", f"decided.{uuid.uuid4().hex}"
        admin = AdminClient({"bootstrap.servers": servers})
        made = admin.create_topics([NewTopic(self.refused, 1, 1), NewTopic(self.decided, 1, 1)])
        for future in made.values():
            future.result(60)
        self.producer = Producer({"bootstrap.servers": servers})
        self.raw, self.count = uuid.uuid4(), 0

    def refuse(self, external_id, reason=Refusal.UNKNOWN_DEVICE, *, headers=(), topic=RAW, **known):
        id = EventId(self.raw, 0, self.count)
        given = {
            "gateway": self.fleet.gateway["id"],
            "workspace": self.fleet.workspace["id"],
            "device": external_id,
            **known,
        }
        made = reason_headers(
            [("n", b"%d" % self.count), *headers] if topic == RAW else headers,
            type=TYPE,
            source="/treaty/ingestion",
            id=id,
            origin=Origin(topic, 0, self.count),
            failure=Failure(reason, "in words", "ingestion"),
            received_at=FIRST_MS + 1000 * self.count,
            **given,
        )
        self.producer.produce(self.refused, b"payload %d" % self.count, b"key", headers=made)
        assert self.producer.flush(60) == 0
        self.count += 1
        return str(id)

    def decide(self, version, topic):
        decided = ContractDecided(
            plugin=self.fleet.model["plugin"],
            plugin_version="1.0.0",
            digest="sha256:0",
            state=PluginState.ADMITTED,
            reason="",
            decided_by="ada",
            decided_at="2026-01-01T00:00:00.000Z",
            version=version,
            topic=topic,
        )
        self.producer.produce(self.decided, encode(decided), decided.plugin.encode())
        assert self.producer.flush(60) == 0

    def projection(self, url, bounds=None, **options):
        parking = Inbox(bounds, self.refused, self.decided)
        return Projection(
            "inbox",
            SCHEMA,
            parking.topics,
            parking.apply,
            idle=parking.idle,
            database_url=url,
            bootstrap_servers=self.servers,
            **options,
        )


@pytest.fixture
async def refusals(kafka, fleet):
    return Refusals(kafka.bootstrap_servers, fleet)


@pytest.fixture
async def parking(refusals, migrated):
    running = refusals.projection(migrated)
    running.start()
    yield running
    await asyncio.to_thread(running.stop)


@pytest.fixture
def replayed(query):
    """What the outbox holds for uplink.replay.v1 of a device, in order."""

    def find(device):
        sql = """SELECT value, headers FROM device_registry.outbox
            WHERE topic = 'uplink.replay.v1' AND key = %s ORDER BY id"""
        return [
            (bytes(row["value"]), unpack_headers(row["headers"])) for row in query(sql, str(device).encode())
        ]

    return find


async def until(find, within_s=90):
    """What `find`, sync or async, first gives that is not empty."""
    deadline = time.monotonic() + within_s
    while True:
        found = find()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.05)


async def listed(client, fleet, count=0, **params):
    """The inbox, once it holds that many entries or messages."""
    items = (await client.get(f"{fleet.path}/inbox", params=params)).json()["items"]
    return items if sum(item["count"] for item in items) >= count else None


def approval(fleet, **more):
    return {"model": fleet.model["id"], **more}


async def test_who_speaks_is_listed_and_once_approved_replayed_in_order(
    client, fleet, refusals, parking, replayed, unique, audited
):
    stranger, other = unique("s"), unique("s")
    ids = [refusals.refuse(stranger) for _ in range(3)]
    refusals.refuse(other)
    refusals.refuse(stranger, Refusal.BAD_SIGNATURE)
    items = await until(lambda: listed(client, fleet, 4))
    (entry,) = [item for item in items if item["external_id"] == stranger]
    assert entry["gateway_id"] == fleet.gateway["id"]
    assert (entry["network"], entry["reason"]) == ("native", "unknown_device")
    assert (entry["count"], entry["parked"]) == (3, 3)
    assert entry["first_seen"] == instant(0)
    assert entry["last_seen"] == instant(2)
    assert entry["sample"] == "cGF5bG9hZCAy"

    answer = await client.post(f"{fleet.path}/inbox/{stranger}/approve", json=approval(fleet, name="New"))
    assert answer.status_code == 201, answer.text
    device = answer.json()["device"]
    assert (device["external_id"], device["name"], answer.json()["replayed"]) == (stranger, "New", 3)
    found = await until(lambda: len(r := replayed(device["id"])) >= 3 and r)
    assert [value for value, _ in found] == [b"payload 0", b"payload 1", b"payload 2"]
    assert [header(h, "ce_id").decode() for _, h in found] == ids
    assert [original_headers(h) for _, h in found] == [[("n", b"%d" % n)] for n in range(3)]
    assert header(found[1][1], "treaty-received-at") == b"%d" % (FIRST_MS + 1000)
    assert header(found[1][1], "treaty-gateway").decode() == fleet.gateway["id"]

    left = await client.get(f"{fleet.path}/inbox")
    assert [item["external_id"] for item in left.json()["items"]] == [other]
    assert audited(device["id"])[-1]["action"] == "device.approved"
    again = await client.post(f"{fleet.path}/inbox/{stranger}/approve", json=approval(fleet))
    assert again.status_code == 404


async def test_the_replay_stands_after_the_device_in_the_outbox(
    client, fleet, refusals, parking, query, unique
):
    stranger = unique("s")
    refusals.refuse(stranger)
    await until(lambda: listed(client, fleet, 1))
    answer = await client.post(f"{fleet.path}/inbox/{stranger}/approve", json=approval(fleet))
    sql = "SELECT topic FROM device_registry.outbox WHERE key = %s ORDER BY id"
    key = answer.json()["device"]["id"].encode()
    topics = await until(lambda: len(r := query(sql, key)) >= 2 and r)
    assert [row["topic"] for row in topics] == ["device.changed.v1", "uplink.replay.v1"]


async def test_a_device_registered_the_ordinary_way_is_replayed_too(
    client, fleet, refusals, parking, replayed, make, unique
):
    stranger = unique("s")
    refusals.refuse(stranger)
    await until(lambda: listed(client, fleet, 1))
    body = {"external_id": stranger, "gateway_id": fleet.gateway["id"], "model": fleet.model["id"]}
    device = await make(client, f"{fleet.path}/devices", body)
    assert len(await until(lambda: replayed(device["id"]))) == 1
    await until(lambda: _empty(client, fleet))


async def _empty(client, fleet):
    return (await client.get(f"{fleet.path}/inbox")).json()["items"] == []


async def test_what_was_refused_before_ingestion_heard_of_the_device_is_replayed(
    client, fleet, refusals, parking, replayed
):
    refusals.refuse(fleet.device["external_id"])
    assert len(await until(lambda: replayed(fleet.device["id"]))) == 1


async def test_a_replay_refused_again_is_replayed_again_after_a_while(fleet, refusals, parking, replayed):
    refusals.refuse(fleet.device["external_id"])
    (first,) = await until(lambda: replayed(fleet.device["id"]))
    began = time.monotonic()
    refusals.refuse(fleet.device["external_id"], headers=first[1], topic="uplink.replay.v1")
    found = await until(lambda: len(r := replayed(fleet.device["id"])) >= 2 and r)
    assert time.monotonic() - began >= 1.5
    assert header(found[1][1], "treaty-replays") == b"2"
    assert original_headers(found[1][1]) == original_headers(first[1])


async def test_without_a_plugin_uplinks_wait_until_it_has_its_topic(
    client, fleet, refusals, parking, replayed, query
):
    external_id = fleet.device["external_id"]
    refusals.refuse(external_id, Refusal.NO_PLUGIN)
    refusals.refuse(external_id, Refusal.NO_PLUGIN)
    (entry,) = await until(lambda: listed(client, fleet, 2, reason="no_plugin"))
    assert entry["external_id"] == external_id
    refusals.decide(1, None)
    sql = "SELECT version FROM device_registry.plugin_topic WHERE plugin = %s"
    await until(lambda: query(sql, fleet.model["plugin"]))
    assert replayed(fleet.device["id"]) == []
    refusals.decide(2, "uplink.accepted.x.v1")
    found = await until(lambda: len(r := replayed(fleet.device["id"])) >= 2 and r)
    assert [value for value, _ in found] == [b"payload 0", b"payload 1"]
    refusals.decide(1, None)
    refusals.refuse(external_id, Refusal.NO_PLUGIN)
    await until(lambda: len(replayed(fleet.device["id"])) == 3)


async def test_another_workspaces_stranger_of_the_same_name_is_not_replayed(
    client, fleet, refusals, parking, replayed, make, unique
):
    stranger = unique("s")
    refusals.refuse(stranger)
    other = await make(client, "/v1/workspaces", {"name": unique("w")})
    refusals.refuse(stranger, workspace=other["id"])
    await until(lambda: listed(client, fleet, 1))
    path = f"/v1/workspaces/{other['id']}/inbox"
    await until(lambda: _listed_at(client, path))
    answer = await client.post(f"{fleet.path}/inbox/{stranger}/approve", json=approval(fleet))
    device = answer.json()["device"]["id"]
    assert [value for value, _ in await until(lambda: replayed(device))] == [b"payload 0"]
    assert (await client.get(path)).json()["items"][0]["parked"] == 1


async def _listed_at(client, path):
    return (await client.get(path)).json()["items"]


async def test_what_nobody_could_prove_is_listed_but_not_kept(client, fleet, refusals, parking, make, unique):
    body = {"slug": unique("k"), "network": "native", "authentication": "device_key"}
    gateway = await make(client, f"{fleet.path}/gateways", body)
    refusals.refuse(unique("s"), gateway=gateway["id"])
    (entry,) = await until(lambda: listed(client, fleet, 1))
    assert (entry["count"], entry["parked"], entry["gateway_id"]) == (1, 0, gateway["id"])


async def test_dismissed_is_forgotten_until_it_speaks_again(client, fleet, refusals, parking, unique):
    stranger = unique("s")
    refusals.refuse(stranger)
    await until(lambda: listed(client, fleet, 1))
    assert (await client.delete(f"{fleet.path}/inbox/{stranger}")).status_code == 204
    assert (await client.get(f"{fleet.path}/inbox")).json()["items"] == []
    assert (await client.delete(f"{fleet.path}/inbox/{stranger}")).status_code == 404
    refusals.refuse(stranger)
    (entry,) = await until(lambda: listed(client, fleet, 1))
    assert entry["count"] == 1


async def test_an_external_id_may_hold_a_slash(client, fleet, refusals, parking, unique):
    stranger = unique("a/b?c")
    refusals.refuse(stranger)
    await until(lambda: listed(client, fleet, 1))
    quoted = stranger.replace("/", "%2F").replace("?", "%3F")
    answer = await client.post(f"{fleet.path}/inbox/{quoted}/approve", json=approval(fleet))
    assert answer.json()["device"]["external_id"] == stranger


@pytest.fixture
async def bounded(refusals, migrated):
    """A running inbox of these bounds."""
    running = []

    def run(**bounds):
        running.append(refusals.projection(migrated, Bounds(**bounds)))
        running[-1].start()

    yield run
    for projection in running:
        await asyncio.to_thread(projection.stop)


@pytest.fixture
def kept(query):
    """What waits of an external id, oldest first."""
    sql = "SELECT value FROM device_registry.parked_uplink WHERE external_id = %s ORDER BY id"
    return lambda external_id: [bytes(row["value"]) for row in query(sql, external_id)]


async def test_strangers_are_bounded_the_newest_stay(client, fleet, refusals, bounded, unique, kept):
    bounded(uplinks=2, entries=2)
    strangers = [unique("s") for _ in range(3)]
    for stranger in (strangers[0], strangers[1], *[strangers[2]] * 4):
        refusals.refuse(stranger)
    items = await until(lambda: listed(client, fleet, 5))
    shown = {item["external_id"]: (item["parked"], item["dropped"]) for item in items}
    assert shown == {strangers[1]: (1, 0), strangers[2]: (2, 2)}
    assert kept(strangers[2]) == [b"payload 4", b"payload 5"]


@pytest.mark.parametrize("bounds", [{"bytes": 27}, {"registered_bytes": 27}])
async def test_bytes_are_bounded_too(client, fleet, refusals, bounded, unique, kept, bounds):
    bounded(**bounds)
    sender = unique("s") if "bytes" in bounds else fleet.device["external_id"]
    for _ in range(5):
        refusals.refuse(sender, Refusal.UNKNOWN_DEVICE if "bytes" in bounds else Refusal.NO_PLUGIN)
    (entry,) = await until(lambda: listed(client, fleet, 5))
    assert (entry["parked"], entry["dropped"]) == (3, 2)
    assert kept(sender) == [b"payload 2", b"payload 3", b"payload 4"]


async def test_a_registered_device_that_waits_for_its_plugin_has_a_bound_of_its_own(
    client, fleet, refusals, bounded, unique, kept, replayed
):
    bounded(uplinks=1, entries=1, registered_uplinks=4)
    waiting, stranger = fleet.device["external_id"], unique("s")
    for _ in range(3):
        refusals.refuse(waiting, Refusal.NO_PLUGIN)
    for _ in range(2):
        refusals.refuse(stranger)
    items = await until(lambda: listed(client, fleet, 5))
    shown = {item["external_id"]: (item["parked"], item["dropped"]) for item in items}
    assert shown == {waiting: (3, 0), stranger: (1, 1)}
    refusals.decide(1, "uplink.accepted.x.v1")
    found = await until(lambda: len(r := replayed(fleet.device["id"])) >= 3 and r)
    assert [value for value, _ in found] == [b"payload 0", b"payload 1", b"payload 2"]


async def test_what_a_registered_device_lost_is_counted_and_stays_to_be_seen(
    client, fleet, refusals, bounded, replayed
):
    counted = METRICS.get_sample_value("treaty_inbox_dropped_total", {"whose": "registered"})
    bounded(registered_uplinks=2)
    waiting = fleet.device["external_id"]
    for _ in range(5):
        refusals.refuse(waiting, Refusal.NO_PLUGIN)
    (entry,) = await until(lambda: listed(client, fleet, 5))
    assert (entry["parked"], entry["dropped"]) == (2, 3)
    assert METRICS.get_sample_value("treaty_inbox_dropped_total", {"whose": "registered"}) - counted == 3
    refusals.decide(1, "uplink.accepted.x.v1")
    found = await until(lambda: len(r := replayed(fleet.device["id"])) >= 2 and r)
    assert [value for value, _ in found] == [b"payload 3", b"payload 4"]
    (entry,) = await until(lambda: listed(client, fleet, 5))
    assert (entry["parked"], entry["dropped"]) == (0, 3)
    assert (await client.delete(f"{fleet.path}/inbox/{waiting}")).status_code == 204


async def test_the_silent_are_forgotten_but_nobody_who_is_registered_and_waits(
    client, fleet, refusals, bounded, unique, query
):
    waiting, stranger = fleet.device["external_id"], unique("s")
    refusals.refuse(waiting, Refusal.NO_PLUGIN)
    refusals.refuse(stranger)
    bounded()
    await until(lambda: listed(client, fleet, 2))
    query(
        "UPDATE device_registry.inbox_entry SET last_seen = now() - interval '31 days'"
        " WHERE workspace_id = %s RETURNING 1",
        fleet.workspace["id"],
    )
    await until(lambda: only(client, fleet, waiting))


async def only(client, fleet, external_id):
    items = (await client.get(f"{fleet.path}/inbox")).json()["items"]
    return [item["external_id"] for item in items] == [external_id]


async def test_many_waiting_go_out_in_order(client, fleet, refusals, bounded, replayed, query, monkeypatch):
    monkeypatch.setattr(release, "MOST", 10)
    bounded()
    for _ in range(25):
        refusals.refuse(fleet.device["external_id"], Refusal.NO_PLUGIN)
    await until(lambda: listed(client, fleet, 25))
    refusals.decide(1, "uplink.accepted.x.v1")
    found = await until(lambda: len(r := replayed(fleet.device["id"])) >= 25 and r)
    assert [value for value, _ in found] == [b"payload %d" % n for n in range(25)]


async def test_refusals_for_a_workspace_that_is_gone_are_dropped(
    client, fleet, refusals, parking, unique, query
):
    gone = uuid.uuid4()
    refusals.refuse(unique("s"), workspace=str(gone))
    refusals.refuse(unique("s"))
    await until(lambda: listed(client, fleet, 1))
    assert query("SELECT 1 FROM device_registry.inbox_entry WHERE workspace_id = %s", gone) == []


async def test_a_consumer_interrupted_between_write_and_commit_parks_each_once(
    client, fleet, refusals, migrated, unique, query
):
    stranger, interruptions = unique("s"), 3

    def interrupt(point):
        nonlocal interruptions
        if point == "written" and interruptions:
            interruptions -= 1
            raise psycopg.OperationalError("interrupted")

    for _ in range(10):
        refusals.refuse(stranger)
    running = refusals.projection(migrated, failpoint=interrupt, batch=4)
    running.start()
    try:
        (entry,) = await until(lambda: listed(client, fleet, 10))
    finally:
        await asyncio.to_thread(running.stop)
    assert (entry["count"], entry["parked"], interruptions) == (10, 10, 0)


async def test_approving_is_for_operators_and_done_once_under_a_key(
    client, as_member, fleet, refusals, parking, unique
):
    stranger = unique("s")
    refusals.refuse(stranger)
    await until(lambda: listed(client, fleet, 1))
    path = f"{fleet.path}/inbox/{stranger}/approve"
    viewer = await as_member({fleet.workspace["id"]: "viewer"})
    assert (await viewer.post(path, json=approval(fleet))).status_code == 403
    operator = await as_member({fleet.workspace["id"]: "operator"}, "op")
    headers = {"Idempotency-Key": unique("key")}
    first = await operator.post(path, json=approval(fleet), headers=headers)
    again = await operator.post(path, json=approval(fleet), headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
