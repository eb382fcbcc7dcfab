"""What the tables know is told to the data path again, as it is now and in the version it has."""

import asyncio

import psycopg
import pytest

TOPICS = ("gateway.changed.v1", "device.changed.v1")


async def resend(client, topic, limit=500):
    """Every page; how many were told."""
    told, cursor = 0, None
    while True:
        asked = {"limit": limit} | ({} if cursor is None else {"cursor": cursor})
        answer = await client.post(f"/v1/resend/{topic}", params=asked)
        assert answer.status_code == 202, answer.text
        told, cursor = told + answer.json()["enqueued"], answer.json()["next"]
        if cursor is None:
            return told


async def test_a_gateway_and_a_device_are_told_again_as_they_are(client, fleet, events_of):
    path = f"{fleet.path}/devices/{fleet.device['id']}"
    await client.patch(path, json={"name": "Renamed"}, headers={"If-Match": "*"})
    for topic in TOPICS:
        assert await resend(client, topic) > 0
    (gateway, again) = events_of(fleet.gateway["id"])
    assert again == gateway
    (_, renamed, again) = events_of(fleet.device["id"])
    assert (again, again.headers["treaty-version"]) == (renamed, b"2")


async def test_every_page_is_told_once(client, fleet, make, unique, events_of):
    body = {"gateway_id": fleet.gateway["id"], "model": fleet.model["id"]}
    for _ in range(3):
        await make(client, f"{fleet.path}/devices", {"external_id": unique("dev"), **body})
    devices = (await client.get(f"{fleet.path}/devices")).json()["items"]
    assert len(devices) == 4
    assert await resend(client, "device.changed.v1", limit=3) >= 4
    assert [len(events_of(device["id"])) for device in devices] == [2] * 4


async def test_what_is_deleted_is_not_told_again(client, fleet, events_of):
    gone = await client.delete(f"{fleet.path}/devices/{fleet.device['id']}", headers={"If-Match": "*"})
    assert gone.status_code == 204
    await resend(client, "device.changed.v1")
    assert [event.value is None for event in events_of(fleet.device["id"])] == [False, True]


async def test_a_device_under_change_is_told_once_the_change_stands(
    client, fleet, events_of, migrated, query
):
    """Told before, it would follow its own newer version with an older body."""
    device = fleet.device["id"]
    with psycopg.connect(migrated) as changing:
        changing.execute(
            "UPDATE device_registry.device SET version = 7, name = 'Later' WHERE id = %s", [device]
        )
        resending = asyncio.create_task(resend(client, "device.changed.v1"))
        waits = (
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        async with asyncio.timeout(180):
            while not query(waits):
                assert not resending.done()
                await asyncio.sleep(0.02)
    await resending
    told = events_of(device)[-1]
    assert (told.value["name"], told.headers["treaty-version"]) == ("Later", b"7")


@pytest.mark.parametrize("topic", TOPICS)
async def test_only_a_platform_admin_may(as_member, fleet, topic):
    member = await as_member({fleet.workspace["id"]: "admin"})
    assert (await member.post(f"/v1/resend/{topic}")).status_code == 403
