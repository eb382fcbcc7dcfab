"""The JSON documents of the fleet: what clients send, what they get."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

from treaty_events.fleet import Authentication, Lifecycle
from treaty_events.networks import Network

__all__ = [
    "EUI",
    "DeviceDocument",
    "DevicePatch",
    "ExternalId",
    "GatewayDocument",
    "GatewayPatch",
    "ModelDocument",
    "ModelId",
    "ModelPatch",
    "Name",
    "NewDevice",
    "NewGateway",
    "NewModel",
    "NewSite",
    "NewWorkspace",
    "Properties",
    "SiteDocument",
    "SitePatch",
    "Slug",
    "WorkspaceDocument",
    "WorkspacePatch",
    "bounded",
]

EUI = re.compile(r"[0-9a-fA-F]{16}")
EUI_PRINTED = re.compile(r"[0-9a-fA-F]{2}([-:][0-9a-fA-F]{2}){7}")
MOST_PROPERTIES = 16_384


def _lower_eui(text: str) -> str:
    if EUI.fullmatch(text) or EUI_PRINTED.fullmatch(text):
        return re.sub("[-:]", "", text).lower()
    return text


def bounded(properties: dict[str, Any]) -> dict[str, Any]:
    """Raises ValueError where they are more than a device may have."""
    text = json.dumps(properties)
    if len(text) > MOST_PROPERTIES:
        raise ValueError(f"at most {MOST_PROPERTIES} bytes of JSON")
    if "\\u0000" in text:
        raise ValueError("U+0000 cannot be stored")
    return properties


Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
ModelId = Annotated[
    str, StringConstraints(max_length=100, pattern=r"^[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*$")
]
Plugin = Slug
ExternalId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128, pattern=r"^[!-~]+$"),
    AfterValidator(_lower_eui),
]
"""The network's name for a device. A DevEUI, in any of its usual spellings, becomes lower-case hex."""
Properties = Annotated[dict[str, JsonValue], AfterValidator(bounded)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


def _unset() -> Any:
    """What a patch has for members it does not name; never validated, never read."""
    return None


UNSET: Any = Field(default_factory=_unset)


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Placed(_Sent):
    """A site has both coordinates or neither."""

    latitude: Latitude | None = None
    longitude: Longitude | None = None


class NewWorkspace(_Sent):
    name: Name


class WorkspacePatch(_Sent):
    name: Name = UNSET


class NewSite(_Placed):
    name: Name

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude go together")
        return self


class SitePatch(_Sent):
    name: Name = UNSET
    latitude: Latitude | None = UNSET
    longitude: Longitude | None = UNSET


class NewGateway(_Sent):
    """`slug` names the gateway in topics and headers; it, `network` and `authentication` never change."""

    slug: Slug
    network: Network
    authentication: Authentication
    name: Name | None = None
    site_id: UUID | None = None


class GatewayPatch(_Sent):
    name: Name = UNSET
    site_id: UUID | None = UNSET
    lifecycle: Lifecycle = UNSET


class NewModel(_Sent):
    id: ModelId
    name: Name
    plugin: Plugin
    late_after_s: Annotated[int, Field(ge=1, le=31_536_000)] | None = None


class ModelPatch(_Sent):
    name: Name = UNSET
    plugin: Plugin = UNSET
    late_after_s: Annotated[int, Field(ge=1, le=31_536_000)] | None = UNSET


class NewDevice(_Sent):
    """`external_id` never changes. Without `site_id` the device is where its gateway is."""

    external_id: ExternalId
    gateway_id: UUID
    model: ModelId
    name: Name | None = None
    site_id: UUID | None = None
    properties: Properties = Field(default_factory=dict)


class DevicePatch(_Sent):
    """`properties` merges member by member (RFC 7396)."""

    name: Name = UNSET
    gateway_id: UUID = UNSET
    site_id: UUID | None = UNSET
    model: ModelId = UNSET
    lifecycle: Lifecycle = UNSET
    properties: dict[str, JsonValue] = UNSET


class _Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    version: int
    created_at: datetime
    updated_at: datetime


class WorkspaceDocument(_Shown):
    id: UUID
    name: str


class SiteDocument(_Shown):
    id: UUID
    workspace_id: UUID
    name: str
    latitude: float | None
    longitude: float | None


class GatewayDocument(_Shown):
    """`secret` is shown once, in the answer that made it. `topic` is where this gateway's uplinks go."""

    id: UUID
    workspace_id: UUID
    site_id: UUID | None
    slug: str
    name: str
    network: Network
    authentication: Authentication
    lifecycle: Lifecycle
    topic: str
    secret: str | None = None


class ModelDocument(_Shown):
    id: str
    name: str
    plugin: str
    late_after_s: int | None


class DeviceDocument(_Shown):
    """`key` is shown once, in the answer that made it."""

    id: UUID
    workspace_id: UUID
    site_id: UUID | None
    gateway_id: UUID
    external_id: str
    model: str
    name: str
    lifecycle: Lifecycle
    properties: dict[str, Any]
    key: str | None = None
