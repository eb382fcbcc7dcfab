"""What the node serves beside the stream: the console, its configuration and the models' widgets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, FastAPI, Query, Response
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from treaty_chassis.http.problems import Problem, documented
from treaty_push_gateway.widgets import ModelWidget

__all__ = ["install_console", "routes"]

CONSOLE: Final = Path(__file__).with_name("console")
JSON: Final = "application/json"


def routes(registry_url: str, widgets: Mapping[str, ModelWidget]) -> APIRouter:
    """`registry_url` is the registry as browsers reach it."""
    router = APIRouter()

    @router.get("/v1/config")
    def config() -> dict[str, str]:
        """Where the console finds the registry and the stream."""
        return {"registry_url": registry_url.rstrip("/"), "stream": "/v1/stream"}

    @router.get("/v1/widgets", responses=documented(404))
    def widget(model: Annotated[str, Query(max_length=256)]) -> Any:
        """How a device model is shown: its plugin's widget.json, with the units and plausible ranges of what
        its contract promises."""
        found = widgets.get(model)
        if found is None:
            raise Problem(404, "no plugin here serves this model")
        return Response(msgspec.json.encode(found), media_type=JSON)

    return router


def install_console(app: FastAPI, registry_url: str) -> None:
    """Serves the console at / and lets a browser load nothing but it, and talk to nobody but this node and
    the registry. To be called last: the files take every path that is left."""
    app.mount("/", StaticFiles(directory=CONSOLE, html=True))
    app.add_middleware(_Guarded, registry_url=registry_url)


class _Guarded:
    """Adds the headers that hold a browser to the console's own files."""

    def __init__(self, app: ASGIApp, registry_url: str) -> None:
        url = urlsplit(registry_url)
        self._app = app
        self._policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
            f"connect-src 'self' {url.scheme}://{url.netloc}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = self._policy
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Referrer-Policy"] = "no-referrer"
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self._app(scope, receive, guarded)
