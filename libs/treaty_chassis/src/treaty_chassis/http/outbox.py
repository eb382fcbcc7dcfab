"""/v1/outbox: the events that Kafka refuses, for who runs the platform to see, send again or discard."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from treaty_chassis.http.pagination import Cursor, Limit, Page, decode_cursor, paged
from treaty_chassis.http.problems import Problem, documented
from treaty_chassis.http.tokens import Principal
from treaty_chassis.postgres.outbox import Outbox, unpack_headers

__all__ = ["RefusedEvent", "Standing", "routes"]

log = structlog.get_logger(__name__)
_MOST_IDS = 500


class Standing(StrEnum):
    """`retried` events are sent by themselves when Kafka takes them; `failed` ones wait for somebody."""

    RETRIED = "retried"
    FAILED = "failed"


class RefusedEvent(BaseModel):
    """`waiting` later events have its topic and key and stay behind it. Its body is not shown."""

    id: int
    topic: str
    key: str | None
    event_id: str | None
    event_type: str | None
    size: int
    state: Standing
    reason: str
    attempts: int
    created_at: datetime
    failed_at: datetime | None
    waiting: int


class SentAgain(BaseModel):
    """How many are on their way again."""

    enqueued: int


def routes(outbox: Outbox, transaction: Any, caller: Any) -> APIRouter:
    """`transaction` and `caller` are FastAPI dependencies: of a session or connection that commits before the
    answer is sent, and of who asks."""
    router = APIRouter(prefix="/v1/outbox", tags=["operating"], responses=documented(401, 403))
    table = outbox.table
    failed = table.c.failed_at.is_not(None) & table.c.sent_at.is_(None)

    @router.get("")
    async def list_refused_events(
        session: AsyncSession = transaction,
        principal: Principal = caller,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Page[RefusedEvent]:
        """Events that Kafka refuses, oldest first. For platform admins."""
        principal.require_platform()
        after = decode_cursor(outbox.name, cursor, int)
        items, following = paged(
            outbox.name, await _page(session, outbox, after or 0, limit + 1), limit, lambda found: found.id
        )
        return Page(items=items, next=following)

    @router.post("/send-again", status_code=202)
    async def send_events_again(
        session: AsyncSession = transaction,
        principal: Principal = caller,
        id: Annotated[list[int] | None, Query(max_length=_MOST_IDS, description="all without")] = None,
    ) -> SentAgain:
        """Tries failed events anew, once what stood against them is put right. For platform admins."""
        principal.require_platform()
        changed = update(table).where(failed)
        if id is not None:
            changed = changed.where(table.c.id.in_(id))
        again = changed.values(attempts=0, due_at=None, failed_at=None, reason=None).returning(table.c.id)
        ids = sorted((await session.execute(again)).scalars())
        await session.execute(select(func.pg_notify(outbox.channel, "")))
        log.info("outbox_sent_again", outbox=outbox.name, events=len(ids), by=principal.subject)
        return SentAgain(enqueued=len(ids))

    @router.delete("/{id}", status_code=204, responses=documented(404))
    async def discard_event(
        id: int, session: AsyncSession = transaction, principal: Principal = caller
    ) -> None:
        """Forgets a failed event for ever; what waits behind it goes on. For platform admins."""
        principal.require_platform()
        gone = delete(table).where(failed, table.c.id == id).returning(table.c.topic, table.c.reason)
        row = (await session.execute(gone)).first()
        if row is None:
            raise Problem(404, "no failed event has this id", code="no_such_event")
        await session.execute(select(func.pg_notify(outbox.channel, "")))
        by = principal.subject
        log.warning("outbox_discarded", outbox=outbox.name, id=id, topic=row.topic, reason=row.reason, by=by)

    return router


async def _page(
    session: AsyncSession | AsyncConnection, outbox: Outbox, after: int, limit: int
) -> list[RefusedEvent]:
    table, behind = outbox.table, outbox.table.alias("behind")
    same = behind.c.topic == table.c.topic, behind.c.key.is_not_distinct_from(table.c.key)
    waiting = (
        select(func.count())
        .select_from(behind)
        .where(behind.c.sent_at.is_(None), behind.c.id > table.c.id, *same)
        .scalar_subquery()
    )
    asked = (
        select(
            table, func.coalesce(func.octet_length(table.c.value), 0).label("size"), waiting.label("behind")
        )
        .where(table.c.sent_at.is_(None), table.c.attempts > 0, table.c.id > after)
        .order_by(table.c.id)
        .limit(limit)
    )
    return [_event(row) for row in (await session.execute(asked)).all()]


def _event(row: Any) -> RefusedEvent:
    try:
        headers = {name: value for name, value in unpack_headers(row.headers) if isinstance(value, bytes)}
    except ValueError:
        # Which may be why it is here.
        headers = {}
    named = {name: value.decode("utf-8", "replace") for name, value in headers.items()}
    return RefusedEvent(
        id=row.id,
        topic=row.topic,
        key=None if row.key is None else bytes(row.key).decode("utf-8", "replace"),
        event_id=named.get("ce_id"),
        event_type=named.get("ce_type"),
        size=row.size,
        state=Standing.RETRIED if row.failed_at is None else Standing.FAILED,
        reason=row.reason,
        attempts=row.attempts,
        created_at=row.created_at,
        failed_at=row.failed_at,
        waiting=row.behind,
    )
