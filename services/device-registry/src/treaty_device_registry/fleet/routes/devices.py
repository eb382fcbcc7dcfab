"""Devices of a workspace."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from treaty_chassis.http.pagination import Cursor, Limit, Page
from treaty_chassis.http.preconditions import IfMatch, etag
from treaty_chassis.http.problems import Problem
from treaty_device_registry import audit
from treaty_device_registry.access import Operator, Services, Transaction, Viewer
from treaty_device_registry.fleet import devices, store
from treaty_device_registry.fleet.documents import DeviceDocument, DevicePatch, ExternalId, ModelId, NewDevice
from treaty_device_registry.fleet.events import device_changed, device_deleted
from treaty_device_registry.fleet.model import Device, DeviceModel
from treaty_device_registry.idempotency import IdempotencyKey, Made, once

__all__ = ["router"]

router = APIRouter(prefix="/workspaces/{workspace}/devices", tags=["devices"])


@router.post("", status_code=201, response_model=DeviceDocument)
async def create_device(
    workspace: UUID,
    sent: NewDevice,
    request: Request,
    caller: Operator,
    session: Transaction,
    resources: Services,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Where the gateway's devices authenticate by a key of their own the answer carries `key`, this once.
    What the inbox holds of this device is replayed."""

    async def make() -> Made:
        row, key = await devices.create(session, workspace, sent, resources.sealing_key)
        audit.record(session, caller, "device.created", row.id, workspace, sent.model_dump(mode="json"))
        headers = {"Location": f"/v1/workspaces/{workspace}/devices/{row.id}", "ETag": etag(row.version)}
        return Made.of(devices.document(row, key), headers)

    return await once(request, session, caller, resources.sealing_key, idempotency_key, make)


@router.get("")
async def list_devices(
    workspace: UUID,
    caller: Viewer,
    session: Transaction,
    external_id: Annotated[ExternalId | None, Query()] = None,
    gateway: UUID | None = None,
    model: Annotated[ModelId | None, Query()] = None,
    site: UUID | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[DeviceDocument]:
    given = {
        Device.external_id: external_id,
        Device.gateway_id: gateway,
        Device.model_id: model,
        Device.site_id: site,
    }
    where = [Device.workspace_id == workspace]
    where += [column == value for column, value in given.items() if value is not None]
    question = f"devices {workspace} {external_id} {gateway} {model} {site}"
    rows, following = await store.page(session, Device, where, question=question, cursor=cursor, limit=limit)
    return Page(items=[devices.document(row) for row in rows], next=following)


@router.get("/{device}")
async def get_device(
    workspace: UUID, device: UUID, caller: Viewer, session: Transaction, response: Response
) -> DeviceDocument:
    row = await store.find(session, Device, device, workspace)
    response.headers["ETag"] = etag(row.version)
    return devices.document(row)


@router.patch("/{device}")
async def change_device(
    workspace: UUID,
    device: UUID,
    sent: DevicePatch,
    caller: Operator,
    session: Transaction,
    resources: Services,
    response: Response,
    if_match: IfMatch = None,
) -> DeviceDocument:
    """Moved to a gateway whose devices have keys, the device gets one, shown in this answer."""
    row = await store.to_change(session, Device, device, if_match, workspace)
    changes, key = await devices.change(session, row, sent, resources.sealing_key)
    audit.record(session, caller, "device.changed", row.id, workspace, changes)
    response.headers["ETag"] = etag(row.version)
    return devices.document(row, key)


@router.post("/{device}/key")
async def rotate_key(
    workspace: UUID,
    device: UUID,
    caller: Operator,
    session: Transaction,
    resources: Services,
    response: Response,
) -> DeviceDocument:
    """A new key, shown this once; the old one stops to hold as soon as ingestion hears of it."""
    row = await store.find(session, Device, device, workspace, lock="change")
    if row.sealed_key is None:
        raise Problem(409, "the device's gateway proves it: it has no key", code="no_key")
    key = devices.new_key(row, resources.sealing_key)
    await store.changed(session, row)
    await store.publish(session, device_changed(row, await store.find(session, DeviceModel, row.model_id)))
    audit.record(session, caller, "device.key_rotated", row.id, workspace)
    response.headers["ETag"] = etag(row.version)
    return devices.document(row, key)


@router.delete("/{device}", status_code=204)
async def delete_device(
    workspace: UUID, device: UUID, caller: Operator, session: Transaction, if_match: IfMatch = None
) -> None:
    """Its state is not shown any more; its history ends with the days history keeps."""
    row = await store.to_change(session, Device, device, if_match, workspace)
    await store.remove(session, row)
    await store.publish(session, device_deleted(row))
    audit.record(session, caller, "device.deleted", device, workspace)
