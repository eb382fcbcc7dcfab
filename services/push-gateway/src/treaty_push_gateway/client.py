"""A client of docs/protocols/websocket.md that reconnects and resumes by itself.

    async with Stream("ws://127.0.0.1:8080/v1/stream", token, filter=Filter(workspaces=(w,))) as stream:
        async for message in stream:
            match message:
                case Readings(readings=readings):
                    ...

A message counts as processed when the next one is asked for. After a lost connection the stream goes on
from the last processed message, so nothing is missed and nothing is repeated.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

__all__ = ["Filter", "Live", "Message", "Progress", "Readings", "Snapshot", "Stream", "StreamError"]

SUBPROTOCOL: Final = Subprotocol("treaty.v1.json")
SUBSCRIPTION: Final = "s1"
MAX_MESSAGE: Final = 4 * 1024 * 1024
SILENCE_S: Final = 45.0
PASSING: Final = frozenset(
    {"snapshot_unavailable", "catch_up_busy", "catch_up_failed", "slow_reader", "going_away", "token_expired"}
)
"""Errors after which the same subscription may succeed."""

# At DEBUG the library logs the handshake, which carries the token.
_logger = logging.getLogger("treaty_push_gateway.client")
_logger.setLevel(logging.INFO)

Token: TypeAlias = str | Callable[[], str | Awaitable[str]]


class StreamError(Exception):
    """The gateway refused for good, or patience ran out. `code` is one of the protocol's."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Filter:
    """Ids to restrict the stream to; an empty tuple restricts nothing."""

    workspaces: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    measurements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Readings:
    """Each reading is the JSON of ReadingNormalized with its `id`, and with the `traceparent` that its uplink
    came with, where it came with one."""

    readings: tuple[dict[str, Any], ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """States as the registry gives them; `cursor` is None until the last part (`more` is False)."""

    states: tuple[dict[str, Any], ...]
    more: bool
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Live:
    """The past that was asked for is all here; sent again after each reconnect."""

    cursor: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Nothing for this filter for a while; the cursor has moved on."""

    cursor: str


Message: TypeAlias = Readings | Snapshot | Live | Progress


class Stream:
    """One subscription, held through reconnects. An async iterator and context manager, for one task.

    `token` is the JWT, or a function (sync or async) that gives a fresh one at each connect. At most one
    of `cursor`, `time` (aware) and `snapshot` says where to start; with none the stream starts at the
    latest. `patience_s` bounds how long to go on without a message while reconnecting (None: for ever).
    Iterating raises StreamError.
    """

    def __init__(
        self,
        url: str,
        token: Token,
        *,
        filter: Filter = Filter(),
        cursor: str | None = None,
        time: datetime | None = None,
        snapshot: bool = False,
        conflate: bool = False,
        patience_s: float | None = None,
    ) -> None:
        if sum((cursor is not None, time is not None, snapshot)) > 1:
            raise ValueError("at most one of cursor, time and snapshot says where to start")
        if time is not None and time.tzinfo is None:
            raise ValueError("time must be aware of its zone")
        self.cursor = cursor
        """Of the last message processed; what to resume from."""
        self.connects = 0
        """How often a connection was made."""
        self._url = url
        self._token = token
        self._subscribe: dict[str, Any] = {
            "type": "subscribe",
            "id": SUBSCRIPTION,
            "filter": {name: list(ids) for name, ids in asdict(filter).items() if ids},
            "conflate": conflate,
        }
        if snapshot:
            self._subscribe["snapshot"] = True
        if time is not None:
            self._subscribe["from"] = {"time": time.astimezone(UTC).isoformat().replace("+00:00", "Z")}
        self._patience_s = patience_s
        self._connection: ClientConnection | None = None
        self._delivered: str | None = None
        self._failures = 0
        self._silent_since: float | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave; `cursor` stays valid to resume from. The message last handed out counts as unprocessed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        if self._delivered is not None:
            self.cursor, self._delivered = self._delivered, None
        while True:
            try:
                if self._connection is None:
                    self._connection = await self._connect()
                # Python 3.11's wait_for drops a cancellation that meets a message.
                async with asyncio.timeout(SILENCE_S):
                    text = await self._connection.recv()
                message = self._read(json.loads(text))
            except (ConnectionClosed, InvalidHandshake, OSError, TimeoutError, _PassingError) as error:
                await self._pause(error)
                continue
            if message is not None:
                self._failures, self._silent_since = 0, None
                self._delivered = message.cursor
                return message

    async def _connect(self) -> ClientConnection:
        token = self._token if isinstance(self._token, str) else self._token()
        if inspect.isawaitable(token):
            token = await token
        connection = await connect(
            self._url,
            subprotocols=[SUBPROTOCOL],
            additional_headers={"Authorization": f"Bearer {token}"},
            compression=None,
            max_size=MAX_MESSAGE,
            proxy=None,
            logger=_logger,
        )
        self.connects += 1
        subscribe = dict(self._subscribe)
        if self.cursor is not None:
            subscribe.pop("snapshot", None)
            subscribe["from"] = {"cursor": self.cursor}
        await connection.send(json.dumps(subscribe))
        return connection

    def _read(self, body: Mapping[str, Any]) -> Message | None:
        match body["type"]:
            case "readings":
                return Readings(tuple(body["readings"]), body["cursor"])
            case "snapshot":
                return Snapshot(tuple(body["states"]), body["more"], body.get("cursor"))
            case "live":
                return Live(body["cursor"])
            case "progress":
                return Progress(body["cursor"])
            case "subscribed":
                # Where the subscription starts is already a place to resume from.
                self.cursor = body.get("cursor", self.cursor)
            case "error" if body["code"] in PASSING and not self._expired_for_good(body["code"]):
                raise _PassingError(body["code"], body["detail"])
            case "error":
                raise StreamError(body["code"], body["detail"])
        return None

    def _expired_for_good(self, code: str) -> bool:
        return code == "token_expired" and isinstance(self._token, str)

    async def _pause(self, error: Exception) -> None:
        """Before the next attempt; raises StreamError when there is to be none."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
        if isinstance(error, InvalidStatus):
            status = error.response.status_code
            if status == 401 and isinstance(self._token, str):
                raise StreamError("unauthenticated", "the gateway refused the token") from error
            if status in {400, 403, 404}:
                raise StreamError("malformed_message", f"the gateway answered {status}") from error
        now = asyncio.get_running_loop().time()
        self._silent_since = now if self._silent_since is None else self._silent_since
        if self._patience_s is not None and now - self._silent_since >= self._patience_s:
            raise StreamError("unreachable", f"{type(error).__name__}: {error}") from error
        ceiling = min(5.0, 0.2 * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        await asyncio.sleep(random.uniform(ceiling / 2, ceiling))  # noqa: S311 (spreads load, no secret)


class _PassingError(Exception):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
