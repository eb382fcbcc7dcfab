"""Entities over HTTP: what is validated, what is answered, what the data path is told."""

import asyncio
import uuid
from dataclasses import replace

import pytest
from confluent_kafka import KafkaError, KafkaException
from sqlalchemy.ext.asyncio import async_sessionmaker

from treaty_chassis.kafka.topics import admin, existing
from treaty_chassis.postgres.engine import create_engine
from treaty_chassis.sealing import unseal


def problem(answer, status, code=None):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert code is None or answer.json()["code"] == code, answer.text
    return answer.json()


def if_match(document):
    return {"If-Match": f'"{document["version"]}"'}


async def test_a_device_is_told_to_the_data_path_whole(fleet, events_of):
    (event,) = events_of(fleet.device["id"])
    assert event.topic == "device.changed.v1"
    assert event.value == {
        "device": fleet.device["id"],
        "workspace": fleet.workspace["id"],
        "site": fleet.site["id"],
        "gateway": fleet.gateway["id"],
        "external_id": fleet.device["external_id"],
        "model": fleet.model["id"],
        "plugin": fleet.model["plugin"],
        "lifecycle": "active",
        "version": 1,
        "name": "Meter",
        "sealed_key": None,
        "late_after_ms": 60_000,
    }
    assert event.headers["ce_type"] == b"treaty.device.changed.v1"
    assert event.headers["ce_id"] == f"{fleet.device['id']}:1".encode()
    assert event.headers["treaty-version"] == b"1"


async def test_a_signing_gateway_gets_a_secret_shown_once_and_sealed_in_its_event(
    client, fleet, events_of, sealing_key
):
    (event,) = events_of(fleet.gateway["id"])
    assert event.topic == "gateway.changed.v1"
    secret = fleet.gateway["secret"]
    assert unseal(sealing_key, event.value["sealed_secret"], fleet.gateway["id"]).decode() == secret
    assert secret not in str(event.value)
    shown = await client.get(f"{fleet.path}/gateways/{fleet.gateway['id']}")
    assert shown.json()["secret"] is None
    assert shown.json()["topic"] == "uplink.raw.v1"


async def test_a_rotated_secret_is_another_one_under_the_next_version(client, fleet, events_of, sealing_key):
    answer = await client.post(f"{fleet.path}/gateways/{fleet.gateway['id']}/secret")
    assert answer.status_code == 200
    assert answer.json()["secret"] != fleet.gateway["secret"]
    event = events_of(fleet.gateway["id"])[-1]
    assert event.value["version"] == 2
    opened = unseal(sealing_key, event.value["sealed_secret"], fleet.gateway["id"])
    assert opened.decode() == answer.json()["secret"]


async def test_a_gateway_proved_by_its_topic_has_the_topic_when_it_is_answered(
    client, fleet, make, unique, events_of, kafka
):
    slug = unique("own")
    body = {"slug": slug, "network": "chirpstack", "authentication": "topic"}
    gateway = await make(client, f"{fleet.path}/gateways", body)
    assert gateway["topic"] == f"uplink.raw.{slug}.v1"
    assert gateway["secret"] is None
    assert gateway["topic"] in existing(admin(kafka.bootstrap_servers))
    (event,) = events_of(gateway["id"])
    assert event.value["topic"] == gateway["topic"]
    assert event.value["sealed_secret"] is None


async def test_a_workspace_gets_so_many_topics_and_no_more(app, client, fleet, unique, make):
    made = []
    app.state.resources = replace(app.state.resources, gateway_topics=2, create_topic=made.append)
    bodies = [{"slug": unique("q"), "network": "chirpstack", "authentication": "topic"} for _ in range(3)]
    first = await make(client, f"{fleet.path}/gateways", bodies[0])
    # Deleting one frees nothing: its topic stays.
    gone = await client.delete(f"{fleet.path}/gateways/{first['id']}", headers=if_match(first))
    assert gone.status_code == 204
    await make(client, f"{fleet.path}/gateways", bodies[1])
    problem(await client.post(f"{fleet.path}/gateways", json=bodies[2]), 409, "too_many_topics")
    assert made == [bodies[0]["slug"], bodies[1]["slug"]]
    await make(client, f"{fleet.path}/gateways", {**bodies[2], "authentication": "signature"})
    other = await make(client, "/v1/workspaces", {"name": unique("w")})
    await make(client, f"/v1/workspaces/{other['id']}/gateways", {**bodies[2], "slug": unique("q")})


