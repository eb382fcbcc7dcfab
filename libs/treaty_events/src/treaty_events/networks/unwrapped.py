"""What a network server's message comes to, whatever its form."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from treaty_events.links import Link

__all__ = [
    "EventKind",
    "Network",
    "NetworkEvent",
    "NetworkUplink",
    "UnwrapCode",
    "UnwrapError",
    "Unwrapped",
    "Wrapped",
]


class Network(StrEnum):
    """The forms a gateway may speak."""

    CHIRPSTACK = "chirpstack"
    LORIOT = "loriot"
    THINGS_STACK = "things_stack"
    NATIVE = "native"


class EventKind(StrEnum):
    """What a network server tells besides uplinks, one word for the same thing of every network."""

    JOINED = "joined"
    DOWNLINK_QUEUED = "downlink_queued"
    DOWNLINK_SENT = "downlink_sent"
    DOWNLINK_ACKNOWLEDGED = "downlink_acknowledged"
    DOWNLINK_NOT_ACKNOWLEDGED = "downlink_not_acknowledged"
    DOWNLINK_FAILED = "downlink_failed"
    DOWNLINK_INVALIDATED = "downlink_invalidated"
    STATUS_REPORTED = "status_reported"
    LOCATION_SOLVED = "location_solved"
    LOGGED = "logged"
    SERVICE_REPORTED = "service_reported"
    UPLINK_NORMALIZED = "uplink_normalized"
    UPLINK_EMPTY = "uplink_empty"
    """A frame without port and application payload (MAC commands alone): nothing to decode."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class NetworkUplink:
    """An uplink out of its network's envelope.

    `external_id` is the DevEUI in lower-case hex, or the native id. `observed_at` is the network's time
    for it, ms since 1970-01-01 UTC. Where `dedup_id` is None, `session` and `counter` tell a repeated
    delivery.
    """

    external_id: str
    payload: bytes
    content_type: str = "application/octet-stream"
    f_port: int | None = None
    observed_at: int | None = None
    dedup_id: str | None = None
    session: str | None = None
    counter: int | None = None
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class NetworkEvent:
    """A join, acknowledgement, status or error; `data` is the network's own message, whole."""

    kind: EventKind
    external_id: str | None = None
    observed_at: int | None = None
    data: dict[str, Any] = field(default_factory=dict)


Unwrapped: TypeAlias = NetworkUplink | NetworkEvent


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A record's key, value and headers, as the network's own integration would produce them."""

    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)


class UnwrapCode(StrEnum):
    """Why an envelope is malformed. Stable."""

    NOT_JSON = "not_json"
    BAD_FIELD = "bad_field"
    MISSING_FIELD = "missing_field"
    ENCRYPTED = "encrypted"
    UNKNOWN_NETWORK = "unknown_network"


class UnwrapError(ValueError):
    """The one exception unwrapping raises: a stable code, and where in the message it is wrong."""

    def __init__(self, code: UnwrapCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
