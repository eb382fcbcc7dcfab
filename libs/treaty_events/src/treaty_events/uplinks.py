"""An uplink on its way: accepted, refused, or a network's event that is no uplink."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final

from treaty_events.links import Link

__all__ = ["NetworkReported", "Refusal", "UplinkAccepted"]


@dataclass(frozen=True, slots=True)
class UplinkAccepted:
    """Value of uplink.accepted.<plugin>.v1: who sent it is proven, the device is known.

    Ids are the registry's UUIDs as text; times are milliseconds since 1970-01-01 UTC. `observed_at`
    is the network's time for the uplink (None where it gives none), `received_at` the broker's
    LogAppendTime of the raw record. `dedup_id` is the network's own deduplication id; where it is
    None, `session` and `counter` tell a repeated delivery. `payload` travels as base64.
    """

    TYPE: ClassVar[str] = "treaty.uplink.accepted.v1"

    device: str
    workspace: str
    site: str
    gateway: str
    model: str
    network: str
    external_id: str
    received_at: int
    payload: bytes
    content_type: str = "application/octet-stream"
    f_port: int | None = None
    observed_at: int | None = None
    dedup_id: str | None = None
    session: str | None = None
    counter: int | None = None
    link: Link | None = None
    late_after_ms: int | None = None


class Refusal(StrEnum):
    """Why a raw record was refused. Stable codes; docs/protocols/refusals.md explains each."""

    UNKNOWN_GATEWAY = "unknown_gateway"
    GATEWAY_DISABLED = "gateway_disabled"
    UNSIGNED = "unsigned"
    BAD_SIGNATURE = "bad_signature"
    STALE_SIGNATURE = "stale_signature"
    MALFORMED_ENVELOPE = "malformed_envelope"
    TOO_LARGE = "too_large"
    UNKNOWN_DEVICE = "unknown_device"
    DEVICE_DISABLED = "device_disabled"
    NO_PLUGIN = "no_plugin"
    UNPROCESSABLE = "unprocessable"


PARKED: Final = frozenset({Refusal.UNKNOWN_DEVICE, Refusal.NO_PLUGIN})
"""Refusals that are replayed once their cause is gone."""


@dataclass(frozen=True, slots=True)
class NetworkReported:
    """Value of network.reported.v1: a join, acknowledgement, status or error told by a network server."""

    TYPE: ClassVar[str] = "treaty.network.reported.v1"

    kind: str
    workspace: str
    gateway: str
    network: str
    received_at: int
    external_id: str | None = None
    device: str | None = None
    data: dict[str, Any] | None = None
