"""The JSON documents of state and history, for the OpenAPI document: answers are made of stored JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

__all__ = ["DeviceStateDocument", "ReadingPage", "WorkspaceState"]


class _Measurement(BaseModel):
    name: str
    value: float
    unit: str
    quality: str
    observed_at: datetime


class _Position(BaseModel):
    latitude: float
    longitude: float
    altitude: float | None
    accuracy: float | None


class _Offsets(BaseModel):
    """The first offset of each partition of reading.normalized.v1 that is not reflected: a cursor."""

    topic_uuid: UUID
    partitions: dict[str, int]


class _State(BaseModel):
    device: UUID
    workspace: UUID
    site: str
    gateway: UUID
    model: str
    external_id: str
    name: str
    observed_at: datetime
    received_at: datetime
    measurements: list[_Measurement]
    properties: dict[str, bool | int | float | str]
    properties_observed_at: dict[str, datetime]
    position: _Position | None


class DeviceStateDocument(BaseModel):
    """`state` is null for a device that never spoke."""

    state: _State | None
    offsets: _Offsets


class WorkspaceState(BaseModel):
    states: list[_State]
    offsets: _Offsets


class ReadingPage(BaseModel):
    """Values of reading.normalized.v1, each with the `id` of its event."""

    items: list[dict[str, Any]]
    next: str | None
