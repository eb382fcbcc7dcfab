"""/livez, /readyz and /metrics on a FastAPI application; the checks are those of treaty_chassis.probes."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from treaty_chassis.probes import Check, readiness
from treaty_chassis.telemetry import METRICS

__all__ = ["install"]


def install(
    app: FastAPI,
    checks: Mapping[str, Check],
    *,
    alive: Check | None = None,
    registry: CollectorRegistry = METRICS,
) -> None:
    """Adds the three routes, outside the OpenAPI document. Checks run in a thread: they may block briefly."""

    async def livez() -> Response:
        wrong = alive() if alive is not None else None
        return JSONResponse({"alive": wrong is None, "detail": wrong or "ok"}, 200 if wrong is None else 503)

    async def readyz() -> Response:
        ready, details = await run_in_threadpool(readiness, checks)
        return JSONResponse({"ready": ready, "checks": details}, 200 if ready else 503)

    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    for path, route in (("/livez", livez), ("/readyz", readyz), ("/metrics", metrics)):
        app.add_api_route(path, route, include_in_schema=False)
