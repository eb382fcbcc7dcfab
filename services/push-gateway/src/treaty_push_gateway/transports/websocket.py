"""treaty.v1.json over WebSocket (RFC 6455), as a protocol that uvicorn hands the upgraded connection to.

The handshake, framing of what comes in and control frames are the websockets library's; messages go out
as frames that were built once for all their receivers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit

import msgspec
from websockets.datastructures import Headers
from websockets.exceptions import NegotiationError
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from treaty_chassis.http.problems import MEDIA_TYPE, Problem
from treaty_push_gateway.session import Gateway, Session
from treaty_push_gateway.stream.errors import Code, CodedError
from treaty_push_gateway.stream.messages import Outgoing
from treaty_push_gateway.transports.traffic import Traffic

__all__ = ["StreamProtocol", "protocol_class"]

PATH: Final = "/v1/stream"
SUBPROTOCOL: Final = Subprotocol("treaty.v1.json")
MAX_INCOMING: Final = 64 * 1024
MAX_UNSENT: Final = 64 * 1024
PING_S: Final = 20.0
CLOSE_WITHIN_S: Final = 5.0
BLOCKED_S: Final = 40.0
"""A connection to which nothing could be sent for so long is cut, whatever it has subscribed to."""
DATA: Final = {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}

# At DEBUG the library logs the handshake, which carries the token.
_logger = logging.getLogger("treaty_push_gateway.websocket")
_logger.setLevel(logging.WARNING)


def protocol_class(gateway: Callable[[], Gateway | None], traffic: Traffic) -> type[asyncio.Protocol]:
    """What uvicorn takes as `ws`; `gateway` gives None until the node is ready."""

    def make(config: Any, server_state: Any, app_state: Any) -> StreamProtocol:
        return StreamProtocol(gateway, traffic, server_state.connections)

    # uvicorn only ever calls it.
    return cast("type[asyncio.Protocol]", make)


class StreamProtocol(asyncio.Protocol):
    """One connection: a Connection to its Session, a protocol to the loop."""

    def __init__(
        self, gateway: Callable[[], Gateway | None], traffic: Traffic, connections: set[Any]
    ) -> None:
        self.blocked_since: float | None = None
        self._gateway = gateway
        self._traffic = traffic
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._ws = ServerProtocol(
            subprotocols=[SUBPROTOCOL],
            select_subprotocol=_select,
            max_size=MAX_INCOMING,
            logger=_logger,
        )
        self._transport: asyncio.Transport
        self._session: Session | None = None
        self._parts = bytearray()
        self._heard = True
        self._timer: asyncio.TimerHandle | None = None

    @property
    def writable(self) -> bool:
        return self.blocked_since is None

    def send(self, message: Outgoing) -> None:
        if self._ws.state is OPEN:
            frame = message.websocket
            self._transport.write(frame)
            self._traffic.messages += 1
            self._traffic.bytes += len(frame)

    def close(self, code: int, reason: str) -> None:
        if self._ws.state is OPEN:
            self._ws.send_close(code, reason)
            self._flush()
            self._restart(CLOSE_WITHIN_S, self._transport.abort)

    def shutdown(self) -> None:
        """uvicorn's, when the server stops."""
        if self._session is not None:
            self._session.fail(CodedError(Code.GOING_AWAY, "the node shuts down; connect again"))
        else:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=MAX_UNSENT)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        self._heard = True
        self._ws.receive_data(data)
        for event in self._ws.events_received():
            if isinstance(event, Request):
                self._handshake(event)
            elif isinstance(event, Frame) and event.opcode in DATA:
                self._take(event)
        self._flush()

    def eof_received(self) -> None:
        self._ws.receive_eof()
        self._flush()

    def pause_writing(self) -> None:
        self.blocked_since = self._loop.time()
        # Whoever does not read is not read from: every ping would add a pong to what waits.
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self.blocked_since = None
        if not self._transport.is_closing():
            self._transport.resume_reading()
        if self._session is not None:
            self._session.writable()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._session is not None:
            self._traffic.websocket -= 1
            self._session.lost()

    def _handshake(self, request: Request) -> None:
        url = urlsplit(request.path)
        gateway = self._gateway()
        if url.path != PATH:
            self._refuse(Problem(404, "nothing is here"))
        elif gateway is None or self._traffic.full:
            what = "the node is not ready" if gateway is None else "the node has all the connections it takes"
            self._refuse(Problem(503, what, headers={"Retry-After": "2"}))
        else:
            response = self._ws.accept(request)
            if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
                self._refuse(Problem(response.status_code, str(self._ws.handshake_exc)))
                return
            self._open(gateway, response, _token(request, url.query))

    def _open(self, gateway: Gateway, response: Response, token: str | None) -> None:
        principal = None
        if token is not None:
            try:
                principal = gateway.identify(token)
            except CodedError as failure:
                gateway.refused(failure.code)
                self._refuse(Problem(401, failure.detail, headers={"WWW-Authenticate": "Bearer"}))
                return
        self._ws.send_response(response)
        self._flush()
        self._traffic.websocket += 1
        self._session = Session(gateway, self)
        if principal is not None and token is not None:
            self._session.admit(principal, token)
        self._restart(PING_S, self._ping)

    def _refuse(self, problem: Problem) -> None:
        body = msgspec.json.encode(problem.body())
        headers = Headers(problem.headers)
        headers["Content-Type"] = MEDIA_TYPE
        headers["Content-Length"] = str(len(body))
        headers["Connection"] = "close"
        phrase = HTTPStatus(problem.status).phrase
        self._ws.send_response(Response(problem.status, phrase, headers, body))

    def _take(self, frame: Frame) -> None:
        if self._session is None:
            return
        if frame.opcode is Opcode.BINARY:
            self._session.fail(CodedError(Code.MALFORMED_MESSAGE, "binary frames are not part of this"))
            return
        self._parts += frame.data
        if frame.fin:
            text, self._parts = bytes(self._parts), bytearray()
            try:
                text.decode()
            except UnicodeDecodeError:
                self._ws.fail(CloseCode.INVALID_DATA, "not UTF-8")
            else:
                self._session.received(text)

    def _flush(self) -> None:
        for data in self._ws.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()
                self._restart(CLOSE_WITHIN_S, self._transport.abort)

    def _ping(self) -> None:
        if self.blocked_since is not None:
            if self._loop.time() - self.blocked_since > BLOCKED_S:
                self._transport.abort()
            else:
                self._restart(PING_S, self._ping)
            return
        if not self._heard:
            self._ws.fail(CloseCode.INTERNAL_ERROR, "no pong")
            self._flush()
            return
        self._heard = False
        self._ws.send_ping(b"")
        self._flush()
        self._restart(PING_S, self._ping)

    def _restart(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, then)


def _select(protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """A client that offers none is served all the same (RFC 6455 section 4.2.2 allows it)."""
    if offered and SUBPROTOCOL not in offered:
        raise NegotiationError(f"expected the subprotocol {SUBPROTOCOL}")
    return SUBPROTOCOL if offered else None


def _token(request: Request, query: str) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    given = parse_qs(query).get("access_token")
    return given[0] if given else None
