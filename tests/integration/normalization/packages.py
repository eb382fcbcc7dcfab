"""Plugins of the tests' own: written, versioned, and named so that no other test decides about them."""

from __future__ import annotations

import uuid
from pathlib import Path

from treaty_events.uplinks import UplinkAccepted

from .conftest import NOW_MS

__all__ = ["acme_uplink", "name_of", "write"]

CONTRACT = """
contract: treaty/v1
plugin: {name}
version: {version}
owner: Acme
licence: Apache-2.0
description: One.
language: python
entry: {{decode: "decoder:decode"}}
models: [acme/one]
networks: [native]
content_types: [application/octet-stream]
emits:
  measurements:
    air_temperature: {{quantity: temperature, unit: Cel}}
  properties:
    said: {{type: string}}
resources: {{memory_mib: {memory_mib}, message_deadline_ms: {deadline_ms}, batch_deadline_ms: {deadline_ms}0}}
"""
DECODER = """
from treaty import Decoded, DecodeError, Reading, Uplink


def decode(uplink: Uplink) -> Decoded:
    if len(uplink.payload) != 1:
        raise DecodeError("one byte expected")
    return [Reading({"air_temperature": float(uplink.payload[0])})]
"""


def name_of(family: str) -> str:
    return f"{family}-{uuid.uuid4().hex[:8]}"


def write(
    folder: Path,
    name: str,
    version: str = "1.0.0",
    decoder: str = DECODER,
    *,
    memory_mib: int = 256,
    deadline_ms: int = 250,
) -> Path:
    """The package, in place of the one that was there, at once as a deployment does it."""
    fresh, path = folder / f".{name}.new", folder / name
    fresh.mkdir()
    (fresh / "contract.yaml").write_text(
        CONTRACT.format(name=name, version=version, memory_mib=memory_mib, deadline_ms=deadline_ms)
    )
    (fresh / "decoder.py").write_text(decoder)
    if path.exists():
        path.rename(folder / f".{name}.{uuid.uuid4().hex}")
    fresh.rename(path)
    return path


def acme_uplink(device: str, payload: bytes, counter: int) -> UplinkAccepted:
    return UplinkAccepted(
        device, "w", "s", "g", "acme/one", "native", "x", NOW_MS + counter, payload, counter=counter,
        dedup_id=str(uuid.uuid4()),
    )  # fmt: skip
