"""The client's messages: strict, so that a misspelt filter is an error and not the whole stream."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from treaty_push_gateway.stream.errors import Code, CodedError

__all__ = [
    "Authenticate",
    "FromCursor",
    "FromTime",
    "Request",
    "Subscribe",
    "Unsubscribe",
    "Wanted",
    "read_request",
]

MAX_ENTRIES: Final = 1000
Id: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Ids: TypeAlias = tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=256)], ...]


class Authenticate(msgspec.Struct, forbid_unknown_fields=True, tag="authenticate"):
    token: str


class Wanted(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A filter as the client writes it; an empty list restricts nothing."""

    workspaces: Ids = ()
    devices: Ids = ()
    models: Ids = ()
    measurements: Ids = ()


class FromCursor(msgspec.Struct, forbid_unknown_fields=True):
    cursor: str


class FromTime(msgspec.Struct, forbid_unknown_fields=True):
    time: Annotated[datetime, msgspec.Meta(tz=True)]


class _From(msgspec.Struct, forbid_unknown_fields=True):
    cursor: str | None = None
    time: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class _Subscribe(msgspec.Struct, forbid_unknown_fields=True, tag="subscribe"):
    id: Id
    filter: Wanted = Wanted()
    snapshot: bool = False
    conflate: bool = False
    start: Literal["latest"] | _From = msgspec.field(name="from", default="latest")


class Unsubscribe(msgspec.Struct, forbid_unknown_fields=True, tag="unsubscribe"):
    id: Id


class Subscribe(msgspec.Struct):
    """`start` None is the latest."""

    id: str
    wanted: Wanted
    snapshot: bool = False
    conflate: bool = False
    start: FromCursor | FromTime | None = None


Request: TypeAlias = Authenticate | Subscribe | Unsubscribe

_decoder = msgspec.json.Decoder(Authenticate | _Subscribe | Unsubscribe)


def read_request(text: bytes) -> Request:
    """Raises CodedError malformed_message with what was expected and where; values are never quoted."""
    try:
        found: Authenticate | _Subscribe | Unsubscribe = _decoder.decode(text)
    except msgspec.DecodeError as error:
        raise CodedError(Code.MALFORMED_MESSAGE, str(error)) from error
    if not isinstance(found, _Subscribe):
        return found
    wanted = found.filter
    count = sum(map(len, (wanted.workspaces, wanted.devices, wanted.models, wanted.measurements)))
    if count > MAX_ENTRIES:
        raise CodedError(Code.MALFORMED_MESSAGE, f"a filter has at most {MAX_ENTRIES} entries, not {count}")
    return Subscribe(found.id, wanted, found.snapshot, found.conflate, _start(found.start))


def _start(given: Literal["latest"] | _From) -> FromCursor | FromTime | None:
    if not isinstance(given, _From):
        return None
    if given.cursor is not None and given.time is None:
        return FromCursor(given.cursor)
    if given.time is not None and given.cursor is None:
        return FromTime(given.time)
    raise CodedError(Code.MALFORMED_MESSAGE, '`from` is "latest", {"cursor": ...} or {"time": ...}')