async def test_no_gateway_is_made_while_kafka_is_away(app, client, fleet, unique):
    def refuse(slug):
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    working = app.state.resources
    app.state.resources = replace(working, create_topic=refuse)
    body = {"slug": unique("away"), "network": "chirpstack", "authentication": "topic"}
    answer = await client.post(f"{fleet.path}/gateways", json=body)
    problem(answer, 503)
    assert answer.headers["retry-after"]
    app.state.resources = replace(working, create_topic=lambda slug: None)
    assert (await client.post(f"{fleet.path}/gateways", json=body)).status_code == 201


async def test_a_slug_is_never_given_twice(client, fleet, unique, make):
    body = {"slug": unique("slug"), "network": "native", "authentication": "signature"}
    gateway = await make(client, f"{fleet.path}/gateways", body)
    problem(await client.post(f"{fleet.path}/gateways", json=body), 409, "slug_taken")
    deleted = await client.delete(f"{fleet.path}/gateways/{gateway['id']}", headers=if_match(gateway))
    assert deleted.status_code == 204
    problem(await client.post(f"{fleet.path}/gateways", json=body), 409, "slug_taken")


@pytest.mark.parametrize("slug", ["", "a", "A-b", "a_b", "-ab", "a.b", "a" * 64, "ab\n", "äb"])
async def test_a_slug_is_part_of_topic_names(client, fleet, slug):
    body = {"slug": slug, "network": "native", "authentication": "signature"}
    found = problem(await client.post(f"{fleet.path}/gateways", json=body), 422)
    assert found["errors"][0]["pointer"] == "#/slug"


async def keyed(client, fleet, make, unique):
    body = {"slug": unique("k"), "network": "native", "authentication": "device_key"}
    gateway = await make(client, f"{fleet.path}/gateways", body)
    assert gateway["secret"] is None
    sent = {"external_id": unique("d"), "gateway_id": gateway["id"], "model": fleet.model["id"]}
    return gateway, await make(client, f"{fleet.path}/devices", sent)


async def test_a_device_that_signs_for_itself_gets_a_key(client, fleet, make, unique, events_of, sealing_key):
    _, device = await keyed(client, fleet, make, unique)
    (event,) = events_of(device["id"])
    assert unseal(sealing_key, event.value["sealed_key"], device["id"]).decode() == device["key"]
    path = f"{fleet.path}/devices/{device['id']}"
    assert (await client.get(path)).json()["key"] is None
    rotated = (await client.post(f"{path}/key")).json()["key"]
    assert rotated != device["key"]
    problem(await client.post(f"{fleet.path}/devices/{fleet.device['id']}/key"), 409, "no_key")


async def test_a_key_comes_and_goes_with_the_gateway(client, fleet, make, unique, events_of):
    gateway, _ = await keyed(client, fleet, make, unique)
    path, headers = f"{fleet.path}/devices/{fleet.device['id']}", {"If-Match": "*"}
    moved = await client.patch(path, json={"gateway_id": gateway["id"]}, headers=headers)
    assert moved.json()["key"] is not None
    assert events_of(fleet.device["id"])[-1].value["sealed_key"] is not None
    await client.patch(path, json={"gateway_id": fleet.gateway["id"]}, headers=headers)
    assert events_of(fleet.device["id"])[-1].value["sealed_key"] is None


