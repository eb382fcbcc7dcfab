"""Idempotency-Key on POST: the same key and request again get the first answer again, for a day.

The key is claimed in the transaction that does the work, so two requests at once do it once: the second
waits for the first. Only successes are kept; after a problem the same key may be tried again. An answer
may hold a secret that is shown once, so it is kept sealed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from fastapi import Header, Request
from pydantic import BaseModel
from sqlalchemy import DateTime, Integer, LargeBinary, Text, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from starlette.responses import Response

from treaty_chassis.http.problems import Problem
from treaty_chassis.http.tokens import Principal
from treaty_chassis.sealing import SealingKey, seal, unseal
from treaty_device_registry.database import Base

__all__ = ["IdempotencyEntry", "IdempotencyKey", "Made", "once"]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="makes a repeated POST safe: chosen by the client, kept for a day",
    ),
]


class IdempotencyEntry(Base):
    """One answered POST of one principal."""

    __tablename__ = "idempotency"

    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None] = mapped_column(Integer)
    answer: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), index=True
    )


# A few at a time, and never those another request is about to forget.
_old = (
    select(IdempotencyEntry.subject, IdempotencyEntry.key)
    .where(IdempotencyEntry.created_at < func.now() - timedelta(days=1))
    .limit(100)
    .with_for_update(skip_locked=True)
)
FORGET = delete(IdempotencyEntry).where(tuple_(IdempotencyEntry.subject, IdempotencyEntry.key).in_(_old))


class Made(msgspec.Struct, frozen=True):
    """An answer: its body as JSON, and its headers."""

    body: bytes
    headers: dict[str, str]
    status: int = 201

    @classmethod
    def of(cls, document: BaseModel, headers: dict[str, str], status: int = 201) -> Made:
        return cls(document.model_dump_json().encode(), headers, status)

    def response(self, **more: str) -> Response:
        headers = {**self.headers, **more}
        return Response(self.body, self.status, headers, media_type="application/json")


async def once(
    request: Request,
    session: AsyncSession,
    principal: Principal,
    sealing_key: SealingKey,
    key: str | None,
    make: Callable[[], Awaitable[Made]],
) -> Response:
    """The answer of `make`, or the one it gave before under this key. Raises a 422 problem where the key
    was used for another request."""
    if key is None:
        return (await make()).response()
    entry = {"subject": principal.subject, "key": key}
    fingerprint = await _fingerprint(request)
    claim = insert(IdempotencyEntry).values(**entry, fingerprint=fingerprint).on_conflict_do_nothing()
    await session.execute(FORGET)
    claimed = await session.execute(claim.returning(IdempotencyEntry.key))
    if claimed.first() is None:
        return await _again(session, sealing_key, entry, fingerprint)
    made = await make()
    answer = seal(sealing_key, msgspec.msgpack.encode(made), _about(entry))
    await session.execute(
        update(IdempotencyEntry).filter_by(**entry).values(status=made.status, answer=answer)
    )
    return made.response()


async def _again(
    session: AsyncSession, sealing_key: SealingKey, entry: dict[str, str], fingerprint: bytes
) -> Response:
    found = await session.scalar(select(IdempotencyEntry).filter_by(**entry))
    if found is None or found.answer is None:
        raise Problem(409, "a request with this Idempotency-Key is under way", code="idempotency_in_progress")
    if found.fingerprint != fingerprint:
        detail = "this Idempotency-Key was used for another request"
        raise Problem(422, detail, code="idempotency_key_reused")
    made = msgspec.msgpack.decode(unseal(sealing_key, found.answer, _about(entry)), type=Made)
    return made.response(**{"Idempotency-Replayed": "true"})


def _about(entry: dict[str, str]) -> str:
    return f"{entry['subject']}\n{entry['key']}"


async def _fingerprint(request: Request) -> bytes:
    body = await request.body()
    question = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(question + body).digest()
