"""What the simulator and the reconciler are told of the demo's workspace: `.treaty/demo.json`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from treaty_events.fleet import Authentication
from treaty_events.networks import Network

__all__ = ["Seed", "SeedDevice", "SeedError", "SeedGateway", "Stranger", "load"]


class SeedError(ValueError):
    """The seed file is missing, not of its form, or speaks of a gateway that it does not list."""


@dataclass(frozen=True, slots=True)
class SeedGateway:
    """`topic` where it has its own; `secret` where it signs."""

    id: str
    slug: str
    network: Network
    authentication: Authentication
    topic: str | None = None
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class SeedDevice:
    """`gateway` is the gateway's id or slug; `corpus` names the file of real uplinks it sends; `key` where it
    signs for itself."""

    id: str
    external_id: str
    model: str
    gateway: str
    network: Network
    corpus: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Stranger:
    """A device that nobody registered."""

    external_id: str
    corpus: str


@dataclass(frozen=True, slots=True)
class Seed:
    workspace: str
    token: str
    push_url: str
    registry_url: str
    bootstrap_servers: str
    gateways: tuple[SeedGateway, ...]
    devices: tuple[SeedDevice, ...]
    unknown: tuple[Stranger, ...] = ()

    def gateway(self, name: str) -> SeedGateway:
        """By id or slug. Raises SeedError."""
        for found in self.gateways:
            if name in (found.id, found.slug):
                return found
        raise SeedError(f"no gateway {name!r} is listed")


def load(path: Path) -> Seed:
    """Raises SeedError."""
    try:
        seed = msgspec.json.decode(path.read_bytes(), type=Seed)
    except OSError as error:
        raise SeedError(f"{path}: {error.strerror}; `treaty demo` writes it") from error
    except msgspec.DecodeError as error:
        raise SeedError(f"{path}: {error}") from error
    for device in seed.devices:
        gateway = seed.gateway(device.gateway)
        signer = {Authentication.SIGNATURE: gateway.secret, Authentication.DEVICE_KEY: device.key}
        if signer.get(gateway.authentication, "") is None:
            raise SeedError(f"{path}: {device.external_id} has nothing to sign with")
        if gateway.authentication is Authentication.TOPIC and gateway.topic is None:
            raise SeedError(f"{path}: gateway {gateway.slug} has no topic of its own")
    return seed