@pytest.mark.parametrize("spelt", ["70B3D5E75E004C40", "70-B3-D5-E7-5E-00-4C-40", "70:b3:d5:e7:5e:00:4c:40"])
async def test_a_dev_eui_becomes_lower_case_hex(client, make, unique, spelt):
    workspace = await make(client, "/v1/workspaces", {"name": unique("w")})
    path = f"/v1/workspaces/{workspace['id']}"
    body = {"slug": unique("g"), "network": "loriot", "authentication": "signature"}
    gateway = await make(client, f"{path}/gateways", body)
    model = await make(
        client, "/v1/device-models", {"id": f"acme/{unique('m')}", "name": "M", "plugin": "acme"}
    )
    body = {"external_id": spelt, "gateway_id": gateway["id"], "model": model["id"]}
    device = await make(client, f"{path}/devices", body)
    assert device["external_id"] == "70b3d5e75e004c40"
    problem(await client.post(f"{path}/devices", json=body), 409, "external_id_taken")
    found = await client.get(f"{path}/devices", params={"external_id": spelt})
    assert [item["id"] for item in found.json()["items"]] == [device["id"]]
    body["external_id"] = "not-an-eui"
    problem(await client.post(f"{path}/devices", json=body), 422, "not_a_dev_eui")


async def test_two_workspaces_may_hold_the_same_external_id(client, fleet, make, unique):
    other = await make(client, "/v1/workspaces", {"name": unique("w")})
    path = f"/v1/workspaces/{other['id']}"
    body = {"slug": unique("g"), "network": "native", "authentication": "signature"}
    gateway = await make(client, f"{path}/gateways", body)
    body = {
        "external_id": fleet.device["external_id"],
        "gateway_id": gateway["id"],
        "model": fleet.model["id"],
    }
    assert (await make(client, f"{path}/devices", body))["id"] != fleet.device["id"]


async def test_a_change_needs_the_version_it_is_based_on(client, fleet, events_of):
    path = f"{fleet.path}/devices/{fleet.device['id']}"
    got = await client.get(path)
    assert got.headers["etag"] == '"1"'
    problem(await client.patch(path, json={"name": "A"}), 428)
    changed = await client.patch(path, json={"name": "A"}, headers={"If-Match": got.headers["etag"]})
    assert (changed.json()["name"], changed.headers["etag"]) == ("A", '"2"')
    stale = await client.patch(path, json={"name": "B"}, headers={"If-Match": got.headers["etag"]})
    assert problem(stale, 412)["current"] == 2
    assert [event.value["version"] for event in events_of(fleet.device["id"])] == [1, 2]


