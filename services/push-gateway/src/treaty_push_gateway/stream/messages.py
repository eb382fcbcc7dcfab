"""The server's messages as JSON, put together from bytes that are JSON already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import msgspec

from treaty_push_gateway.stream.errors import CodedError

__all__ = ["Outgoing", "authenticated", "error", "position_message", "readings", "snapshot"]


class Outgoing:
    """One message to any number of subscribers: its JSON, framed once for each transport."""

    def __init__(self, kind: str, text: bytes, cursor: str | None = None) -> None:
        self.kind = kind
        self.text = text
        self.cursor = cursor

    @cached_property
    def websocket(self) -> bytes:
        """A final, unmasked text frame (RFC 6455 section 5.2)."""
        size = len(self.text)
        if size < 126:
            return bytes((0x81, size)) + self.text
        if size < 1 << 16:
            return b"\x81\x7e" + size.to_bytes(2, "big") + self.text
        return b"\x81\x7f" + size.to_bytes(8, "big") + self.text

    @cached_property
    def event(self) -> bytes:
        """An event of text/event-stream; the JSON holds no line break."""
        identity = f"id: {self.cursor}\n" if self.cursor is not None else ""
        return f"event: {self.kind}\n{identity}data: ".encode() + self.text + b"\n\n"


def readings(id: str, cursor: str, bodies: Iterable[bytes]) -> Outgoing:
    text = b'{"type":"readings","id":%s,"cursor":"%s","readings":[%s]}' % (
        msgspec.json.encode(id),
        cursor.encode(),
        b",".join(bodies),
    )
    return Outgoing("readings", text, cursor)


def snapshot(id: str, states: Sequence[bytes], cursor: str | None) -> Outgoing:
    """The last part has the cursor; the parts before it have none."""
    end = b'"more":true' if cursor is None else b'"more":false,"cursor":"%s"' % cursor.encode()
    text = b'{"type":"snapshot","id":%s,"states":[%s],%s}' % (msgspec.json.encode(id), b",".join(states), end)
    return Outgoing("snapshot", text, cursor)


def position_message(kind: str, id: str, cursor: str | None) -> Outgoing:
    """subscribed, live, progress, unsubscribed."""
    body = {"type": kind, "id": id} | ({} if cursor is None else {"cursor": cursor})
    return Outgoing(kind, msgspec.json.encode(body), cursor)


def authenticated(subject: str, expires_at: str) -> Outgoing:
    body = {"type": "authenticated", "subject": subject, "expires_at": expires_at}
    return Outgoing("authenticated", msgspec.json.encode(body))


def error(found: CodedError, id: str | None = None, cursor: str | None = None) -> Outgoing:
    body: dict[str, Any] = {"type": "error", "code": found.code, "detail": found.detail}
    if id is not None:
        body["id"] = id
    if cursor is not None:
        body["cursor"] = cursor
    return Outgoing("error", msgspec.json.encode(body), cursor)
