"""The registry's entities as the data path needs them: values of the compacted *.changed topics."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

__all__ = ["Authentication", "DeviceChanged", "GatewayChanged", "Lifecycle"]


class Lifecycle(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"


class Authentication(StrEnum):
    """How a gateway proves that it is itself; see docs/protocols/ingestion.md."""

    TOPIC = "topic"
    SIGNATURE = "signature"
    DEVICE_KEY = "device_key"


@dataclass(frozen=True, slots=True)
class DeviceChanged:
    """Value of device.changed.v1, key = device id; a tombstone deletes. The whole state, not a difference.

    `external_id` is the network's name for the device (DevEUI, lower-case hex, or the native id), unique
    in the workspace. `sealed_key` is the device key sealed about the device's id, where it has one.
    `late_after_ms` is the model's bound beyond which a reading is late.
    """

    TYPE: ClassVar[str] = "treaty.device.changed.v1"

    device: str
    workspace: str
    site: str
    gateway: str
    external_id: str
    model: str
    plugin: str
    lifecycle: Lifecycle
    version: int
    name: str = ""
    sealed_key: str | None = None
    late_after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class GatewayChanged:
    """Value of gateway.changed.v1, key = gateway id; a tombstone deletes.

    `slug` names the gateway in topics and headers, unique in the installation. `topic` is its own raw
    topic where authentication is by topic. `sealed_secret` is the HMAC secret sealed about the gateway's id;
    a secret's bytes are the UTF-8 of the text its owner was shown.
    """

    TYPE: ClassVar[str] = "treaty.gateway.changed.v1"

    gateway: str
    slug: str
    workspace: str
    site: str
    network: str
    authentication: Authentication
    lifecycle: Lifecycle
    version: int
    topic: str | None = None
    sealed_secret: str | None = None
