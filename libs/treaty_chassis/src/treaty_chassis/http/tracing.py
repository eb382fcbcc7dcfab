"""A span a request, as ASGI middleware: part of the caller's trace where it sent a traceparent.

Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from treaty_chassis.tracing.spans import Tracing

__all__ = ["traced"]

UNTRACED: Final = {"/livez", "/readyz", "/metrics"}
"""Asked every few seconds, by machines."""
METHODS: Final = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY"}


def traced(app: ASGIApp, tracing: Tracing | None) -> ASGIApp:
    """The application with spans, or as it is where there are none."""
    return app if tracing is None else _Traced(app, tracing)


class _Traced:
    """A span is named by the route, not by the path, and tells nothing of query, headers and body."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        from treaty_chassis.tracing.requests import RequestSpans  # noqa: PLC0415 - imports the SDK

        self._app = app
        self._requests = RequestSpans(tracing)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNTRACED:
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        with self._requests.span(method, scope["path"], scope["scheme"], scope["headers"]) as span:

            async def telling(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.answered(message["status"])
                    if dict(message["headers"]).get(b"content-type", b"").startswith(b"text/event-stream"):
                        # It has no end to wait for.
                        span.routed(_route(scope))
                        span.end()
                await send(message)

            try:
                await self._app(scope, receive, telling)
            finally:
                span.routed(_route(scope))


def _route(scope: Scope) -> str | None:
    """The template that the router found, None where it found none."""
    # Of a router included in another, `route` has the inner part alone.
    found = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    return getattr(found, "path_format", None) or getattr(found, "path", None)
