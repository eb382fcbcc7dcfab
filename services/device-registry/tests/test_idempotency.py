"""A POST repeated under its key is done once."""

import asyncio

import pytest


@pytest.fixture
def gateway(unique):
    return {"slug": unique("g"), "network": "native", "authentication": "signature"}


async def test_the_same_key_gets_the_same_answer_secret_included(client, fleet, gateway, unique, events_of):
    headers = {"Idempotency-Key": unique("key")}
    first = await client.post(f"{fleet.path}/gateways", json=gateway, headers=headers)
    again = await client.post(f"{fleet.path}/gateways", json=gateway, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first.headers["location"] == again.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert len(events_of(first.json()["id"])) == 1


async def test_the_kept_answer_shows_no_secret_to_who_reads_the_database(
    client, fleet, gateway, unique, query
):
    key = unique("key")
    answer = await client.post(f"{fleet.path}/gateways", json=gateway, headers={"Idempotency-Key": key})
    rows = query("SELECT * FROM device_registry.idempotency WHERE key = %s", key)
    assert len(rows) == 1
    assert answer.json()["secret"] not in str(rows)


async def test_at_once_it_is_done_once(client, fleet, gateway, unique):
    headers = {"Idempotency-Key": unique("key")}
    answers = await asyncio.gather(
        *(client.post(f"{fleet.path}/gateways", json=gateway, headers=headers) for _ in range(4))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_another_request_under_the_key_is_refused(client, fleet, gateway, unique):
    headers = {"Idempotency-Key": unique("key")}
    await client.post(f"{fleet.path}/gateways", json=gateway, headers=headers)
    other = await client.post(f"{fleet.path}/gateways", json={**gateway, "name": "B"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_after_a_problem_the_key_may_be_used_again(client, fleet, gateway, unique):
    headers = {"Idempotency-Key": unique("key")}
    taken = {**gateway, "slug": fleet.gateway["slug"]}
    assert (await client.post(f"{fleet.path}/gateways", json=taken, headers=headers)).status_code == 409
    assert (await client.post(f"{fleet.path}/gateways", json=gateway, headers=headers)).status_code == 201


async def test_a_key_is_the_callers_own(client, as_member, fleet, unique):
    headers = {"Idempotency-Key": unique("key")}
    member = await as_member({fleet.workspace["id"]: "operator"})
    first = await client.post(f"{fleet.path}/sites", json={"name": "A"}, headers=headers)
    second = await member.post(f"{fleet.path}/sites", json={"name": "A"}, headers=headers)
    assert first.json()["id"] != second.json()["id"]


async def test_keys_of_yesterday_are_forgotten(client, fleet, unique, query):
    old = unique("key")
    await client.post(f"{fleet.path}/sites", json={"name": "A"}, headers={"Idempotency-Key": old})
    query(
        "UPDATE device_registry.idempotency SET created_at = now() - interval '25 hours' WHERE key = %s"
        " RETURNING key",
        old,
    )
    await client.post(f"{fleet.path}/sites", json={"name": "B"}, headers={"Idempotency-Key": unique("key")})
    assert query("SELECT key FROM device_registry.idempotency WHERE key = %s", old) == []
