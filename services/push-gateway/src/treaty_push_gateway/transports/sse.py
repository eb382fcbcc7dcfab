"""The same stream as server-sent events (WHATWG HTML, section 9.2), one subscription a request."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Header, Query
from starlette.responses import StreamingResponse

from treaty_chassis.http.problems import Problem, documented
from treaty_chassis.http.tokens import Principal
from treaty_push_gateway.session import Gateway, Session, granted
from treaty_push_gateway.stream.errors import Code, CodedError
from treaty_push_gateway.stream.messages import Outgoing
from treaty_push_gateway.stream.requests import Subscribe, read_request
from treaty_push_gateway.transports.traffic import Traffic

__all__ = ["EventStream", "routes"]

SUBSCRIPTION: Final = "sse"
MAX_UNSENT: Final = 64 * 1024
IDLE_S: Final = 15.0
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
STATUSES: Final = {Code.UNAUTHENTICATED: 401, Code.FORBIDDEN: 403, Code.CURSOR_EXPIRED: 410}
Ids = Annotated[str, Query(description="ids, separated by commas; none restricts nothing")]


class EventResponse(StreamingResponse):
    media_type = "text/event-stream"


class EventStream:
    """A Connection whose messages wait, bounded, until the response takes them."""

    def __init__(self, traffic: Traffic) -> None:
        self.blocked_since: float | None = None
        self.session: Session | None = None
        self._traffic = traffic
        self._waiting: deque[bytes] = deque()
        self._unsent = 0
        self._closed = False
        self._changed = asyncio.Event()

    @property
    def writable(self) -> bool:
        return self.blocked_since is None

    def send(self, message: Outgoing) -> None:
        if self._closed:
            return
        event = message.event
        self._waiting.append(event)
        self._unsent += len(event)
        self._traffic.messages += 1
        self._traffic.bytes += len(event)
        if self._unsent > MAX_UNSENT and self.blocked_since is None:
            self.blocked_since = asyncio.get_running_loop().time()
        self._closed = message.kind == "error"
        self._changed.set()

    def close(self, code: int, reason: str) -> None:
        self._closed = True
        self._changed.set()

    async def events(self) -> AsyncIterator[bytes]:
        """Until the session ends; a comment now and then, so that a dead peer is noticed."""
        yield b"retry: 2000\n\n"
        while True:
            while self._waiting:
                event = self._waiting.popleft()
                yield event
                self._unsent -= len(event)
                if self.blocked_since is not None and self._unsent <= MAX_UNSENT:
                    self.blocked_since = None
                    if self.session is not None:
                        self.session.writable()
            if self._closed:
                return
            self._changed.clear()
            try:
                async with asyncio.timeout(IDLE_S):
                    await self._changed.wait()
            except TimeoutError:
                yield b":\n\n"


def routes(gateway: Callable[[], Gateway | None], traffic: Traffic) -> APIRouter:
    """`gateway` gives None until the node is ready."""
    router = APIRouter()

    @router.get("/v1/stream/sse", responses=documented(400, 401, 403, 410, 503), response_class=EventResponse)
    async def sse(
        *,
        workspaces: Ids = "",
        devices: Ids = "",
        models: Ids = "",
        measurements: Ids = "",
        cursor: Annotated[str | None, Query(max_length=4096)] = None,
        time: Annotated[str | None, Query(max_length=64, description="RFC 3339")] = None,
        conflate: bool = False,
        access_token: Annotated[str | None, Query(max_length=8192)] = None,
        authorization: Annotated[str, Header(max_length=8192)] = "",
        last_event_id: Annotated[str | None, Header(max_length=4096)] = None,
    ) -> StreamingResponse:
        """Readings as they arrive; docs/protocols/websocket.md says what each event holds."""
        found = gateway()
        if found is None or traffic.full:
            raise Problem(503, "the node does not take connections now", headers={"Retry-After": "2"})
        start = {"cursor": last_event_id or cursor} if last_event_id or cursor else {"time": time}
        body = {
            "type": "subscribe",
            "id": SUBSCRIPTION,
            "filter": {
                "workspaces": _listed(workspaces),
                "devices": _listed(devices),
                "models": _listed(models),
                "measurements": _listed(measurements),
            },
            "conflate": conflate,
            "from": start if any(start.values()) else "latest",
        }
        try:
            scheme, _, bearer = authorization.partition(" ")
            token = bearer.strip() if scheme.lower() == "bearer" else access_token or ""
            principal = found.identify(token)
            request = read_request(msgspec.json.encode(body))
            if not isinstance(request, Subscribe):
                raise CodedError(Code.MALFORMED_MESSAGE, "expected a subscription")
            granted(request.wanted, principal)
            if request.start is not None:
                await found.opening.find(request.start)
        except CodedError as failure:
            found.refused(failure.code)
            raise Problem(STATUSES.get(failure.code, 400), failure.detail, code=failure.code) from failure
        return EventResponse(_carried(found, traffic, principal, token, request), headers=HEADERS)

    return router


async def _carried(
    gateway: Gateway, traffic: Traffic, principal: Principal, token: str, request: Subscribe
) -> AsyncIterator[bytes]:
    stream = EventStream(traffic)
    session = stream.session = Session(gateway, stream)
    traffic.sse += 1
    try:
        session.admit(principal, token)
        session.subscribe(request)
        async for event in stream.events():
            yield event
    finally:
        traffic.sse -= 1
        session.lost()


def _listed(text: str) -> list[str]:
    return [part for part in text.split(",") if part]
