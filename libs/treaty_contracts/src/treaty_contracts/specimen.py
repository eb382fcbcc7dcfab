"""A small honest package: what tests and benchmarks of whoever hosts plugins write to a folder, and vary."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["SPECIMEN_DECODER", "write_specimen"]

_CONTRACT = """
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
  properties: {{{properties}}}
resources: {{{resources}}}
"""
SPECIMEN_DECODER = """
from treaty import Decoded, DecodeError, Reading, Uplink


def decode(uplink: Uplink) -> Decoded:
    if len(uplink.payload) != 1:
        raise DecodeError("one byte expected")
    return [Reading({"air_temperature": float(uplink.payload[0])})]
"""
"""One byte is degrees Celsius."""


def write_specimen(
    path: Path,
    name: str | None = None,
    *,
    version: str = "1.0.0",
    decoder: str = SPECIMEN_DECODER,
    properties: Mapping[str, str] | None = None,
    memory_mib: int = 256,
    message_deadline_ms: int = 250,
    batch_deadline_ms: int = 2_000,
) -> Path:
    """A package in the folder `path`, named like it where no name is given; gives `path` again.

    It serves the model acme/one natively and promises air_temperature and properties by name and type, a
    text `said` where none are given. Nothing holds the decoder to that.
    """
    said = properties if properties is not None else {"said": "string"}
    path.mkdir(parents=True, exist_ok=True)
    (path / "contract.yaml").write_text(
        _CONTRACT.format(
            name=name or path.name,
            version=version,
            properties=", ".join(f"{key}: {{type: {kind}}}" for key, kind in said.items()),
            resources=f"memory_mib: {memory_mib}, message_deadline_ms: {message_deadline_ms}, "
            f"batch_deadline_ms: {batch_deadline_ms}",
        )
    )
    (path / "decoder.py").write_text(decoder)
    return path
