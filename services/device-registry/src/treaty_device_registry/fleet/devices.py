"""Making and changing a device: what POST, PATCH and an approval from the inbox have in common."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from treaty_chassis.http.preconditions import merge_patch
from treaty_chassis.http.problems import Problem
from treaty_chassis.sealing import SealingKey, seal
from treaty_device_registry.database import new_id
from treaty_device_registry.fleet import store
from treaty_device_registry.fleet.credentials import new_secret
from treaty_device_registry.fleet.documents import EUI, DeviceDocument, DevicePatch, NewDevice, bounded
from treaty_device_registry.fleet.events import device_changed
from treaty_device_registry.fleet.model import Device, DeviceModel, Gateway
from treaty_events.fleet import Authentication, Lifecycle
from treaty_events.networks import Network

__all__ = ["change", "create", "document", "new_key"]


def document(row: Device, key: str | None = None) -> DeviceDocument:
    fields = {name: getattr(row, name) for name in DeviceDocument.model_fields if hasattr(row, name)}
    return DeviceDocument(**fields, model=row.model_id, key=key)


def new_key(row: Device, sealing_key: SealingKey) -> str:
    """Gives the row a new key and returns it, to be shown once."""
    key = new_secret()
    row.sealed_key = seal(sealing_key, key.encode(), str(row.id))
    return key


async def create(
    session: AsyncSession, workspace: UUID, sent: NewDevice, sealing_key: SealingKey
) -> tuple[Device, str | None]:
    """The new device, its event in the outbox, and its key where it has one. Raises 409 and 422 problems."""
    gateway = await _gateway(session, workspace, sent.gateway_id)
    model = await _model(session, sent.model)
    if gateway.network != Network.NATIVE and not EUI.fullmatch(sent.external_id):
        detail = f"external_id: a device of {gateway.network} has a DevEUI, 16 hexadecimal digits"
        raise Problem(422, detail, code="not_a_dev_eui")
    row = Device(
        id=new_id(),
        workspace_id=workspace,
        site_id=sent.site_id or gateway.site_id,
        gateway_id=gateway.id,
        external_id=sent.external_id,
        model_id=model.id,
        name=sent.name or sent.external_id,
        properties=sent.properties,
        lifecycle=Lifecycle.ACTIVE,
    )
    has_key = gateway.authentication == Authentication.DEVICE_KEY
    key = new_key(row, sealing_key) if has_key else None
    await store.add(session, row)
    await store.publish(session, device_changed(row, model))
    return row, key


async def change(
    session: AsyncSession, row: Device, sent: DevicePatch, sealing_key: SealingKey
) -> tuple[dict[str, Any], str | None]:
    """Applies a patch to the locked row; returns what changed, and a key where it was given one."""
    named = sent.model_dump(exclude_unset=True)
    if "model" in named:
        named["model_id"] = named.pop("model")
    if "properties" in named:
        named["properties"] = merge_patch(row.properties, named["properties"])
        try:
            bounded(named["properties"])
        except ValueError as error:
            raise Problem(422, f"properties: {error}") from error
    changes = store.apply(row, named)
    model = await _model(session, row.model_id)
    key = None
    if "gateway_id" in changes:
        gateway = await _gateway(session, row.workspace_id, row.gateway_id)
        if gateway.network != Network.NATIVE and not EUI.fullmatch(row.external_id):
            raise Problem(
                422, f"gateway_id: {gateway.network} knows devices by a DevEUI", code="not_a_dev_eui"
            )
        if gateway.authentication != Authentication.DEVICE_KEY:
            row.sealed_key = None
        elif row.sealed_key is None:
            key = new_key(row, sealing_key)
    await store.changed(session, row)
    await store.publish(session, device_changed(row, model))
    return changes, key


async def _gateway(session: AsyncSession, workspace: UUID, id: UUID) -> Gateway:
    try:
        return await store.find(session, Gateway, id, workspace, lock="use")
    except Problem as problem:
        detail = "gateway_id: no such gateway in the workspace"
        raise Problem(422, detail, code="unknown_gateway") from problem


async def _model(session: AsyncSession, id: str) -> DeviceModel:
    """Held against changes until the event that tells of it is in the outbox."""
    try:
        return await store.find(session, DeviceModel, id, lock="use")
    except Problem as problem:
        raise Problem(422, f"model: no such device model as {id}", code="unknown_model") from problem
