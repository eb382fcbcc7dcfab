"""One subscriber's session, whatever carries it: who it is, what it asks, what it is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from treaty_chassis.http.tokens import Platform, Principal, TokenError, TokenVerifier
from treaty_push_gateway.kafka.catchup import CatchUp
from treaty_push_gateway.opening import Opening
from treaty_push_gateway.stream.errors import CLOSES, Code, CodedError
from treaty_push_gateway.stream.filters import Filter
from treaty_push_gateway.stream.hub import Hub
from treaty_push_gateway.stream.messages import authenticated, error, position_message
from treaty_push_gateway.stream.requests import Authenticate, Subscribe, Unsubscribe, Wanted, read_request
from treaty_push_gateway.stream.subscription import Outlet, Subscription

__all__ = ["Connection", "Gateway", "Session", "granted"]

AUTHENTICATE_WITHIN_S: Final = 10.0
SUBSCRIPTIONS: Final = 16
BURST: Final = 50.0
RATE: Final = 5.0


class Connection(Outlet, Protocol):
    """A transport's end of a session."""

    def close(self, code: int, reason: str) -> None:
        """After what was sent; a peer that does not take it is cut off."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """What all sessions share. `refused` is told of every error a client gets."""

    hub: Hub
    opening: Opening
    catch_up: CatchUp
    verifier: TokenVerifier
    refused: Callable[[Code], None]

    def identify(self, token: str) -> Principal:
        """Raises CodedError unauthenticated."""
        try:
            return self.verifier.verify(token)
        except TokenError as failure:
            raise CodedError(Code.UNAUTHENTICATED, str(failure)) from failure


class Session:
    """Made when a connection stands; the transport then calls `admit` where it brought a token, `received`,
    `writable` and, once, `lost`. On the loop's thread."""

    def __init__(self, gateway: Gateway, connection: Connection) -> None:
        self._gateway = gateway
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._principal: Principal | None = None
        self._token = ""
        self._subscriptions: dict[str, Subscription] = {}
        self._openings: dict[str, asyncio.Task[None]] = {}
        self._takes = asyncio.Event()
        self._allowance, self._counted_at = BURST, self._loop.time()
        self._over = False
        self._timer = self._loop.call_later(AUTHENTICATE_WITHIN_S, self._too_late)

    def admit(self, principal: Principal, token: str) -> None:
        """Lets it subscribe until the token expires, and tells it so."""
        self._principal, self._token = principal, token
        self._timer.cancel()
        self._timer = self._loop.call_later(max(0.0, principal.expires_at - time.time()), self._expired)
        expires = datetime.fromtimestamp(principal.expires_at, UTC).isoformat(timespec="milliseconds")
        self._connection.send(authenticated(principal.subject, expires.replace("+00:00", "Z")))

    def received(self, text: bytes) -> None:
        """One message of the client; its errors are told to the client."""
        if self._over:
            return
        id = None
        try:
            self._count()
            request = read_request(text)
            if isinstance(request, Authenticate):
                if self._principal is not None:
                    raise CodedError(Code.ALREADY_AUTHENTICATED, "a connection is authenticated once")
                self.admit(self._gateway.identify(request.token), request.token)
            elif isinstance(request, Unsubscribe):
                id = request.id
                self._unsubscribe(id)
            else:
                id = request.id
                self.subscribe(request)
        except CodedError as failure:
            self.fail(failure, id)

    def subscribe(self, request: Subscribe) -> None:
        """Opens a subscription; what goes wrong later is told to the client. Raises CodedError."""
        principal = self._principal
        if principal is None:
            raise CodedError(Code.UNAUTHENTICATED, "authenticate first")
        if request.id in self._subscriptions:
            raise CodedError(Code.DUPLICATE_SUBSCRIPTION, "the id is in use on this connection")
        if len(self._subscriptions) >= SUBSCRIPTIONS:
            raise CodedError(Code.TOO_MANY_SUBSCRIPTIONS, f"a connection has at most {SUBSCRIPTIONS}")
        filter = granted(request.wanted, principal)
        workspace = _one_workspace(request, filter) if request.snapshot else ""

        def failed(failure: CodedError) -> None:
            self.fail(failure, request.id)

        found = Subscription(request.id, filter, self._connection, failed, conflate=request.conflate)
        self._subscriptions[request.id] = found
        if request.start is None and not request.snapshot:
            self._gateway.opening.begin(found, self._gateway.hub.position)
        else:
            self._openings[request.id] = self._loop.create_task(self._open(found, request, workspace))

    def fail(self, failure: CodedError, id: str | None = None) -> None:
        """Tells the client, and ends the subscription the error is about or, for some, the connection."""
        if self._over:
            return
        self._gateway.refused(failure.code)
        if failure.code in CLOSES:
            cursors = {open_id: self._drop(open_id) for open_id in list(self._subscriptions)}
            for open_id, cursor in cursors.items():
                self._connection.send(error(failure, open_id, cursor))
            if not cursors:
                self._connection.send(error(failure, id))
            self._connection.close(CLOSES[failure.code], failure.code)
            self.lost()
        elif id is None or failure.code is Code.DUPLICATE_SUBSCRIPTION:
            self._connection.send(error(failure, id))
        else:
            self._connection.send(error(failure, id, self._drop(id)))

    def writable(self) -> None:
        """The connection takes messages again."""
        self._takes.set()
        for subscription in self._subscriptions.values():
            self._gateway.hub.resume(subscription)
        self._gateway.catch_up.resume()

    def lost(self) -> None:
        """The connection is gone, or as good as."""
        self._over = True
        self._token = ""
        self._timer.cancel()
        for id in list(self._subscriptions):
            self._drop(id)
        self._gateway.catch_up.resume()

    async def _open(self, subscription: Subscription, request: Subscribe, workspace: str) -> None:
        opening, failure = self._gateway.opening, None
        try:
            if request.start is not None:
                opening.begin(subscription, await opening.find(request.start))
            else:
                await opening.present(subscription, workspace, self._token, self._until_writable)
        except CodedError as raised:
            failure = raised
        finally:
            # The id may by now be that of a later subscription, with an opening of its own.
            if self._openings.get(request.id) is asyncio.current_task():
                del self._openings[request.id]
        if failure is not None:
            self.fail(failure, request.id)

    def _drop(self, id: str) -> str | None:
        """Ends a subscription, if there is one; the cursor to go on from."""
        found = self._subscriptions.pop(id, None)
        if found is None:
            return None
        if id in self._openings:
            self._openings.pop(id).cancel()
        cursor = self._gateway.hub.cursor(found)
        self._gateway.hub.remove(found)
        return cursor

    def _unsubscribe(self, id: str) -> None:
        if id not in self._subscriptions:
            raise CodedError(Code.UNKNOWN_SUBSCRIPTION, "no subscription of that id is open here")
        self._connection.send(position_message("unsubscribed", id, self._drop(id)))

    async def _until_writable(self) -> None:
        while not self._connection.writable:
            self._takes.clear()
            await self._takes.wait()

    def _count(self) -> None:
        now = self._loop.time()
        self._allowance = min(BURST, self._allowance + (now - self._counted_at) * RATE)
        self._counted_at = now
        if self._allowance < 1:
            raise CodedError(Code.TOO_MANY_MESSAGES, f"at most {RATE:.0f} messages a second")
        self._allowance -= 1

    def _too_late(self) -> None:
        self.fail(CodedError(Code.UNAUTHENTICATED, f"no token within {AUTHENTICATE_WITHIN_S:.0f} s"))

    def _expired(self) -> None:
        self.fail(CodedError(Code.TOKEN_EXPIRED, "the token has expired; connect again with a fresh one"))


def granted(wanted: Wanted, principal: Principal) -> Filter:
    """The filter cut down to what the principal may see. Raises CodedError forbidden."""
    asked = frozenset(wanted.workspaces)
    if not all(map(principal.may, asked)):
        raise CodedError(Code.FORBIDDEN, "the token does not cover every workspace of the filter")
    everything = principal.platform is Platform.ADMIN
    granted = asked or (None if everything else frozenset(principal.workspaces))
    return Filter(granted, *map(frozenset, (wanted.devices, wanted.models, wanted.measurements)))


def _one_workspace(request: Subscribe, filter: Filter) -> str:
    if request.start is None and filter.workspaces is not None and len(filter.workspaces) == 1:
        return next(iter(filter.workspaces))
    raise CodedError(Code.SNAPSHOT_NEEDS_ONE_WORKSPACE, "a snapshot is of one workspace and replaces `from`")
