"""/v1/plugins over the real PostgreSQL."""

import asyncio

import msgspec
import pytest
from sqlalchemy import func, select

from treaty_chassis.postgres.outbox import unpack_headers
from treaty_contract_governance.tables import OUTBOX
from treaty_contract_governance.tables import decision as decisions
from treaty_contract_governance.tables import verdict as verdicts
from treaty_events.codec import decode
from treaty_events.decisions import ContractDecided
from treaty_events.envelope import Envelope


def problem(response, status, code=None):
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert code in (None, response.json()["code"])
    return response.json()


async def events(engine):
    async with engine.connect() as connection:
        rows = await connection.execute(select(OUTBOX.table).order_by(OUTBOX.table.c.id))
        return [(row.topic, row.key, decode(ContractDecided, row.value), row.headers) for row in rows]


async def test_an_admitted_verdict_becomes_a_decision_and_its_event(client, engine, verdict):
    response = await client.post("/v1/plugins/decentlab/verdicts", json=verdict())
    assert response.status_code == 201
    body = response.json()
    assert body["state"] == "admitted"
    assert body["version"] == 1
    assert body["decided_by"] == "ada"
    assert body["topic"] is None
    ((topic, key, event, packed),) = await events(engine)
    assert (topic, key) == ("contract.decided.v1", b"decentlab")
    assert msgspec.to_builtins(event) == body
    headers = unpack_headers(packed)
    assert Envelope.of(headers).type == "treaty.contract.decided.v1"
    assert ("treaty-version", b"1") in headers
    assert client.woken


async def test_a_verdict_posted_again_changes_nothing(client, engine, verdict):
    first = await client.post("/v1/plugins/decentlab/verdicts", json=verdict())
    again = await client.post("/v1/plugins/decentlab/verdicts", json=verdict())
    assert again.status_code == 200
    assert again.json() == first.json()
    assert len(await events(engine)) == 1


async def test_a_refusal_carries_the_findings_and_is_recorded(client, engine, verdict):
    bad = verdict(admitted=False)
    found = problem(await client.post("/v1/plugins/decentlab/verdicts", json=bad), 422, "plugin_refused")
    assert found["findings"] == bad["findings"]
    assert (await client.get("/v1/plugins/decentlab")).json()["state"] == "refused"
    async with engine.connect() as connection:
        assert await connection.scalar(select(verdicts.c.admitted)) is False
    assert [event.state for _, _, event, _ in await events(engine)] == ["refused"]


async def test_a_refused_release_leaves_the_running_one(client, engine, verdict):
    await client.post("/v1/plugins/decentlab/verdicts", json=verdict())
    problem(
        await client.post(
            "/v1/plugins/decentlab/verdicts", json=verdict(package="b", version="1.1.0", admitted=False)
        ),
        422,
    )
    now = (await client.get("/v1/plugins/decentlab")).json()
    assert (now["state"], now["plugin_version"], now["version"]) == ("admitted", "1.0.0", 1)
    async with engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(verdicts)) == 2


async def test_quarantine_and_reinstate_are_audited(client, engine, verdict):
    await client.post("/v1/plugins/decentlab/verdicts", json=verdict())
    for _ in range(2):
        held = await client.post("/v1/plugins/decentlab/quarantine", json={"reason": "drift"})
        assert held.status_code == 200
        assert (held.json()["state"], held.json()["version"]) == ("quarantined", 2)
    back = await client.post("/v1/plugins/decentlab/reinstate", json={"reason": "fixed"})
    assert (back.json()["state"], back.json()["version"]) == ("admitted", 3)
    history = (await client.get("/v1/plugins/decentlab/decisions")).json()["items"]
    assert [(entry["version"], entry["state"], entry["reason"]) for entry in history[:2]] == [
        (3, "admitted", "fixed"),
        (2, "quarantined", "drift"),
    ]
    assert {entry["decided_by"] for entry in history} == {"ada"}
    assert [event.version for _, _, event, _ in await events(engine)] == [1, 2, 3]


@pytest.mark.parametrize("body", [{}, {"json": {}}, {"json": {"reason": "fixed"}}])
async def test_a_reinstatement_needs_no_reason(client, verdict, body):
    await client.post("/v1/plugins/decentlab/verdicts", json=verdict())
    await client.post("/v1/plugins/decentlab/quarantine", json={"reason": "drift"})
    assert (await client.post("/v1/plugins/decentlab/reinstate", **body)).json()["state"] == "admitted"


