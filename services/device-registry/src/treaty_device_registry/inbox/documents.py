"""The JSON documents of the inbox."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from treaty_device_registry.fleet.documents import DeviceDocument, ModelId, Name, Properties
from treaty_events.networks import Network
from treaty_events.uplinks import Refusal

__all__ = ["Approval", "ApprovedDocument", "InboxDocument"]


class Approval(BaseModel):
    """`gateway_id` is the gateway it was heard through, unless given."""

    model_config = ConfigDict(extra="forbid")

    model: ModelId
    gateway_id: UUID | None = None
    site_id: UUID | None = None
    name: Name | None = None
    properties: Properties = Field(default_factory=dict)


class InboxDocument(BaseModel):
    """`count` messages were refused, of which the newest `parked` wait and will be replayed, and `dropped`
    had waited but fell to the inbox's bounds; `sample` is the beginning of the last one. With reason
    no_plugin the device exists and waits for its plugin."""

    external_id: str
    gateway_id: UUID | None
    network: Network | None
    reason: Refusal
    detail: str
    count: int
    parked: int
    dropped: int
    first_seen: datetime
    last_seen: datetime
    sample: Annotated[str, Field(description="base64")]


class ApprovedDocument(BaseModel):
    """The new device, and how many of its uplinks are on their way."""

    device: DeviceDocument
    replayed: int
