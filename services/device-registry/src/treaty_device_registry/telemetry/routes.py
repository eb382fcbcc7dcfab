"""State and history over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncSession

from treaty_chassis.http.pagination import Cursor, Limit
from treaty_chassis.http.problems import documented
from treaty_device_registry.access import Services, Transaction, Viewer
from treaty_device_registry.fleet import store as fleet
from treaty_device_registry.fleet.documents import ModelId
from treaty_device_registry.fleet.model import Device, Workspace
from treaty_device_registry.telemetry import store
from treaty_device_registry.telemetry.documents import DeviceStateDocument, ReadingPage, WorkspaceState
from treaty_events.codec import encode

__all__ = ["router"]

router = APIRouter(
    prefix="/v1/workspaces/{workspace}",
    tags=["telemetry"],
    responses=documented(400, 401, 403, 404, 429, 503),
)


async def _snapshot(resources: Services) -> AsyncIterator[AsyncSession]:
    async with resources.sessions() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


Snapshot = Annotated[AsyncSession, Depends(_snapshot, scope="function")]
"""A session whose statements all see the database of one moment."""


@router.get("/state", response_model=WorkspaceState)
async def get_workspace_state(
    workspace: UUID,
    caller: Viewer,
    session: Snapshot,
    device: Annotated[list[UUID], Query(max_length=1000)] = [],  # noqa: B006 - FastAPI copies it
    model: Annotated[list[ModelId], Query(max_length=100)] = [],  # noqa: B006
) -> Response:
    """The state of every device that ever spoke, and the offsets it reflects: follow reading.normalized.v1,
    or the push gateway, from there and nothing is missed and nothing comes twice."""
    await fleet.find(session, Workspace, workspace)
    offsets = await store.offsets(session)
    return _json({"states": await store.states(session, workspace, device, model), "offsets": offsets})


@router.get("/devices/{device}/state", response_model=DeviceStateDocument)
async def get_device_state(workspace: UUID, device: UUID, caller: Viewer, session: Snapshot) -> Response:
    await fleet.find(session, Device, device, workspace)
    offsets = await store.offsets(session)
    found = await store.states(session, workspace, [device])
    return _json({"state": found[0] if found else None, "offsets": offsets})


@router.get("/devices/{device}/readings", response_model=ReadingPage)
async def list_readings(
    workspace: UUID,
    device: UUID,
    caller: Viewer,
    session: Transaction,
    start: Annotated[AwareDatetime | None, Query(alias="from", description="received at or after")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="received before")] = None,
    order: Literal["newest", "oldest"] = "newest",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """The device's history, by when the broker received the uplinks."""
    await fleet.find(session, Device, device, workspace)
    items, following = await store.history(
        session,
        device,
        start=start,
        end=end,
        newest_first=order == "newest",
        cursor=cursor,
        limit=limit,
    )
    return _json({"items": items, "next": following})


def _json(body: dict[str, Any]) -> Response:
    return Response(encode(body), media_type="application/json")
