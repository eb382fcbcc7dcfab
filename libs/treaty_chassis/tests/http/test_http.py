"""A small application with everything installed, spoken to over HTTP."""

import re
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, ConfigDict, Field

from treaty_chassis.http import pagination, preconditions, probes, problems, reference
from treaty_chassis.http.limits import BodyLimit
from treaty_chassis.http.server import bind, serving


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=2)]
    sizes: list[int] = []


def application(ready=None):
    app = FastAPI(title="Things & more", docs_url=None)
    problems.install(app)
    reference.install(app)
    probes.install(app, {"part": lambda: ready}, registry=CollectorRegistry())
    app.add_middleware(BodyLimit, limit=1000)

    @app.post("/things")
    async def add(thing: Thing, count: int = 1):
        return thing

    @app.post("/raw")
    async def raw(request: Request):
        return len(await request.body())

    @app.get("/broken")
    async def broken():
        raise RuntimeError("password=hunter2")

    @app.get("/taken")
    async def taken():
        raise problems.Problem(409, "the name is taken", code="name_taken", name="x")

    return app


@pytest.fixture
async def client():
    transport = httpx.ASGITransport(application(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def problem(response, status):
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["type"] == f"urn:treaty:problem:{body['code']}"
    return body


async def test_a_raised_problem_carries_its_code_and_members(client):
    body = problem(await client.get("/taken"), 409)
    assert (body["code"], body["detail"], body["name"]) == ("name_taken", "the name is taken", "x")


async def test_a_body_that_does_not_validate_is_told_by_json_pointer(client):
    body = problem(await client.post("/things", json={"name": "a", "sizes": [1, "x"], "a/b": 1}), 422)
    assert {e["pointer"] for e in body["errors"]} == {"#/name", "#/sizes/1", "#/a~1b"}


async def test_a_parameter_that_does_not_validate_is_named(client):
    body = problem(await client.post("/things?count=many", json={"name": "ab"}), 422)
    assert body["errors"][0]["parameter"] == "query:count"


async def test_a_body_that_is_no_json(client):
    answer = await client.post("/things", content=b"{", headers={"content-type": "application/json"})
    assert problem(answer, 400)["code"] == "malformed_json"


async def test_a_body_of_another_media_type(client):
    problem(await client.post("/things", content=b"<a/>", headers={"content-type": "text/xml"}), 415)


async def test_an_unknown_path_and_a_wrong_method(client):
    problem(await client.get("/nowhere"), 404)
    answer = await client.delete("/taken")
    problem(answer, 405)
    assert answer.headers["allow"] == "GET"


async def test_an_unforeseen_error_does_not_leak(client):
    answer = await client.get("/broken")
    problem(answer, 500)
    assert "hunter2" not in answer.text


async def test_an_announced_body_beyond_the_limit(client):
    problem(await client.post("/raw", content=b"x" * 1001), 413)
    assert (await client.post("/raw", content=b"x" * 1000)).json() == 1000


async def test_a_streamed_body_beyond_the_limit(client):
    async def chunks():
        for _ in range(11):
            yield b"x" * 100

    problem(await client.post("/raw", content=chunks()), 413)


async def test_probes_say_what_is_missing(client):
    assert (await client.get("/livez")).json() == {"alive": True, "detail": "ok"}
    assert (await client.get("/readyz")).json() == {"ready": True, "checks": {"part": "ok"}}
    assert (await client.get("/metrics")).status_code == 200
    transport = httpx.ASGITransport(application(ready="not yet"))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as waiting:
        answer = await waiting.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]) == (503, {"part": "not yet"})


async def test_the_server_answers_on_a_chosen_port_and_ends_what_is_under_way():
    bound = bind("127.0.0.1", 0)
    port = bound.getsockname()[1]
    async with serving(application(), bound), httpx.AsyncClient(timeout=60) as client:
        assert (await client.get(f"http://127.0.0.1:{port}/livez")).status_code == 200
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{port}/livez")


def test_a_busy_port_is_said_in_words():
    taken = bind("127.0.0.1", 0)
    taken.listen()
    with pytest.raises(OSError, match=r"cannot listen on 127\.0\.0\.1:"):
        bind("127.0.0.1", taken.getsockname()[1])
    taken.close()


@given(st.text(), st.tuples(st.text(), st.integers(-(2**63), 2**63 - 1)))
def test_a_cursor_gives_back_its_key_for_its_own_question_only(question, key):
    cursor = pagination.encode_cursor(question, key)
    assert pagination.decode_cursor(question, cursor, tuple[str, int]) == key
    with pytest.raises(problems.Problem, match="another path or filter"):
        pagination.decode_cursor(question + "?", cursor, tuple[str, int])


@given(st.text(max_size=60))
def test_a_made_up_cursor_is_a_400(text):
    with pytest.raises(problems.Problem) as problem:
        pagination.decode_cursor("/things", text, int)
    assert problem.value.status == 400


@pytest.mark.parametrize("found", [0, 1, 2, 3])
def test_a_page_has_a_successor_only_where_more_rows_were_found(found):
    page, following = pagination.paged("/things", list(range(found)), 2, lambda row: row)
    assert page == list(range(min(found, 2)))
    assert (following is not None) == (found == 3)


def test_if_match_names_a_version():
    assert preconditions.expected_version(preconditions.etag(7)) == 7
    assert preconditions.expected_version("*") is None
    for text, status in [(None, 428), ("7", 412), ('W/"7"', 412), ('"x"', 412), ('"²"', 412)]:
        with pytest.raises(problems.Problem) as problem:
            preconditions.expected_version(text)
        assert problem.value.status == status


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_as_in_the_appendix_of_rfc_7396(target, patch, merged):
    assert preconditions.merge_patch(target, patch) == merged


def test_documented_problems_appear_in_openapi():
    app = FastAPI(title="Things & more", docs_url=None)
    problems.install(app)
    reference.install(app)

    @app.get("/x", responses=problems.documented(404))
    async def x(value: Annotated[int, Depends(lambda: 1)]):
        return value

    document = app.openapi()
    assert "Problem" in document["components"]["schemas"]
    found = document["paths"]["/x"]["get"]["responses"]
    assert set(found) == {"200", "404", "422"}
    assert problems.MEDIA_TYPE in found["404"]["content"]


async def test_the_reference_loads_nothing_from_elsewhere(client):
    page = await client.get("/docs")
    assert page.status_code == 200
    assert "<title>Things &amp; more</title>" in page.text
    assert "default-src 'none'; script-src 'self';" in page.headers["content-security-policy"]
    assert "//" not in page.text
    loaded = re.findall(r'(?:src|href)="(docs/[^"]+)"', page.text)
    assert len(loaded) == 3
    for name in loaded:
        answer = await client.get(f"/{name}")
        assert answer.status_code == 200
        assert answer.content
    assert "openapi.json" in (await client.get("/docs/begin.js")).text
    assert (await client.get("/docs/redoc.standalone.js")).status_code == 404
