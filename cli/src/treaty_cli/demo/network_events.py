"""Messages of network servers that are no uplinks, made of a real uplink of the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["join", "join_accept", "status"]


def join(message: Mapping[str, Any]) -> dict[str, Any]:
    """ChirpStack's JoinEvent (api/proto/integration/integration.proto) of an uplink's device."""
    return {name: message[name] for name in ("deduplicationId", "time", "deviceInfo", "devAddr")}


def status(message: Mapping[str, Any]) -> dict[str, Any]:
    """ChirpStack's StatusEvent of an uplink's device."""
    told = {name: message[name] for name in ("deduplicationId", "time", "deviceInfo")}
    return told | {
        "margin": 7,
        "externalPowerSource": False,
        "batteryLevelUnavailable": False,
        "batteryLevel": 90,
    }


def join_accept(message: Mapping[str, Any]) -> dict[str, Any]:
    """The Things Stack's join-accept message ("Data Formats") of an uplink's device."""
    told = {name: message[name] for name in ("end_device_ids", "correlation_ids", "received_at")}
    session = message["uplink_message"]["session_key_id"]
    return told | {"join_accept": {"session_key_id": session, "received_at": message["received_at"]}}
