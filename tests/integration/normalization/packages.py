"""Plugins of the tests' own: written, versioned, and named so that no other test decides about them."""

from __future__ import annotations

import uuid
from pathlib import Path

from treaty_contracts.specimen import SPECIMEN_DECODER, write_specimen
from treaty_events.uplinks import UplinkAccepted

from .conftest import NOW_MS

__all__ = ["acme_uplink", "name_of", "write"]


def name_of(family: str) -> str:
    return f"{family}-{uuid.uuid4().hex[:8]}"


def write(
    folder: Path,
    name: str,
    version: str = "1.0.0",
    decoder: str = SPECIMEN_DECODER,
    *,
    memory_mib: int = 256,
    deadline_ms: int = 500,
) -> Path:
    """The package, in place of the one that was there, at once as a deployment does it."""
    fresh, path = folder / f".{name}.new", folder / name
    write_specimen(
        fresh,
        name,
        version=version,
        decoder=decoder,
        memory_mib=memory_mib,
        message_deadline_ms=deadline_ms,
        batch_deadline_ms=10 * deadline_ms,
    )
    if path.exists():
        path.rename(folder / f".{name}.{uuid.uuid4().hex}")
    fresh.rename(path)
    return path


def acme_uplink(device: str, payload: bytes, counter: int) -> UplinkAccepted:
    return UplinkAccepted(
        device, "w", "s", "g", "acme/one", "native", "x", NOW_MS + counter, payload, counter=counter,
        dedup_id=str(uuid.uuid4()),
    )  # fmt: skip
