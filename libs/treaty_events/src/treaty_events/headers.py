"""Names of the Kafka headers Treaty reads and writes, each defined once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

__all__ = ["Headers", "header"]

Headers: TypeAlias = Sequence[tuple[str, bytes | None]]

GATEWAY: Final = "treaty-gateway"
"""Id of the gateway that speaks: claimed on raw topics, proven on every later one."""
DEVICE: Final = "treaty-device"
"""The device's external id, in the native form and in refusals."""
TIMESTAMP: Final = "treaty-timestamp"
"""Milliseconds since 1970-01-01 UTC at which a raw uplink was signed, decimal."""
SIGNATURE: Final = "treaty-signature"
"""`v1=` and the lower-case hex HMAC-SHA256 of a raw uplink; see treaty_events.signing."""
NETWORK: Final = "treaty-network"
"""Form of the body (chirpstack, loriot, things_stack, native) where the gateway serves several."""
OBSERVED_AT: Final = "treaty-observed-at"
"""Milliseconds since 1970-01-01 UTC at which a native uplink was observed, decimal."""
F_PORT: Final = "treaty-f-port"
COUNTER: Final = "treaty-counter"
"""The device's own count of its uplinks, decimal, in the native form."""
RECEIVED_AT: Final = "treaty-received-at"
"""On uplink.replay.v1 and uplink.refused.v1: the LogAppendTime of the original raw record, ms, decimal."""
REPLAYS: Final = "treaty-replays"
"""On uplink.replay.v1: how often the uplink was replayed by now, decimal."""
CONTENT_TYPE: Final = "content-type"
WORKSPACE: Final = "treaty-workspace"
REASON: Final = "treaty-reason"
"""Stable code of why a record was refused or dead-lettered."""
DETAIL: Final = "treaty-detail"
"""The reason in words, for people."""
ORIGINAL_HEADERS: Final = "treaty-original-headers"
"""How many of a refused or dead-lettered record's headers, from the first, it had before."""
PLUGIN: Final = "treaty-plugin"
DIGEST: Final = "treaty-digest"
VERSION: Final = "treaty-version"
"""The aggregate's version in a *.changed record or tombstone; views ignore older ones."""


def header(headers: Headers, name: str) -> bytes | None:
    """The last value of a header, as Kafka's own `lastHeader`; None where it is absent."""
    for key, value in reversed(headers):
        if key == name:
            return value
    return None
