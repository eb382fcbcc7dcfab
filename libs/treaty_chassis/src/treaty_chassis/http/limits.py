"""A bound on request bodies, as ASGI middleware."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from treaty_chassis.http.problems import Problem, response

__all__ = ["BodyLimit"]


class BodyLimit:
    """Answers 413 to a body beyond `limit` bytes: at once where its length is announced, and as soon as
    the bound is passed where it is not."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        detail = f"the body may have at most {self._limit} bytes"
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not announced.isdigit() or int(announced) > self._limit:
            # The rest of the body is not read: the connection cannot be used again.
            await response(Problem(413, detail, headers={"Connection": "close"}))(scope, receive, send)
            return
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise HTTPException(413, detail, {"Connection": "close"})
            return message

        await self._app(scope, bounded, send)
