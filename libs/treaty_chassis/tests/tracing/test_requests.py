"""A span a request: the route's name, the caller's trace, nothing of what a request keeps to itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from fastapi import APIRouter, FastAPI, HTTPException
from opentelemetry.trace import SpanKind, StatusCode
from starlette.responses import StreamingResponse

from treaty_chassis.http import probes
from treaty_chassis.http.tracing import traced
from treaty_chassis.tracing.context import current

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def application(ended: Callable[[], int] = int) -> FastAPI:
    """`ended` counts spans."""
    app = FastAPI()
    probes.install(app, {})

    @app.get("/v1/devices/{device}")
    async def one(device: str) -> dict[str, str | None]:
        return {"traceparent": current()}

    inner, outer = APIRouter(prefix="/sites/{site}"), APIRouter(prefix="/v1")

    @inner.get("/devices")
    async def within() -> dict[str, str | None]:
        return {"traceparent": current()}

    outer.include_router(inner)
    app.include_router(outer)

    @app.get("/v1/threads")
    def in_a_thread() -> dict[str, str | None]:
        return {"traceparent": current()}

    @app.get("/v1/refused")
    async def refused() -> None:
        raise HTTPException(404)

    @app.get("/v1/wrong")
    async def wrong() -> None:
        raise RuntimeError("the token is secret")

    @app.get("/v1/stream")
    async def stream() -> StreamingResponse:
        async def events() -> AsyncIterator[bytes]:
            yield f"data: {ended()}\n\n".encode()

        return StreamingResponse(events(), media_type="text/event-stream")

    return app


@pytest.fixture
async def client(recorded) -> AsyncIterator[httpx.AsyncClient]:
    app = application(lambda: len(recorded.spans))
    transport = httpx.ASGITransport(traced(app, recorded.tracing), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry:8081") as client:
        yield client


async def test_a_request_is_a_server_span_named_by_its_route(client, recorded) -> None:
    answer = await client.get("/v1/devices/d-1?access_token=secret")
    (span,) = recorded.spans
    assert span.name == "GET /v1/devices/{device}"
    assert span.kind is SpanKind.SERVER
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "http.route": "/v1/devices/{device}",
        "http.response.status_code": 200,
        "url.path": "/v1/devices/d-1",
        "url.scheme": "http",
    }
    assert span.parent is None
    ids = f"{span.context.trace_id:032x}-{span.context.span_id:016x}"
    assert answer.json()["traceparent"].startswith(f"00-{ids}-")


async def test_a_route_of_routers_within_routers_is_named_whole(client, recorded) -> None:
    assert (await client.get("/v1/sites/s-1/devices")).status_code == 200
    assert recorded.spans[0].name == "GET /v1/sites/{site}/devices"


@pytest.mark.parametrize("path", ["/v1/devices/d-1", "/v1/threads"])
async def test_a_callers_trace_goes_on_to_whatever_the_request_causes(client, recorded, path: str) -> None:
    answer = await client.get(path, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    (span,) = recorded.spans
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == PARENT
    assert answer.json()["traceparent"].split("-")[1:3] == [TRACE, f"{span.context.span_id:016x}"]


async def test_a_caller_who_does_not_sample_is_not_recorded_and_still_carried_on(client, recorded) -> None:
    answer = await client.get("/v1/devices/d-1", headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    assert recorded.spans == ()
    assert answer.json()["traceparent"].startswith(f"00-{TRACE}-")
    assert answer.json()["traceparent"].endswith("-00")


@pytest.mark.parametrize("given", ["", "no", f"00-{'0' * 32}-{PARENT}-01", "x" * 10_000])
async def test_what_is_no_traceparent_begins_a_trace(client, recorded, given: str) -> None:
    await client.get("/v1/devices/d-1", headers={"traceparent": given})
    assert recorded.spans[0].parent is None


async def test_a_refusal_is_no_failure_and_a_mistake_is_one_without_its_words(client, recorded) -> None:
    await client.get("/v1/refused")
    await client.get("/v1/wrong")
    refused, wrong = recorded.spans
    assert refused.status.status_code is StatusCode.UNSET
    assert refused.attributes["http.response.status_code"] == 404
    assert wrong.status.status_code is StatusCode.ERROR
    assert wrong.attributes["http.response.status_code"] == 500
    assert "secret" not in wrong.to_json()


async def test_an_unknown_path_and_method_name_nothing(client, recorded) -> None:
    await client.request("BREW", "/nobody/knows/this")
    (span,) = recorded.spans
    assert span.name == "_OTHER"
    assert "http.route" not in span.attributes


async def test_of_a_path_no_more_is_kept_than_anybody_reads(client, recorded) -> None:
    await client.get(f"/{'x' * 50_000}")
    assert len(recorded.spans[0].attributes["url.path"]) == 1024


async def test_probes_are_not_traced(client, recorded) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        assert (await client.get(path)).status_code == 200
    assert recorded.spans == ()


async def test_a_stream_of_events_is_a_span_until_it_begins(client, recorded) -> None:
    answer = await client.get("/v1/stream")
    assert answer.text == "data: 1\n\n"
    assert [span.name for span in recorded.spans] == ["GET /v1/stream"]


async def test_an_application_without_tracing_is_the_application() -> None:
    app = application()
    assert traced(app, None) is app