async def test_what_is_unknown_or_refused_is_said(client, verdict):
    problem(await client.get("/v1/plugins/nobody"), 404)
    problem(await client.get("/v1/plugins/nobody/decisions"), 404)
    problem(await client.get("/v1/plugins/nobody/reports"), 404)
    problem(await client.post("/v1/plugins/nobody/quarantine", json={"reason": "r"}), 404)
    problem(await client.post("/v1/plugins/nobody/reinstate", json={"reason": "r"}), 404)
    await client.post("/v1/plugins/decentlab/verdicts", json=verdict(admitted=False))
    problem(await client.post("/v1/plugins/decentlab/quarantine", json={"reason": "r"}), 409)
    problem(await client.post("/v1/plugins/decentlab/quarantine", json={"reason": ""}), 422)
    problem(await client.post("/v1/plugins/decentlab/quarantine", json={}), 422)
    problem(await client.post("/v1/plugins/other/verdicts", json=verdict()), 422)
    problem(
        await client.post(
            "/v1/plugins/decentlab/verdicts",
            json=verdict(
                admitted=True, findings=[{"code": "P503", "severity": "error", "message": "a vector differs"}]
            ),
        ),
        422,
    )
    problem(
        await client.post(
            "/v1/plugins/decentlab/verdicts", content=b"{", headers={"content-type": "application/json"}
        ),
        400,
    )


async def test_pages_walk_every_plugin_once(client, verdict):
    names = [f"plugin-{number:02}" for number in range(7)]
    for name in reversed(names):
        await client.post(f"/v1/plugins/{name}/verdicts", json=verdict(plugin=name))
    seen, cursor = [], None
    while True:
        page = (
            await client.get("/v1/plugins", params={"limit": 3, **({"cursor": cursor} if cursor else {})})
        ).json()
        seen += [item["plugin"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == names
    problem(await client.get("/v1/plugins", params={"cursor": "nonsense"}), 400)


async def test_concurrent_acts_are_counted_one_by_one(client, engine, verdict):
    """Of many at once each is its own version, and the events leave in their order."""
    acts = [
        client.post("/v1/plugins/decentlab/verdicts", json=verdict(package=letter)) for letter in "abcdef"
    ]
    statuses = [response.status_code for response in await asyncio.gather(*acts)]
    assert statuses == [201] * 6
    acts = [
        client.post(f"/v1/plugins/decentlab/{act}", json={"reason": "r"})
        for act in ("quarantine", "reinstate") * 5
    ]
    await asyncio.gather(*acts)
    async with engine.connect() as connection:
        versions = list(await connection.scalars(select(decisions.c.version).order_by(decisions.c.version)))
    assert versions == list(range(1, len(versions) + 1))
    assert [event.version for _, _, event, _ in await events(engine)] == versions


@pytest.mark.parametrize("platform", [None, "viewer"])
async def test_only_a_platform_admin_governs(client, token, verdict, platform):
    headers = {"Authorization": f"Bearer {token(platform)}"}
    await client.post("/v1/plugins/decentlab/verdicts", json=verdict())
    for path, body in [
        ("verdicts", verdict(package="b")),
        ("quarantine", {"reason": "r"}),
        ("reinstate", {"reason": "r"}),
    ]:
        problem(await client.post(f"/v1/plugins/decentlab/{path}", json=body, headers=headers), 403)
    assert (await client.get("/v1/plugins", headers=headers)).status_code == 200
    assert (await client.get("/v1/plugins/decentlab", headers=headers)).json()["version"] == 1
    reports = await client.get("/v1/plugins/decentlab/reports", headers=headers)
    assert reports.status_code == (200 if platform else 403)


async def test_nobody_reads_without_a_token(client):
    for path in ("/v1/plugins", "/v1/plugins/decentlab", "/v1/plugins/decentlab/decisions"):
        response = await client.get(path, headers={"Authorization": ""})
        problem(response, 401)
        assert response.headers["www-authenticate"].startswith("Bearer")


async def test_probes_need_no_token(client):
    for path in ("/livez", "/readyz", "/metrics"):
        assert (await client.get(path, headers={"Authorization": ""})).status_code == 200


async def test_current_decisions_are_told_again_page_by_page(client, engine, verdict, token):
    for plugin in ("acme", "decentlab", "netvox"):
        await client.post(f"/v1/plugins/{plugin}/verdicts", json=verdict(plugin=plugin))
    await client.post("/v1/plugins/decentlab/quarantine", json={"reason": "celsius"})
    before = {event.plugin: event for _, _, event, _ in await events(engine)}
    path, counts, cursor = "/v1/resend/contract.decided.v1", [], None
    while cursor is not None or not counts:
        asked = {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
        answer = await client.post(path, params=asked)
        assert answer.status_code == 202, answer.text
        counts.append(answer.json()["enqueued"])
        cursor = answer.json()["next"]
    assert counts == [2, 1]
    told = [event for _, _, event, _ in await events(engine)][-3:]
    assert told == [before[plugin] for plugin in ("acme", "decentlab", "netvox")]
    for role in (None, "viewer"):
        refused = await client.post(path, headers={"Authorization": f"Bearer {token(role)}"})
        problem(refused, 403)
