"""/v1/outbox over a real PostgreSQL."""

import uuid

import httpx
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import MetaData, text

from treaty_chassis.http import outbox as routes
from treaty_chassis.http import problems
from treaty_chassis.http.tokens import Platform, Principal
from treaty_chassis.postgres.engine import create_engine
from treaty_chassis.postgres.outbox import Outbox

ADMIN = Principal("root", {}, Platform.ADMIN)


class Service:
    """One outbox in a schema of its own, asked by `principal`."""

    def __init__(self, url):
        self.name, self.metadata, self.principal = f"t{uuid.uuid4().hex[:12]}", MetaData(), ADMIN
        self.outbox = Outbox(self.metadata, self.name, "marker")
        self.engine = create_engine(url, "test")
        app = FastAPI()
        problems.install(app)
        transaction = Depends(self._transaction, scope="function")
        app.include_router(routes.routes(self.outbox, transaction, Depends(lambda: self.principal)))
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")

    async def _transaction(self):
        async with self.engine.begin() as connection:
            yield connection

    async def create(self):
        async with self.engine.begin() as connection:
            await connection.execute(text(f"CREATE SCHEMA {self.name}"))
            await connection.run_sync(self.metadata.create_all)

    async def rows(self, sql="SELECT * FROM {} ORDER BY id"):
        async with self.engine.begin() as connection:
            found = await connection.execute(text(sql.format(f"{self.name}.outbox")))
            return found.all() if found.returns_rows else []

    async def put(self, key, standing=""):
        """The id of an event of that key: as it was enqueued, to be retried, or failed."""
        async with self.engine.begin() as connection:
            headers = [("ce_id", b"e1"), ("ce_type", b"thing.changed")]
            await self.outbox.enqueue(connection, "gone.v1", key, b"secret body", headers)
        (row,) = await self.rows("SELECT max(id) AS id FROM {}")
        changes = {
            "": "attempts = 0",
            "retried": "attempts = 2, due_at = now(), reason = 'no such topic'",
            "failed": "attempts = 8, due_at = now(), failed_at = now(), reason = 'no such topic'",
        }
        await self.rows(f"UPDATE {{}} SET {changes[standing]} WHERE id = {row.id}")
        return row.id


@pytest.fixture
async def service(database):
    service = Service(database.url)
    await service.create()
    yield service
    await service.client.aclose()
    await service.engine.dispose()


async def test_what_is_refused_is_shown_with_why_and_what_waits_behind_it_but_no_body(service):
    failed = await service.put(b"a", "failed")
    await service.put(b"a")
    await service.put(b"b")
    retried = await service.put(b"c", "retried")
    answer = await service.client.get("/v1/outbox")
    assert b"secret" not in answer.content
    first, second = answer.json()["items"]
    assert (first["id"], first["state"], first["waiting"], first["attempts"]) == (failed, "failed", 1, 8)
    assert (first["topic"], first["key"], first["event_id"]) == ("gone.v1", "a", "e1")
    assert (first["event_type"], first["reason"], first["size"]) == ("thing.changed", "no such topic", 11)
    assert (second["id"], second["state"], second["failed_at"]) == (retried, "retried", None)


async def test_pages_follow_each_other(service):
    ids = [await service.put(b"%d" % number, "failed") for number in range(3)]
    first = (await service.client.get("/v1/outbox", params={"limit": 2})).json()
    second = (await service.client.get("/v1/outbox", params={"limit": 2, "cursor": first["next"]})).json()
    assert [item["id"] for item in first["items"] + second["items"]] == ids
    assert second["next"] is None


async def test_headers_that_cannot_be_read_do_not_hide_an_event(service):
    await service.put(None, "failed")
    await service.rows("UPDATE {} SET headers = '\\xc1'")
    (item,) = (await service.client.get("/v1/outbox")).json()["items"]
    assert (item["event_id"], item["key"]) == (None, None)


async def test_those_named_are_sent_again_or_all_and_what_is_retried_is_left_alone(service):
    one, two = [await service.put(key, "failed") for key in (b"a", b"b")]
    await service.put(b"c", "retried")
    answer = await service.client.post("/v1/outbox/send-again", params={"id": [one, 10**9]})
    assert (answer.status_code, answer.json()) == (202, {"enqueued": 1})
    states = {row.id: (row.attempts, row.failed_at is None, row.reason) for row in await service.rows()}
    assert states[one] == (0, True, None)
    assert states[two] == (8, False, "no such topic")
    assert (await service.client.post("/v1/outbox/send-again")).json() == {"enqueued": 1}
    assert [row.attempts for row in await service.rows()] == [0, 0, 2]


async def test_only_what_has_failed_can_be_discarded(service):
    failed, retried = await service.put(b"a", "failed"), await service.put(b"b", "retried")
    assert (await service.client.delete(f"/v1/outbox/{failed}")).status_code == 204
    assert (await service.client.delete(f"/v1/outbox/{failed}")).json()["code"] == "no_such_event"
    assert (await service.client.delete(f"/v1/outbox/{retried}")).status_code == 404
    assert [row.id for row in await service.rows()] == [retried]


@pytest.mark.parametrize("platform", [None, Platform.VIEWER])
async def test_only_a_platform_admin_may(service, platform):
    failed = await service.put(b"a", "failed")
    service.principal = Principal("ada", {}, platform)
    for method, path in (("GET", ""), ("POST", "/send-again"), ("DELETE", f"/{failed}")):
        assert (await service.client.request(method, f"/v1/outbox{path}")).status_code == 403
    (row,) = await service.rows()
    assert row.attempts == 8
