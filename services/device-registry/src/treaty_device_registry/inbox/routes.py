"""The inbox over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from treaty_chassis.http.pagination import Cursor, Limit, Page
from treaty_chassis.http.preconditions import etag
from treaty_chassis.http.problems import Problem, documented
from treaty_device_registry import audit
from treaty_device_registry.access import Operator, Services, Transaction, Viewer
from treaty_device_registry.fleet import devices
from treaty_device_registry.fleet.documents import ExternalId, NewDevice
from treaty_device_registry.idempotency import IdempotencyKey, Made, once
from treaty_device_registry.inbox import store
from treaty_device_registry.inbox.documents import Approval, ApprovedDocument, InboxDocument
from treaty_events.uplinks import Refusal

__all__ = ["router"]

router = APIRouter(
    prefix="/v1/workspaces/{workspace}/inbox",
    tags=["inbox"],
    responses=documented(400, 401, 403, 404, 409, 413, 415, 429, 503),
)


@router.get("")
async def list_inbox(
    workspace: UUID,
    caller: Viewer,
    session: Transaction,
    reason: Refusal | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[InboxDocument]:
    items, following = await store.entries(session, workspace, reason=reason, cursor=cursor, limit=limit)
    return Page(items=items, next=following)


@router.post("/{external_id:path}/approve", status_code=201, response_model=ApprovedDocument)
async def approve(
    workspace: UUID,
    external_id: ExternalId,
    sent: Approval,
    request: Request,
    caller: Operator,
    session: Transaction,
    resources: Services,
    key: IdempotencyKey = None,
) -> Response:
    """Makes the device, and replays what it sent: exactly once, in order, under its first identity."""

    async def make() -> Made:
        entry = await store.entry(session, workspace, external_id)
        gateway = sent.gateway_id or entry.gateway_id
        if gateway is None:
            raise Problem(422, "gateway_id: the gateway it was heard through is gone; name another")
        given = sent.model_dump(exclude={"gateway_id"})
        wanted = NewDevice(external_id=external_id, gateway_id=gateway, **given)
        row, device_key = await devices.create(session, workspace, wanted, resources.sealing_key)
        replayed = entry.parked
        changes = {**wanted.model_dump(mode="json"), "replayed": replayed}
        audit.record(session, caller, "device.approved", row.id, workspace, changes)
        headers = {"Location": f"/v1/workspaces/{workspace}/devices/{row.id}", "ETag": etag(row.version)}
        answer = ApprovedDocument(device=devices.document(row, device_key), replayed=replayed)
        return Made.of(answer, headers)

    return await once(request, session, caller, resources.sealing_key, key, make)


@router.delete("/{external_id:path}", status_code=204)
async def dismiss(workspace: UUID, external_id: ExternalId, caller: Operator, session: Transaction) -> None:
    """Forgets who spoke and what waits; who speaks again is listed again."""
    await session.delete(await store.entry(session, workspace, external_id))
    audit.record(session, caller, "inbox.dismissed", external_id, workspace)
