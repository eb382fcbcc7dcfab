"""Reading the inbox."""

from __future__ import annotations

import base64
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from treaty_chassis.http.pagination import decode_cursor, paged
from treaty_chassis.http.problems import Problem
from treaty_device_registry.fleet.model import Gateway
from treaty_device_registry.inbox.documents import InboxDocument
from treaty_device_registry.inbox.model import InboxEntry

__all__ = ["entries", "entry"]


async def entries(
    session: AsyncSession, workspace: UUID, *, reason: str | None, cursor: str | None, limit: int
) -> tuple[list[InboxDocument], str | None]:
    """By external id."""
    question = f"inbox {workspace} {reason}"
    after = decode_cursor(question, cursor, str)
    asked = (
        select(InboxEntry, Gateway.network)
        .outerjoin(Gateway, Gateway.id == InboxEntry.gateway_id)
        .where(InboxEntry.workspace_id == workspace)
        .order_by(InboxEntry.external_id)
        .limit(limit + 1)
    )
    if reason is not None:
        asked = asked.where(InboxEntry.reason == reason)
    if after is not None:
        asked = asked.where(InboxEntry.external_id > after)
    found = [_document(*row) for row in (await session.execute(asked)).all()]
    return paged(question, found, limit, lambda document: document.external_id)


async def entry(session: AsyncSession, workspace: UUID, external_id: str) -> InboxEntry:
    """Locked against what is parked meanwhile. Raises a 404 problem."""
    asked = select(InboxEntry).filter_by(workspace_id=workspace, external_id=external_id).with_for_update()
    found: InboxEntry | None = await session.scalar(asked)
    if found is None:
        raise Problem(404, "nobody of this external id is in the inbox")
    return found


def _document(row: InboxEntry, network: str | None) -> InboxDocument:
    return InboxDocument.model_validate(
        {
            **{name: getattr(row, name) for name in InboxDocument.model_fields if hasattr(row, name)},
            "network": network,
            "sample": base64.b64encode(row.sample).decode(),
        }
    )
