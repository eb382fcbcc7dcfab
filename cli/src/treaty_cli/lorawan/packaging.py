"""The files of a codec's plugin: contract, the codec as it is, vectors, and where all of it came from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from treaty_cli.lorawan.definition import Definition, Example
from treaty_cli.lorawan.examining import RECEIVED_AT_MS
from treaty_cli.lorawan.refusal import Refusal
from treaty_sandbox.inside.emitting import CodecError, OutputError, reading

__all__ = ["SOURCE", "Origin", "contract_of", "package_of", "vectors_of"]

REPOSITORY = "TheThingsNetwork/lorawan-devices"
LICENCE = "Apache-2.0"
SOURCE = "source.json"
_DATA_ERRORS = ("RangeError", "SyntaxError", "TypeError", "URIError")
"""What the language throws for a payload that makes no sense to it. A ReferenceError is a mistake in code."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the checkout came from, and the version its plugins are to have."""

    commit: str | None
    version: str


def contract_of(
    definition: Definition, emits: Mapping[str, Any], thrown: Mapping[str, int], origin: Origin
) -> dict[str, Any]:
    """The contract as written to contract.yaml."""
    codec = definition.codec
    return {
        "contract": "treaty/v1",
        "plugin": codec.plugin,
        "version": origin.version,
        "owner": f"{codec.vendor}, by {REPOSITORY}",
        "licence": LICENCE,
        "description": definition.description[:300],
        "language": "javascript",
        "entry": {"decode": "codec:decodeUplink"},
        "models": models_of(definition),
        "networks": ["chirpstack", "loriot", "things_stack", "native"],
        "content_types": ["application/octet-stream"],
        "emits": dict(emits),
        "errors": [name for name in _DATA_ERRORS if name in thrown],
        "resources": {"memory_mib": 256, "message_deadline_ms": 250, "batch_deadline_ms": 2000},
        "vectors": "vectors/golden.json",
    }


def models_of(definition: Definition) -> list[str]:
    """The devices that use it; where none does, the codec's own name stands in."""
    codec = definition.codec
    return [f"{_model(codec.vendor)}/{_model(device)}" for device in codec.devices or (codec.identifier,)]


def _model(name: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).lstrip("._-") or "unnamed"


def vectors_of(
    definition: Definition, measured: frozenset[str], placed: bool
) -> tuple[list[dict[str, Any]], list[Refusal]]:
    """The examples as golden vectors, and those that cannot be one."""
    cases: list[dict[str, Any]] = []
    refused: list[Refusal] = []
    for number, example in enumerate(definition.examples, 1):
        uplink = example.uplink()
        if uplink is None:
            refused.append(
                Refusal("L805", f"example {number} is no uplink: its bytes or port cannot be sent")
            )
            continue
        try:
            expected = _expected(example, measured, placed)
        except OutputError as error:
            refused.append(Refusal("L805", f"example {number} expects no reading: {error}"))
            continue
        cases.append(
            {
                "name": f"{number}: {' '.join(example.description.split())[:160]}",
                "model": models_of(definition)[0],
                "f_port": uplink[1],
                "payload": uplink[0].hex(),
                "received_at": RECEIVED_AT_MS,
                "expected": expected,
            }
        )
    return cases, refused


def _expected(example: Example, measured: frozenset[str], placed: bool) -> dict[str, Any]:
    try:
        measurements, properties, position, _ = reading(example.output, measured, placed)
    except CodecError as error:
        return {"error": str(error)[:200]}
    found: dict[str, Any] = {"measurements": measurements, "properties": properties}
    if position is not None:
        names = ("latitude", "longitude", "altitude")
        found["position"] = {n: part for n, part in zip(names, position, strict=False) if part is not None}
    return {"readings": [found]}


def package_of(
    definition: Definition, contract: Mapping[str, Any], cases: list[dict[str, Any]], origin: Origin
) -> dict[str, bytes]:
    """The plugin's files by path; the same bytes for the same checkout."""
    source = {
        "repository": REPOSITORY,
        "commit": origin.commit,
        "definition": definition.codec.path,
        "codec": definition.script_path,
        "sha256": definition.script_hash,
        "licence": LICENCE,
    }
    return {
        "contract.yaml": _yaml(contract),
        "codec.js": definition.script or b"",
        "vectors/golden.json": _json({"cases": cases}),
        SOURCE: _json(source),
        "README.md": _readme(definition, contract, len(cases), origin).encode(),
    }


def _yaml(value: Any) -> bytes:
    dumper = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper
    text: str = yaml.dump(
        json.loads(json.dumps(value)), Dumper=dumper, sort_keys=False, allow_unicode=True, width=100
    )
    return text.encode("utf-8", "backslashreplace")


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=True, allow_nan=False).encode() + b"\n"


def _readme(definition: Definition, contract: Mapping[str, Any], vectors: int, origin: Origin) -> str:
    commit = f" at commit {origin.commit}" if origin.commit else ""
    return f"""# {definition.codec.plugin}

{definition.description}

Imported from {REPOSITORY}{commit}, licence {LICENCE}.

- `codec.js` is `{definition.script_path}` as it is there, SHA-256 `{definition.script_hash}`.
- The vectors are the {vectors} examples of `{definition.codec.path}`.
- The contract was drafted from the values that the codec was seen to emit. Measurements are those
  whose names tell quantity and unit; everything else is a property of the codec's own name.
"""
