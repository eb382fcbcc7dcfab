"""State and history as they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Text, cast, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from treaty_chassis.http.pagination import decode_cursor, paged
from treaty_chassis.http.problems import Problem
from treaty_device_registry.database import OFFSETS
from treaty_device_registry.fleet.model import Device
from treaty_device_registry.telemetry.model import DeviceState, StoredReading
from treaty_device_registry.telemetry.projection import PROJECTION

__all__ = ["history", "offsets", "states"]


async def offsets(session: AsyncSession) -> dict[str, Any]:
    """The first offset of each partition that state does not reflect yet. Raises a 503 problem before the
    projector has begun."""
    of_projection = select(OFFSETS.c.topic_id, OFFSETS.c.partition, OFFSETS.c.next_offset).where(
        OFFSETS.c.projection == PROJECTION
    )
    found = (await session.execute(of_projection.order_by(OFFSETS.c.partition))).all()
    if not found:
        raise Problem(503, "the projector has not begun yet", headers={"Retry-After": "1"})
    return {
        "topic_uuid": str(found[0].topic_id),
        "partitions": {str(row.partition): row.next_offset for row in found},
    }


async def states(
    session: AsyncSession, workspace: UUID, devices: Sequence[UUID] = (), models: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The state of each device of the workspace, those that never spoke left out."""
    columns = [column for column in DeviceState.__table__.columns if column.name != "value"]
    question = (
        select(Device, cast(DeviceState.value, Text).label("json"), *columns)
        .join(DeviceState, DeviceState.device_id == Device.id)
        .where(Device.workspace_id == workspace)
        .order_by(Device.id, DeviceState.kind, DeviceState.name)
    )
    if devices:
        question = question.where(Device.id.in_(devices))
    if models:
        question = question.where(Device.model_id.in_(models))
    found: dict[UUID, dict[str, Any]] = {}
    for row in (await session.execute(question)).all():
        device: Device = row.Device
        state = found.setdefault(device.id, _empty(device))
        _put(state, row)
    return list(found.values())


def _empty(device: Device) -> dict[str, Any]:
    return {
        "device": str(device.id),
        "workspace": str(device.workspace_id),
        "site": str(device.site_id or ""),
        "gateway": str(device.gateway_id),
        "model": device.model_id,
        "external_id": device.external_id,
        "name": device.name,
        "observed_at": "",
        "received_at": "",
        "measurements": [],
        "properties": {},
        "properties_observed_at": {},
        "position": None,
    }


def _put(state: dict[str, Any], row: Any) -> None:
    value = msgspec.Raw(row.json.encode())
    observed_at = _rfc3339(row.observed_at)
    if row.kind == "measurement":
        state["measurements"].append(
            {
                "name": row.name,
                "value": value,
                "unit": row.unit,
                "quality": row.quality,
                "observed_at": observed_at,
            }
        )
    elif row.kind == "property":
        state["properties"][row.name] = value
        state["properties_observed_at"][row.name] = observed_at
    else:
        state["position"] = value
    state["observed_at"] = max(state["observed_at"], observed_at)
    state["received_at"] = max(state["received_at"], _rfc3339(row.received_at))


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def history(
    session: AsyncSession,
    device: UUID,
    *,
    start: datetime | None,
    end: datetime | None,
    newest_first: bool,
    cursor: str | None,
    limit: int,
) -> tuple[list[msgspec.Raw], str | None]:
    """Readings received from `start` until before `end`, in the order they were received or the reverse."""
    place = tuple_(StoredReading.received_at, StoredReading.log_offset)
    question = f"history {device} {start} {end} {newest_first}"
    after = decode_cursor(question, cursor, tuple[datetime, int])
    body = cast(StoredReading.body, Text).label("json")
    asked = select(StoredReading.received_at, StoredReading.log_offset, body).where(
        StoredReading.device_id == device
    )
    if start is not None:
        asked = asked.where(StoredReading.received_at >= start)
    if end is not None:
        asked = asked.where(StoredReading.received_at < end)
    if after is not None:
        asked = asked.where(place < after if newest_first else place > after)
    columns = (StoredReading.received_at, StoredReading.log_offset)
    order = [column.desc() for column in columns] if newest_first else columns
    found = (await session.execute(asked.order_by(*order).limit(limit + 1))).all()
    rows, following = paged(question, found, limit, lambda row: (row.received_at, row.log_offset))
    return [msgspec.Raw(row.json.encode()) for row in rows], following
