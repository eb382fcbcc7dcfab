"""The topics of changes written again from the tables, for a Kafka that has lost them."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import select

from treaty_chassis.http.pagination import Cursor, Limit
from treaty_device_registry.access import Caller, Services, Transaction
from treaty_device_registry.fleet import store
from treaty_device_registry.fleet.events import device_changed, gateway_changed, topic_of
from treaty_device_registry.fleet.model import Device, DeviceModel, Gateway
from treaty_events.topics import DEVICE_CHANGED, GATEWAY_CHANGED

__all__ = ["router"]

router = APIRouter(prefix="/resend", tags=["operating"])


class Resent(BaseModel):
    """How many are sent again by this request, and where the next one goes on; None at the end."""

    enqueued: int
    next: str | None


@router.post(f"/{GATEWAY_CHANGED}", status_code=202)
async def resend_gateways(
    caller: Caller, session: Transaction, resources: Services, limit: Limit = 100, cursor: Cursor = None
) -> Resent:
    """Tells of gateways as they are, in the version they have, and makes topics of their own that are
    missing. Whoever holds that version or a newer one already is told nothing new. For platform admins."""
    caller.require_platform()
    rows, following = await store.page(
        session, Gateway, [], question=GATEWAY_CHANGED, cursor=cursor, limit=limit, hold=True
    )
    for row in rows:
        if topic_of(row) is not None:
            await asyncio.to_thread(resources.create_topic, row.slug)
        await store.publish(session, gateway_changed(row))
    return Resent(enqueued=len(rows), next=following)


@router.post(f"/{DEVICE_CHANGED}", status_code=202)
async def resend_devices(
    caller: Caller, session: Transaction, limit: Limit = 100, cursor: Cursor = None
) -> Resent:
    """The same of devices."""
    caller.require_platform()
    rows, following = await store.page(
        session, Device, [], question=DEVICE_CHANGED, cursor=cursor, limit=limit, hold=True
    )
    # Asked once the devices are held: a change of a model changes its devices too, and is then seen whole.
    used = select(DeviceModel).where(DeviceModel.id.in_({row.model_id for row in rows}))
    models = {model.id: model for model in await session.scalars(used)}
    for row in rows:
        await store.publish(session, device_changed(row, models[row.model_id]))
    return Resent(enqueued=len(rows), next=following)
