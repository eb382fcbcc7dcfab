"""Workspaces: made and deleted by platform admins, seen by those who belong to them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import ColumnElement

from treaty_chassis.http.pagination import Cursor, Limit, Page
from treaty_chassis.http.preconditions import IfMatch, etag
from treaty_chassis.http.tokens import Platform
from treaty_device_registry import audit
from treaty_device_registry.access import Admin, Caller, Services, Transaction, Viewer
from treaty_device_registry.fleet import store
from treaty_device_registry.fleet.documents import Name, NewWorkspace, WorkspaceDocument, WorkspacePatch
from treaty_device_registry.fleet.model import Workspace
from treaty_device_registry.idempotency import IdempotencyKey, Made, once

__all__ = ["router"]

router = APIRouter(prefix="/workspaces", tags=["workspaces"])


@router.post("", status_code=201, response_model=WorkspaceDocument)
async def create_workspace(
    sent: NewWorkspace,
    request: Request,
    caller: Caller,
    session: Transaction,
    resources: Services,
    key: IdempotencyKey = None,
) -> Response:
    caller.require_platform()

    async def make() -> Made:
        row = Workspace(name=sent.name)
        await store.add(session, row)
        audit.record(session, caller, "workspace.created", row.id, row.id, {"name": row.name})
        headers = {"Location": f"/v1/workspaces/{row.id}", "ETag": etag(row.version)}
        return Made.of(WorkspaceDocument.model_validate(row), headers)

    return await once(request, session, caller, resources.sealing_key, key, make)


@router.get("")
async def list_workspaces(
    caller: Caller,
    session: Transaction,
    name: Annotated[Name | None, Query(description="exactly this name")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[WorkspaceDocument]:
    where: list[ColumnElement[bool]] = []
    if caller.platform is not Platform.ADMIN:
        where.append(Workspace.id.in_(_ids(caller.workspaces)))
    if name is not None:
        where.append(Workspace.name == name)
    question = f"workspaces {caller.subject} {name}"
    rows, following = await store.page(
        session, Workspace, where, question=question, cursor=cursor, limit=limit
    )
    return Page(items=[WorkspaceDocument.model_validate(row) for row in rows], next=following)


@router.get("/{workspace}")
async def get_workspace(
    workspace: UUID, caller: Viewer, session: Transaction, response: Response
) -> WorkspaceDocument:
    row = await store.find(session, Workspace, workspace)
    response.headers["ETag"] = etag(row.version)
    return WorkspaceDocument.model_validate(row)


@router.patch("/{workspace}")
async def change_workspace(
    workspace: UUID,
    sent: WorkspacePatch,
    caller: Admin,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> WorkspaceDocument:
    row = await store.to_change(session, Workspace, workspace, if_match)
    changes = store.patch(row, sent)
    await store.changed(session, row)
    audit.record(session, caller, "workspace.changed", row.id, row.id, changes)
    response.headers["ETag"] = etag(row.version)
    return WorkspaceDocument.model_validate(row)


@router.delete("/{workspace}", status_code=204)
async def delete_workspace(
    workspace: UUID, caller: Admin, session: Transaction, if_match: IfMatch = None
) -> None:
    caller.require_platform()
    row = await store.to_change(session, Workspace, workspace, if_match)
    await store.remove(session, row)
    audit.record(session, caller, "workspace.deleted", workspace, workspace)


def _ids(claimed: Iterable[str]) -> list[UUID]:
    """What a token names is its issuer's word: a name that is no id is of no workspace here."""
    found = []
    for name in claimed:
        with suppress(ValueError):
            found.append(UUID(name))
    return found
