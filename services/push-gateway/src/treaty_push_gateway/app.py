"""Wires the push gateway: one process, one node, REST, console and streams on one port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog
import uvloop
from fastapi import FastAPI

from treaty_chassis.http import probes, problems
from treaty_chassis.http.limits import BodyLimit
from treaty_chassis.http.server import bind, serving, until_stopped
from treaty_chassis.http.tokens import KeySetError
from treaty_chassis.http.tracing import traced
from treaty_chassis.probes import Check
from treaty_chassis.starting import started
from treaty_chassis.telemetry import METRICS
from treaty_chassis.tracing.environment import TracingError
from treaty_chassis.tracing.setup import close, start
from treaty_push_gateway.metrics import NodeCollector
from treaty_push_gateway.node import Node
from treaty_push_gateway.routes import install_console, routes
from treaty_push_gateway.session import Gateway
from treaty_push_gateway.settings import Settings
from treaty_push_gateway.transports import sse
from treaty_push_gateway.transports.traffic import Traffic
from treaty_push_gateway.transports.websocket import protocol_class
from treaty_push_gateway.widgets import ModelWidget, load_widgets

__all__ = ["application", "main", "serve"]

log = structlog.get_logger(__name__)


def application(
    checks: Mapping[str, Check],
    gateway: Callable[[], Gateway | None],
    traffic: Traffic,
    widgets: Mapping[str, ModelWidget],
    registry_url: str,
) -> FastAPI:
    """The HTTP side; WebSocket connections never reach it. `registry_url` is the registry as browsers
    reach it."""
    app = FastAPI(title="Treaty push gateway", version="1", docs_url=None, redoc_url=None)
    problems.install(app)
    probes.install(app, checks)
    app.include_router(routes(registry_url, widgets))
    app.include_router(sse.routes(gateway, traffic))
    app.add_middleware(BodyLimit, limit=1024)
    install_console(app, registry_url)
    return app


async def serve(settings: Settings) -> int:
    """Until SIGTERM or SIGINT, or until the log is not the one it was; the process's exit code."""
    traffic = Traffic(settings.connections)
    tracing = start("push-gateway")
    node = Node(settings, tracing)

    def gateway() -> Gateway | None:
        return node.gateway

    METRICS.register(NodeCollector(traffic, gateway))
    bound = bind(settings.http_host, settings.http_port)
    registry_url = settings.registry_public_url or settings.registry_url
    app = application(node.checks(), gateway, traffic, load_widgets(settings.plugins_dir), registry_url)
    running = asyncio.create_task(node.run())
    stopped = asyncio.create_task(until_stopped())
    async with serving(
        traced(app, tracing), bound, ws=protocol_class(gateway, traffic), limit_concurrency=None
    ):
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    running.cancel()
    ended = await asyncio.gather(running, return_exceptions=True)
    await asyncio.to_thread(close, tracing)
    if isinstance(ended[0], asyncio.CancelledError):
        return 0
    log.error("node_ended", exc_info=ended[0])
    return 1


def main() -> int:
    return started("push-gateway", Settings, _run, KeySetError, TracingError)


def _run(settings: Settings) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(settings))
