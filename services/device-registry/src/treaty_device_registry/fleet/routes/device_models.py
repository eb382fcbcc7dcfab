"""Device models: of the whole installation, kept by platform admins, read by everybody."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select

from treaty_chassis.http.pagination import Cursor, Limit, Page
from treaty_chassis.http.preconditions import IfMatch, etag
from treaty_device_registry import audit
from treaty_device_registry.access import Caller, Services, Transaction
from treaty_device_registry.fleet import store
from treaty_device_registry.fleet.documents import ModelDocument, ModelId, ModelPatch, NewModel, Slug
from treaty_device_registry.fleet.events import device_changed
from treaty_device_registry.fleet.model import Device, DeviceModel
from treaty_device_registry.idempotency import IdempotencyKey, Made, once

__all__ = ["router"]

router = APIRouter(prefix="/device-models", tags=["device models"])


@router.post("", status_code=201, response_model=ModelDocument)
async def create_device_model(
    sent: NewModel,
    request: Request,
    caller: Caller,
    session: Transaction,
    resources: Services,
    key: IdempotencyKey = None,
) -> Response:
    caller.require_platform()

    async def make() -> Made:
        row = DeviceModel(**sent.model_dump())
        await store.add(session, row)
        audit.record(session, caller, "model.created", row.id, None, sent.model_dump())
        headers = {"Location": f"/v1/device-models/{row.id}", "ETag": etag(row.version)}
        return Made.of(ModelDocument.model_validate(row), headers)

    return await once(request, session, caller, resources.sealing_key, key, make)


@router.get("")
async def list_device_models(
    caller: Caller,
    session: Transaction,
    plugin: Annotated[Slug | None, Query()] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[ModelDocument]:
    where = [] if plugin is None else [DeviceModel.plugin == plugin]
    rows, following = await store.page(
        session, DeviceModel, where, question=f"models {plugin}", cursor=cursor, limit=limit
    )
    return Page(items=[ModelDocument.model_validate(row) for row in rows], next=following)


@router.get("/{model:path}")
async def get_device_model(
    model: ModelId, caller: Caller, session: Transaction, response: Response
) -> ModelDocument:
    row = await store.find(session, DeviceModel, model)
    response.headers["ETag"] = etag(row.version)
    return ModelDocument.model_validate(row)


@router.patch("/{model:path}")
async def change_device_model(
    model: ModelId,
    sent: ModelPatch,
    caller: Caller,
    session: Transaction,
    response: Response,
    if_match: IfMatch = None,
) -> ModelDocument:
    """The devices of the model change with it: each gets a new version and event in this transaction."""
    caller.require_platform()
    row = await store.to_change(session, DeviceModel, model, if_match)
    changes = store.patch(row, sent)
    await store.changed(session, row)
    if changes.keys() & {"plugin", "late_after_s"}:
        of_model = select(Device).where(Device.model_id == row.id).order_by(Device.id).with_for_update()
        for device in (await session.scalars(of_model)).all():
            await store.changed(session, device)
            await store.publish(session, device_changed(device, row))
    audit.record(session, caller, "model.changed", row.id, None, changes)
    response.headers["ETag"] = etag(row.version)
    return ModelDocument.model_validate(row)


@router.delete("/{model:path}", status_code=204)
async def delete_device_model(
    model: ModelId, caller: Caller, session: Transaction, if_match: IfMatch = None
) -> None:
    caller.require_platform()
    await store.remove(session, await store.to_change(session, DeviceModel, model, if_match))
    audit.record(session, caller, "model.deleted", model)
