"""Every event type by the name of its schema, and its committed JSON Schema and examples."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

import msgspec

from treaty_events.commands import CommandProgressed, CommandRequested, DownlinkEncoded, PluginOffered
from treaty_events.decisions import ContractDecided, PluginReported
from treaty_events.fleet import DeviceChanged, GatewayChanged
from treaty_events.readings import ReadingNormalized
from treaty_events.uplinks import NetworkReported, UplinkAccepted

__all__ = ["EVENTS", "committed_schema", "examples", "schema_of"]

EVENTS: Final[Mapping[str, type[Any]]] = MappingProxyType(
    {
        "command.progressed.v1": CommandProgressed,
        "command.requested.v1": CommandRequested,
        "contract.decided.v1": ContractDecided,
        "device.changed.v1": DeviceChanged,
        "downlink.encoded.v1": DownlinkEncoded,
        "gateway.changed.v1": GatewayChanged,
        "network.reported.v1": NetworkReported,
        "plugin.offered.v1": PluginOffered,
        "plugin.reported.v1": PluginReported,
        "reading.normalized.v1": ReadingNormalized,
        "uplink.accepted.v1": UplinkAccepted,
    }
)

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_of(name: str) -> dict[str, Any]:
    """The event's JSON Schema, made from its type: closed, so that what a change adds can be seen.

    Raises KeyError for a name that no event has.
    """
    found = msgspec.json.schema(EVENTS[name])
    for definition in found["$defs"].values():
        tidy(definition)
    return {"$schema": DIALECT, "$id": f"urn:treaty:schema:{name}"} | found


def tidy(definition: dict[str, Any]) -> None:
    """Closes an object schema, and sets its description straight."""
    if "properties" in definition:
        definition["additionalProperties"] = False
    if "description" in definition:
        definition["description"] = "\n".join(line.strip() for line in definition["description"].splitlines())


def committed_schema(name: str) -> bytes:
    """The schema as published with the package. Raises KeyError for a name that no event has."""
    if name not in EVENTS:
        raise KeyError(name)
    return resources.files("treaty_events").joinpath("schemas", f"{name}.json").read_bytes()


def examples(name: str) -> dict[str, bytes]:
    """Bodies of the event by what they show, one at least. Raises KeyError for a name that no event has."""
    if name not in EVENTS:
        raise KeyError(name)
    folder = resources.files("treaty_events").joinpath("examples", name)
    return {file.name.removesuffix(".json"): file.read_bytes() for file in folder.iterdir()}
