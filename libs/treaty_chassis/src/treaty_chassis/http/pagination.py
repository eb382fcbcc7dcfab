"""Keyset pages: `?limit&cursor` -> {"items": [...], "next": cursor | null}.

A cursor is opaque: the sort key of the last item and a digest of the question it belongs to. It names
a place in an order and grants nothing, so it is not signed; one of another question is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import BaseModel

from treaty_chassis.http.problems import Problem

__all__ = ["Cursor", "Limit", "Page", "decode_cursor", "encode_cursor", "paged"]

T = TypeVar("T")
K = TypeVar("K")
LONGEST = 512

Limit = Annotated[int, Query(ge=1, le=500, description="items in a page")]
Cursor = Annotated[str | None, Query(max_length=LONGEST, description="`next` of the page before")]


class Page(BaseModel, Generic[T]):
    """One page; `next` is None on the last."""

    items: Sequence[T]
    next: str | None


def encode_cursor(question: str, key: object) -> str:
    """The cursor after `key` of the question (path and filters, as text)."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode([_digest(question), key])).decode().rstrip("=")


def decode_cursor(question: str, cursor: str | None, kind: type[K]) -> K | None:
    """The key a cursor holds; None where there is none. Raises a 400 problem for one that is not ours."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        digest, key = msgspec.msgpack.decode(raw, type=tuple[bytes, kind])  # type: ignore[valid-type]
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise Problem(400, "the cursor is not one this service gave", code="bad_cursor") from error
    if digest != _digest(question):
        raise Problem(400, "the cursor belongs to another path or filter", code="bad_cursor")
    found: K = key
    return found


def paged(
    question: str, found: Sequence[T], limit: int, key: Callable[[T], object]
) -> tuple[list[T], str | None]:
    """Of up to limit + 1 rows, the page and the cursor that follows it."""
    page = list(found[:limit])
    return page, encode_cursor(question, key(page[-1])) if len(found) > limit else None


def _digest(question: str) -> bytes:
    return hashlib.sha256(question.encode()).digest()[:8]