async def test_of_two_changes_at_once_one_is_told_to_look_again(client, fleet):
    path, headers = f"{fleet.path}/devices/{fleet.device['id']}", if_match(fleet.device)
    answers = await asyncio.gather(
        *(client.patch(path, json={"name": name}, headers=headers) for name in ("A", "B", "C"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]


async def test_properties_merge_member_by_member(client, fleet):
    path, headers = f"{fleet.path}/devices/{fleet.device['id']}", {"If-Match": "*"}
    await client.patch(path, json={"properties": {"floor": 1, "owner": {"a": 1, "b": 2}}}, headers=headers)
    merged = await client.patch(
        path,
        json={"properties": {"floor": None, "owner": {"b": 3}}},
        headers={**headers, "Content-Type": "application/merge-patch+json"},
    )
    assert merged.json()["properties"] == {"owner": {"a": 1, "b": 3}}


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ({"name": None}, "#/name"),
        ({"external_id": "x"}, "#/external_id"),
        ({"workspace_id": "x"}, "#/workspace_id"),
        ({"lifecycle": "asleep"}, "#/lifecycle"),
        ({"name": "a\x00b"}, "#/name"),
        ({"model": "no slash"}, "#/model"),
    ],
)
async def test_a_patch_is_validated(client, fleet, patch, pointer):
    path = f"{fleet.path}/devices/{fleet.device['id']}"
    found = problem(await client.patch(path, json=patch, headers={"If-Match": "*"}), 422)
    assert found["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("properties", [{"a": "\x00"}, {"a": ["b\x00"]}, {"a": "x" * 20_000}])
async def test_properties_that_cannot_be_stored_are_refused(client, fleet, properties):
    path = f"{fleet.path}/devices/{fleet.device['id']}"
    patched = await client.patch(path, json={"properties": properties}, headers={"If-Match": "*"})
    problem(patched, 422)
    body = {"external_id": "x", "gateway_id": fleet.gateway["id"], "model": fleet.model["id"]}
    problem(await client.post(f"{fleet.path}/devices", json={**body, "properties": properties}), 422)


@pytest.mark.parametrize("depth", [100, 5000, 100_000])
async def test_json_however_deep_is_answered(client, fleet, depth):
    """Deep values are refused, or kept; none is a failure of the server."""
    body = b'{"properties": {"a": ' + b"[" * depth + b"]" * depth + b"}}"
    headers = {"Content-Type": "application/json", "If-Match": "*"}
    path = f"{fleet.path}/devices/{fleet.device['id']}"
    patched = await client.patch(path, content=body, headers=headers)
    assert patched.status_code in (200, 400, 422), patched.text
    objects = b'{"properties": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    patched = await client.patch(path, content=objects, headers=headers)
    assert patched.status_code in (200, 400, 422), patched.text


async def test_without_the_database_the_answer_is_503(app, client, fleet):
    before = app.state.resources
    engine = create_engine("postgresql://nobody@127.0.0.1:1/none", "test")
    app.state.resources = replace(before, sessions=async_sessionmaker(engine))
    answer = await client.get(fleet.path)
    assert problem(answer, 503)["detail"] == "the database does not answer"
    assert answer.headers["retry-after"] == "2"


async def test_text_that_is_no_text_is_refused(client, fleet):
    body = b'{"name": "\\ud800"}'
    answer = await client.post(
        f"{fleet.path}/sites", content=body, headers={"Content-Type": "application/json"}
    )
    problem(answer, 422)
    problem(await client.get("/v1/workspaces", params={"name": "a\x00"}), 422)


async def test_a_deleted_device_leaves_a_tombstone_of_the_next_version(client, fleet, events_of, audited):
    path = f"{fleet.path}/devices/{fleet.device['id']}"
    problem(await client.delete(path), 428)
    problem(await client.delete(path, headers={"If-Match": '"9"'}), 412)
    assert (await client.delete(path, headers=if_match(fleet.device))).status_code == 204
    problem(await client.get(path), 404)
    last = events_of(fleet.device["id"])[-1]
    assert (last.value, last.headers["treaty-version"]) == (None, b"2")
    actions = [row["action"] for row in audited(fleet.device["id"])]
    assert actions == ["device.created", "device.deleted"]


async def test_what_is_in_use_is_not_deleted(client, fleet):
    for path, document in (
        (fleet.path, fleet.workspace),
        (f"{fleet.path}/sites/{fleet.site['id']}", fleet.site),
        (f"{fleet.path}/gateways/{fleet.gateway['id']}", fleet.gateway),
        (f"/v1/device-models/{fleet.model['id']}", fleet.model),
    ):
        problem(await client.delete(path, headers=if_match(document)), 409, "in_use")


async def test_an_emptied_workspace_is_deleted(client, fleet):
    for path in (
        f"{fleet.path}/devices/{fleet.device['id']}",
        f"{fleet.path}/gateways/{fleet.gateway['id']}",
        f"{fleet.path}/sites/{fleet.site['id']}",
        fleet.path,
    ):
        assert (await client.delete(path, headers={"If-Match": "*"})).status_code == 204
    problem(await client.get(fleet.path), 404)


async def test_another_plugin_for_a_model_is_told_for_each_of_its_devices(client, fleet, events_of):
    path = f"/v1/device-models/{fleet.model['id']}"
    changed = await client.patch(path, json={"plugin": "other"}, headers=if_match(fleet.model))
    assert changed.json()["plugin"] == "other"
    event = events_of(fleet.device["id"])[-1]
    assert (event.value["plugin"], event.value["version"]) == ("other", 2)
    renamed = await client.patch(path, json={"name": "New"}, headers={"If-Match": "*"})
    assert renamed.status_code == 200
    assert len(events_of(fleet.device["id"])) == 2


async def test_a_device_made_while_its_model_changes_is_told_of_the_change(
    client, fleet, make, unique, events_of
):
    async def create():
        body = {
            "external_id": unique("d"),
            "gateway_id": fleet.gateway["id"],
            "model": fleet.model["id"],
        }
        return await make(client, f"{fleet.path}/devices", body)

    path = f"/v1/device-models/{fleet.model['id']}"
    patched = client.patch(path, json={"plugin": "other"}, headers={"If-Match": "*"})
    found = await asyncio.gather(create(), create(), patched, create(), create())
    devices = [*found[:2], *found[3:]]
    assert {events_of(device["id"])[-1].value["plugin"] for device in devices} == {"other"}


async def test_references_stay_inside_the_workspace(client, fleet, make, unique):
    other = await make(client, "/v1/workspaces", {"name": unique("w")})
    path = f"/v1/workspaces/{other['id']}"
    body = {"slug": unique("g"), "network": "native", "authentication": "signature"}
    foreign_site = {**body, "site_id": fleet.site["id"]}
    problem(await client.post(f"{path}/gateways", json=foreign_site), 422, "unknown_site")
    gateway = await make(client, f"{path}/gateways", body)
    device = {"external_id": "x", "gateway_id": fleet.gateway["id"], "model": fleet.model["id"]}
    problem(await client.post(f"{path}/devices", json=device), 422, "unknown_gateway")
    device["gateway_id"] = gateway["id"]
    problem(
        await client.post(f"{path}/devices", json={**device, "site_id": fleet.site["id"]}),
        422,
        "unknown_site",
    )
    problem(await client.post(f"{path}/devices", json={**device, "model": "no/such"}), 422, "unknown_model")


async def test_a_site_has_both_coordinates_or_none(client, fleet):
    problem(await client.post(f"{fleet.path}/sites", json={"name": "Cellar", "latitude": 1}), 422)
    path = f"{fleet.path}/sites/{fleet.site['id']}"
    problem(await client.patch(path, json={"latitude": None}, headers={"If-Match": "*"}), 422)
    cleared = {"latitude": None, "longitude": None}
    assert (await client.patch(path, json=cleared, headers={"If-Match": "*"})).json()["latitude"] is None


async def test_pages_follow_each_other_without_holes_or_repeats(client, fleet, make):
    made = [await make(client, f"{fleet.path}/sites", {"name": f"Site {n}"}) for n in range(5)]
    expected = [fleet.site["id"], *(site["id"] for site in made)]
    found, cursor, pages = [], None, 0
    while True:
        params = {"limit": 4, **({"cursor": cursor} if cursor else {})}
        page = (await client.get(f"{fleet.path}/sites", params=params)).json()
        found += [item["id"] for item in page["items"]]
        cursor, pages = page["next"], pages + 1
        if cursor is None:
            break
    assert (found, pages) == (expected, 2)
    problem(await client.get(f"{fleet.path}/devices", params={"cursor": "AAAA"}), 400, "bad_cursor")
    problem(await client.get(f"{fleet.path}/sites", params={"limit": 501}), 422)


async def test_devices_are_found_by_what_they_belong_to(client, fleet, make, unique):
    body = {
        "external_id": unique("d"),
        "gateway_id": fleet.gateway["id"],
        "model": fleet.model["id"],
    }
    second = await make(client, f"{fleet.path}/devices", body)
    everything = {fleet.device["id"], second["id"]}
    for params, expected in (
        ({}, everything),
        ({"gateway": fleet.gateway["id"]}, everything),
        ({"model": fleet.model["id"], "site": fleet.site["id"]}, everything),
        ({"external_id": second["external_id"]}, {second["id"]}),
        ({"gateway": str(uuid.uuid4())}, set()),
    ):
        page = (await client.get(f"{fleet.path}/devices", params=params)).json()
        assert {item["id"] for item in page["items"]} == expected


async def test_the_audit_says_who_changed_what_and_keeps_no_secret(client, fleet, audited):
    path = f"{fleet.path}/devices/{fleet.device['id']}"
    await client.patch(path, json={"name": "A", "lifecycle": "disabled"}, headers={"If-Match": "*"})
    row = audited(fleet.device["id"])[-1]
    assert (row["subject"], row["action"]) == ("root", "device.changed")
    assert row["changes"] == {"name": ["Meter", "A"], "lifecycle": ["active", "disabled"]}
    assert fleet.gateway["secret"] not in str(audited(fleet.gateway["id"]))
