"""Actions and commands over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from treaty_chassis.http.pagination import Cursor, Limit, Page
from treaty_chassis.http.problems import documented
from treaty_device_registry import audit
from treaty_device_registry.access import Operator, Services, Transaction, Viewer
from treaty_device_registry.commands import store
from treaty_device_registry.commands.documents import (
    ActionDocument,
    ActionName,
    ActionRequest,
    CommandDocument,
)
from treaty_device_registry.idempotency import IdempotencyKey, Made, once

__all__ = ["router"]

router = APIRouter(
    prefix="/v1/workspaces/{workspace}/devices/{device}",
    tags=["commands"],
    responses=documented(400, 401, 403, 404, 409, 413, 415, 429, 503),
)


@router.get("/actions")
async def list_actions(
    workspace: UUID, device: UUID, caller: Viewer, session: Transaction
) -> list[ActionDocument]:
    """What may be asked of the device now: the actions of its plugin's admitted contract."""
    return await store.actions(session, workspace, device)


@router.post("/actions/{name}", status_code=202, response_model=CommandDocument)
async def request_action(
    workspace: UUID,
    device: UUID,
    name: ActionName,
    sent: ActionRequest,
    request: Request,
    caller: Operator,
    session: Transaction,
    resources: Services,
    key: IdempotencyKey = None,
) -> Response:
    """Asks for an action. The answer is the command, which the device's plugin encodes once."""

    async def make() -> Made:
        command = await store.request(session, workspace, device, name, sent, caller.subject)
        changes = {"action": name, "arguments": sent.arguments, "device": str(device)}
        audit.record(session, caller, "command.requested", command.id, workspace, changes)
        where = f"/v1/workspaces/{workspace}/devices/{device}/commands/{command.id}"
        return Made.of(CommandDocument.model_validate(command), {"Location": where}, 202)

    return await once(request, session, caller, resources.sealing_key, key, make)


@router.get("/commands")
async def list_commands(
    workspace: UUID,
    device: UUID,
    caller: Viewer,
    session: Transaction,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[CommandDocument]:
    """Newest first."""
    items, following = await store.page(session, workspace, device, cursor=cursor, limit=limit)
    return Page(items=items, next=following)


@router.get("/commands/{id}")
async def get_command(
    workspace: UUID, device: UUID, id: UUID, caller: Viewer, session: Transaction
) -> CommandDocument:
    return CommandDocument.model_validate(await store.one(session, workspace, device, id))
