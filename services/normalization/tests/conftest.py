from __future__ import annotations

import pytest

from treaty_chassis.kafka.work import Record
from treaty_contracts import Contract
from treaty_events.codec import encode
from treaty_events.uplinks import UplinkAccepted
from treaty_normalization.plugins import Plugin
from treaty_normalization.promises import Promises

RAW = "6a1f3c52-0000-4000-8000-000000000001"
RECEIVED_AT = 1_767_323_045_700
DECODER = b"""
from treaty import DecodeError, Reading
def decode(uplink):
    text = uplink.payload.decode()
    if text.startswith("bad"):
        raise DecodeError(text)
    if text.startswith("odd"):
        return [Reading({"undeclared": 1.0})]
    if text.startswith("die"):
        import os
        os._exit(1)
    return [Reading({"air_temperature": float(value)}) for value in text.split()]
"""


def uplink(
    payload: bytes = b"20", device: str = "d1", received_at: int = RECEIVED_AT, **rest: object
) -> UplinkAccepted:
    return UplinkAccepted(
        device, "w1", "s1", "g1", "acme/one", "chirpstack", "70b3d57ba0000001", received_at, payload,
        **rest,  # type: ignore[arg-type]
    )  # fmt: skip


def record(
    of: UplinkAccepted | bytes | None,
    offset: int = 0,
    topic: str = "uplink.accepted.acme.v1",
    **headers: bytes,
) -> Record:
    """As ingestion writes it; more headers after its own."""
    value = encode(of) if isinstance(of, UplinkAccepted) else of
    key = of.device.encode() if isinstance(of, UplinkAccepted) else b"k"
    given = [
        ("ce_id", f"{RAW}:0:{offset}:0".encode()),
        *((n if n.startswith("ce_") else n.replace("_", "-"), v) for n, v in headers.items()),
    ]
    return Record(topic, 0, offset, RECEIVED_AT, key, value, given)


def contract(**emits: object) -> Contract:
    return Contract.model_validate(
        {
            "contract": "treaty/v1",
            "plugin": "acme",
            "version": "1.2.3",
            "entry": {"decode": "decoder:decode"},
            # Nobody here is to meet a deadline, on a busy machine either.
            "resources": {"message_deadline_ms": 5_000, "batch_deadline_ms": 60_000},
            "emits": emits
            or {"measurements": {"air_temperature": {"quantity": "temperature", "unit": "[degF]"}}},
        }
    )


def plugin(source: bytes = DECODER, **emits: object) -> Plugin:
    given = contract(**emits)
    return Plugin("acme", "1.2.3", "sha256:" + "a" * 64, given, Promises(given), {"decoder.py": source})


@pytest.fixture
def acme() -> Plugin:
    return plugin()
