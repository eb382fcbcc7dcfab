"""What a decoder is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["Uplink"]


@dataclass(frozen=True, slots=True)
class Uplink:
    """One message from a device, its payload as the device sent it.

    `payload` is the bytes of the application payload (for JSON devices the UTF-8 text).
    `f_port` is the LoRaWAN port, None where the network has none. `model` is the registry's
    device model ("decentlab/dl-iam"). `received_at` is when the broker got it (UTC); decoders
    must take time from here and never from a clock, so that a replay gives the same reading.
    """

    payload: bytes
    f_port: int | None
    model: str
    content_type: str
    received_at: datetime
