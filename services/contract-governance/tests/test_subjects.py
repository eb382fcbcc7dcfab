"""The schema registry's routes over the real PostgreSQL, with Confluent's bodies and codes."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty_contract_governance.subjects.model import SchemaError, canonical
from treaty_contract_governance.subjects.own import register_own, subject_of
from treaty_contract_governance.subjects.store import Subjects
from treaty_events.catalogue import EVENTS, committed_schema

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
ONE = '{"type": "object", "properties": {"a": {"type": "integer"}}}'
TWO = '{"type": "object", "properties": {"a": {"type": "number"}}}'
NARROW = '{"type": "object", "properties": {"a": {"type": "string"}}}'


def body(text):
    return {"schemaType": "JSON", "schema": text}


async def register(client, subject, text):
    response = await client.post(f"/subjects/{subject}/versions", json=body(text))
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    return response.json()["id"]


async def configure(client, level, path="/config"):
    response = await client.put(path, json={"compatibility": level})
    assert response.status_code == 200, response.text
    assert response.json() == {"compatibility": level}


def fault(response, code):
    assert response.headers["content-type"] == MEDIA_TYPE
    found = response.json()
    assert found["error_code"] == code
    assert found["message"]
    assert response.status_code == int(str(code)[:3])


async def test_register_and_read_back(client):
    one = await register(client, "thing-value", ONE)
    two = await register(client, "thing-value", TWO)
    assert (await client.get("/subjects")).json() == ["thing-value"]
    assert (await client.get("/subjects/thing-value/versions")).json() == [1, 2]
    assert (await client.get(f"/schemas/ids/{one}")).json() == {"schema": ONE, "schemaType": "JSON"}
    first = (await client.get("/subjects/thing-value/versions/1")).json()
    assert first == {"subject": "thing-value", "version": 1, "id": one, "schema": ONE, "schemaType": "JSON"}
    assert (await client.get("/subjects/thing-value/versions/latest")).json()["id"] == two


async def test_what_differs_in_layout_only_is_one_schema(client):
    one = await register(client, "thing-value", ONE)
    laid_out = json.dumps(json.loads(ONE), indent=4, sort_keys=True)
    assert await register(client, "thing-value", laid_out) == one
    assert await register(client, "other-value", laid_out) == one
    assert (await client.get("/subjects/thing-value/versions")).json() == [1]
    assert (await client.get("/subjects/other-value/versions/1")).json()["id"] == one


async def test_ids_and_versions_have_no_gaps_under_concurrency(client):
    texts = [f'{{"const": {number}}}' for number in range(10)]
    subjects = ["a-value", "b-value"]
    await configure(client, "NONE")
    # No more than there are connections: for one of those a request waits five seconds.
    at_once = asyncio.Semaphore(8)

    async def registered(subject, text):
        async with at_once:
            return await register(client, subject, text)

    ids = await asyncio.gather(*(registered(subject, text) for subject in subjects for text in texts * 2))
    assert set(ids) == set(range(1, 11))
    for subject in subjects:
        assert (await client.get(f"/subjects/{subject}/versions")).json() == list(range(1, 11))


@pytest.mark.parametrize(
    "posted",
    [
        {"schema": ONE},
        {"schema": ONE, "schemaType": "PROTOBUF"},
        body("{"),
        body("[]"),
        body('{"type": "nonsense"}'),
        body('{"minimum": NaN}'),
    ],
)
async def test_what_is_no_json_schema_is_refused(client, posted):
    fault(await client.post("/subjects/thing-value/versions", json=posted), 42201)
    assert (await client.get("/subjects")).json() == []


async def test_what_is_not_there_is_said_with_confluents_codes(client):
    await register(client, "thing-value", ONE)
    fault(await client.get("/subjects/nothing/versions"), 40401)
    fault(await client.get("/subjects/nothing/versions/latest"), 40401)
    fault(await client.get("/subjects/thing-value/versions/2"), 40402)
    fault(await client.get("/schemas/ids/99"), 40403)
    for version in ("0", "-1", "newest", "9999999999"):
        fault(await client.get(f"/subjects/thing-value/versions/{version}"), 42202)


async def test_what_may_not_follow_is_refused_with_the_reason_and_the_mend(client):
    await register(client, "thing-value", ONE)
    refused = await client.post("/subjects/thing-value/versions", json=body(NARROW))
    fault(refused, 409)
    (finding,) = refused.json()["findings"]
    assert (finding["version"], finding["direction"]) == (1, "backward")
    assert (finding["path"], finding["rule"]) == ("/a", "/properties/a/type")
    assert isinstance(finding["example"]["a"], int)
    assert finding["fix"]
    assert finding["message"] in refused.json()["message"]
    assert (await client.get("/subjects/thing-value/versions")).json() == [1]


async def test_a_new_schema_is_held_against_every_earlier_one(client):
    await register(client, "thing-value", '{"enum": ["a", "b"]}')
    await configure(client, "NONE", "/config/thing-value")
    await register(client, "thing-value", '{"enum": ["a"]}')
    await configure(client, "BACKWARD", "/config/thing-value")
    narrow = '{"enum": ["a", "c"]}'
    path = "/compatibility/subjects/thing-value/versions"
    assert (await client.post(f"{path}/2", json=body(narrow))).json()["is_compatible"] is True
    assert (await client.post(f"{path}/1", json=body(narrow))).json()["is_compatible"] is False
    await configure(client, "BACKWARD_TRANSITIVE", "/config/thing-value")
    fault(await client.post("/subjects/thing-value/versions", json=body(narrow)), 409)
    await configure(client, "BACKWARD", "/config/thing-value")
    await register(client, "thing-value", narrow)
    # What is registered stays so, whatever the rule is by now.
    await configure(client, "FULL_TRANSITIVE", "/config/thing-value")
    await register(client, "thing-value", '{"enum": ["a", "b"]}')


async def test_compatibility_is_answered_without_registering(client, token):
    await register(client, "thing-value", ONE)
    reader = {"Authorization": f"Bearer {token()}"}
    path = "/compatibility/subjects/thing-value/versions"
    plain = await client.post(f"{path}/latest", json=body(TWO), headers=reader)
    assert plain.headers["content-type"] == MEDIA_TYPE
    assert plain.json()["is_compatible"] is True
    told = (await client.post(f"{path}/1?verbose=true", json=body(NARROW), headers=reader)).json()
    assert told["is_compatible"] is False
    assert len(told["messages"]) == len(told["findings"]) == 1
    assert (await client.get("/subjects/thing-value/versions")).json() == [1]
    fault(await client.post(f"{path}/2", json=body(TWO)), 40402)
    fault(await client.post("/compatibility/subjects/no/versions/1", json=body(TWO)), 40401)
    fault(await client.post(f"{path}/1", json=body("{")), 42201)


async def test_what_cannot_be_proved_may_not_follow(client):
    recursive = '{"$ref": "https://elsewhere.test/schema"}'
    await register(client, "thing-value", ONE)
    refused = await client.post("/subjects/thing-value/versions", json=body(recursive))
    fault(refused, 409)
    assert "cannot be compared" in refused.json()["findings"][0]["message"]


async def test_the_rule_of_a_subject_and_of_all(client, token):
    assert (await client.get("/config")).json() == {"compatibilityLevel": "BACKWARD_TRANSITIVE"}
    fault(await client.get("/config/thing-value"), 40408)
    await configure(client, "FULL")
    assert (await client.get("/config")).json() == {"compatibilityLevel": "FULL"}
    found = await client.get("/config/thing-value?defaultToGlobal=true")
    assert found.json() == {"compatibilityLevel": "FULL"}
    await configure(client, "FORWARD", "/config/thing-value")
    assert (await client.get("/config/thing-value")).json() == {"compatibilityLevel": "FORWARD"}
    fault(await client.put("/config", json={"compatibility": "SOMETIMES"}), 42203)
    reader = {"Authorization": f"Bearer {token()}"}
    fault(await client.put("/config", json={"compatibility": "NONE"}, headers=reader), 40301)


async def test_who_may(client, token):
    reader = {"Authorization": f"Bearer {token()}"}
    fault(await client.post("/subjects/a/versions", json=body(ONE), headers=reader), 40301)
    assert (await client.get("/subjects", headers=reader)).status_code == 200
    fault(await client.get("/subjects", headers={"Authorization": "Bearer nonsense"}), 40101)


async def test_treatys_own_schemas_are_there_after_any_number_of_starts(engine, client):
    for _ in range(2):
        await register_own(Subjects(engine))
    names = (await client.get("/subjects")).json()
    assert names == sorted(subject_of(event) for event in EVENTS)
    for event in EVENTS:
        found = (await client.get(f"/subjects/{subject_of(event)}/versions/latest")).json()
        assert found["version"] == 1
        assert found["schema"].encode() == committed_schema(event)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_has_one_canonical_form_or_none(value):
    try:
        found = canonical(json.dumps(value))
    except SchemaError:
        return
    assert canonical(found) == found
    assert json.loads(found) == value
