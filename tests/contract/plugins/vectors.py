"""Reads the vectors that a plugin commits: public data, the map of its names, and what corrects it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from treaty import Decoded, Uplink

PLUGINS = Path(__file__).parents[3] / "plugins"
NETWORKS = {
    "ChirpStack": "chirpstack",
    "LORIOT": "loriot",
    "ThingsStackCommunity": "things_stack",
    "ThingsStackIndustries": "things_stack",
}
RECEIVED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def families() -> list[str]:
    return sorted(path.parent.name for path in PLUGINS.glob("*/contract.yaml"))


def decoder(family: str) -> ModuleType:
    """The plugin's module, loaded as itself and kept out of sys.modules."""
    spec = importlib.util.spec_from_file_location(f"plugin_{family}", PLUGINS / family / "decoder.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def decode(family: str) -> Callable[..., Decoded]:
    function = decoder(family).decode

    def call(payload: bytes, model: str, f_port: int | None = None) -> Decoded:
        return function(Uplink(payload, f_port, model, "application/octet-stream", RECEIVED_AT))

    return call


def contract(family: str) -> dict[str, Any]:
    return yaml.safe_load((PLUGINS / family / "contract.yaml").read_text())


@dataclass(frozen=True)
class Names:
    devices: dict[str, str]
    names: dict[str, dict[str, str]]
    added: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, family: str) -> Names:
        return cls(**yaml.safe_load((PLUGINS / family / "vectors" / "names.yaml").read_text()))


def corrections(family: str) -> list[dict[str, Any]]:
    path = PLUGINS / family / "vectors" / "corrections.yaml"
    return yaml.safe_load(path.read_text())["corrections"] if path.exists() else []


@dataclass(frozen=True)
class Case:
    """One message of the public data: as sent, and the telemetry that it claims should come of it."""

    family: str
    file: str
    name: str
    device: str
    network: str | None
    message: dict[str, Any]
    telemetry: list[dict[str, Any]]
    times: list[int | str]
    attributes: dict[str, Any]
    error: bool = False

    def __str__(self) -> str:
        return f"{self.family}-{Path(self.file).stem}-{self.name}"


def uplinks(family: str) -> Iterator[Case]:
    for path in sorted((PLUGINS / family / "vectors" / "uplinks").glob("*.json")):
        data = json.loads(path.read_text())
        for case in data["cases"]:
            expected = case["expected"]
            told = expected[0] if isinstance(expected, list) else expected
            yield Case(
                family,
                f"uplinks/{path.name}",
                case["file"],
                data["device"],
                NETWORKS[data["network"]],
                case["payload"],
                [entry["values"] for entry in told["telemetry"]],
                [entry["ts"] for entry in told["telemetry"]],
                {"deviceName": told["deviceName"], "deviceType": told["deviceType"], **told["attributes"]},
            )


def payloads(family: str) -> Iterator[Case]:
    for path in sorted((PLUGINS / family / "vectors" / "payloads").glob("*.json")):
        data = json.loads(path.read_text())
        for index, vector in enumerate(data["vectors"]):
            told = vector["expected"]
            values = {
                name: value["value"] if isinstance(value, dict) else value
                for name, value in told.get("data", {}).items()
            }
            yield Case(
                family,
                f"payloads/{path.name}",
                f"example {index + 1}",
                data["device"],
                None,
                {"data": vector["bytes"], "fPort": vector["fPort"]},
                [values],
                [],
                {},
                "errors" in told,
            )


def corrected(case: Case, names: Names) -> list[dict[str, Any]]:
    """What the case should come to in Treaty's names, one mapping a reading: excluded names and link facts
    left out, the vendor's document preferred to the catalogue."""
    readings = []
    for index, values in enumerate(case.telemetry):
        left = dict(values)
        document: dict[str, Any] = {}
        for correction in corrections(case.family):
            applies = fnmatch(case.file, correction["files"]) and case.name in correction["cases"]
            if applies and correction["reading"] == index:
                for name, claimed in correction["catalogue"].items():
                    assert left.pop(name) == claimed, (
                        f"{case}: the catalogue does not claim {name} = {claimed}"
                    )
                document |= correction["document"]
        for name, value in left.items():
            place = names.names[name]
            if "measurement" in place or "property" in place:
                document[place.get("measurement") or place["property"]] = value
        readings.append(document)
    return readings
