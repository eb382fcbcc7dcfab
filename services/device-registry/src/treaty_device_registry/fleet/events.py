"""What the data path is told of a change: pure, from rows to records of the *.changed topics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from treaty_device_registry.fleet.model import Device, DeviceModel, Gateway
from treaty_events.codec import encode
from treaty_events.envelope import Envelope
from treaty_events.fleet import Authentication, DeviceChanged, GatewayChanged, Lifecycle
from treaty_events.headers import VERSION
from treaty_events.topics import DEVICE_CHANGED, GATEWAY_CHANGED, raw_topic

__all__ = ["Event", "device_changed", "device_deleted", "gateway_changed", "gateway_deleted", "topic_of"]

SOURCE: Final = "/treaty/device-registry"


@dataclass(frozen=True, slots=True)
class Event:
    """A record of a *.changed topic; value None is a tombstone."""

    topic: str
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


def topic_of(gateway: Gateway) -> str | None:
    """The gateway's own raw topic, where its topic is what proves it."""
    return raw_topic(gateway.slug).name if gateway.authentication == Authentication.TOPIC else None


def gateway_changed(gateway: Gateway) -> Event:
    body = GatewayChanged(
        gateway=str(gateway.id),
        slug=gateway.slug,
        workspace=str(gateway.workspace_id),
        site=str(gateway.site_id or ""),
        network=gateway.network,
        authentication=Authentication(gateway.authentication),
        lifecycle=Lifecycle(gateway.lifecycle),
        version=gateway.version,
        topic=topic_of(gateway),
        sealed_secret=gateway.sealed_secret,
    )
    return _event(GATEWAY_CHANGED, body.gateway, gateway.version, body)


def gateway_deleted(gateway: Gateway) -> Event:
    """Its version is one more than the last the gateway had."""
    return _event(GATEWAY_CHANGED, str(gateway.id), gateway.version + 1, None)


def device_changed(device: Device, model: DeviceModel) -> Event:
    body = DeviceChanged(
        device=str(device.id),
        workspace=str(device.workspace_id),
        site=str(device.site_id or ""),
        gateway=str(device.gateway_id),
        external_id=device.external_id,
        model=model.id,
        plugin=model.plugin,
        lifecycle=Lifecycle(device.lifecycle),
        version=device.version,
        name=device.name,
        sealed_key=device.sealed_key,
        late_after_ms=None if model.late_after_s is None else model.late_after_s * 1000,
    )
    return _event(DEVICE_CHANGED, body.device, device.version, body)


def device_deleted(device: Device) -> Event:
    """Its version is one more than the last the device had."""
    return _event(DEVICE_CHANGED, str(device.id), device.version + 1, None)


def _event(topic: str, key: str, version: int, body: Any) -> Event:
    kind = {DEVICE_CHANGED: DeviceChanged.TYPE, GATEWAY_CHANGED: GatewayChanged.TYPE}[topic]
    envelope = Envelope(f"{key}:{version}", SOURCE, kind)
    headers = [*envelope.headers(), (VERSION, str(version).encode())]
    return Event(topic, key.encode(), None if body is None else encode(body), headers)
