"""What the demo's workspace holds: gateways of every network and every proof, devices with real uplinks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from treaty_events.fleet import Authentication
from treaty_events.networks import Network

__all__ = ["DEVICES", "GATEWAYS", "STRANGERS", "WORKSPACE", "Device", "Gateway", "eui"]

WORKSPACE: Final = "Demo"


@dataclass(frozen=True, slots=True)
class Gateway:
    slug: str
    site: str
    network: Network
    authentication: Authentication


@dataclass(frozen=True, slots=True)
class Device:
    """`corpus` is the file of real uplinks it sends."""

    external_id: str
    name: str
    model: str
    gateway: str
    corpus: str


GATEWAYS: Final = (
    Gateway("demo-chirpstack", "Office", Network.CHIRPSTACK, Authentication.TOPIC),
    Gateway("demo-loriot", "Office", Network.LORIOT, Authentication.SIGNATURE),
    Gateway("demo-things-stack", "Warehouse", Network.THINGS_STACK, Authentication.SIGNATURE),
    Gateway("demo-native", "Warehouse", Network.NATIVE, Authentication.DEVICE_KEY),
    Gateway("demo-edge", "Warehouse", Network.NATIVE, Authentication.SIGNATURE),
)

_MODELS: Final = {
    "decentlab-dl-iam": "decentlab/dl-iam",
    "decentlab-dl-pm": "decentlab/dl-pm",
    "milesight-am307": "milesight-iot/am307",
    "milesight-ct101-ct103": "milesight-iot/ct101",
    "milesight-em300-mld": "milesight-iot/em300-mld",
    "milesight-em300-th": "milesight-iot/em300-th",
}
_ROUTES: Final = {
    "chirpstack": "demo-chirpstack",
    "loriot": "demo-loriot",
    "thingsstackcommunity": "demo-things-stack",
    "thingsstackindustries": "demo-things-stack",
}
_LOCAL: Final = "0a7e"
"""Of the addresses anybody may assign (IEEE 802: the local bit set, the group bit clear)."""


def eui(of: str) -> str:
    """The same EUI-64 for the same name, lower-case hex; the public data has some devices share one."""
    return _LOCAL + hashlib.sha256(of.encode()).hexdigest()[:12]


def _devices() -> tuple[Device, ...]:
    found = []
    for name, model in _MODELS.items():
        title = model.partition("/")[2].upper()
        for route, gateway in _ROUTES.items():
            corpus = f"{name}.{route}"
            found.append(Device(eui(corpus), f"{title} over {route}", model, gateway, corpus))
        corpus = f"{name}.chirpstack"
        for gateway in ("demo-native", "demo-edge"):
            external_id = eui(f"{name}.{gateway}")
            found.append(Device(external_id, f"{title} by {gateway}", model, gateway, corpus))
    return tuple(found)


DEVICES: Final = _devices()
STRANGERS: Final = tuple((eui(corpus), corpus) for corpus in ("netvox-r718n3.thingsstackindustries",))
"""External id and corpus of what nobody registered: the inbox shows it."""
