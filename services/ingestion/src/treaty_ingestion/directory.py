"""Who may speak and which devices there are, indexed as an uplink asks; filled by the registry's changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog

from treaty_events.decisions import ContractDecided
from treaty_events.fleet import Authentication, DeviceChanged, GatewayChanged

__all__ = ["Directory", "KnownDevice", "KnownGateway", "Unseal"]

log = structlog.get_logger(__name__)

Unseal: TypeAlias = Callable[[str, str], bytes]
"""The secret sealed about an id. Raises ValueError, never telling the secret."""
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class KnownGateway:
    """`secret` is None where it has none, or where it does not open."""

    gateway: GatewayChanged
    secret: bytes | None


@dataclass(frozen=True, slots=True)
class KnownDevice:
    device: DeviceChanged
    key: bytes | None


class Directory:
    """One thread changes it, any thread asks: each answer is one look-up in a dictionary.

    Secrets are opened when they arrive, so that an uplink costs no decryption and a key that does not fit
    is told by `check` before an uplink meets it.
    """

    def __init__(self, unseal: Unseal) -> None:
        self._unseal = unseal
        self._gateways: dict[str, KnownGateway] = {}
        self._slugs: dict[str, KnownGateway] = {}
        self._devices: dict[tuple[str, str], KnownDevice] = {}
        self._decisions: dict[str, ContractDecided] = {}
        self._unopened: set[str] = set()

    def gateway(self, id: str) -> KnownGateway | None:
        return self._gateways.get(id)

    def gateway_by_slug(self, slug: str) -> KnownGateway | None:
        return self._slugs.get(slug)

    def device(self, workspace: str, external_id: str) -> KnownDevice | None:
        """`external_id` as the registry writes it: a DevEUI in lower case."""
        return self._devices.get((workspace, external_id))

    def accepted_topic(self, plugin: str) -> str | None:
        """Where the plugin's uplinks go; None until it exists."""
        decision = self._decisions.get(plugin)
        return None if decision is None else decision.topic

    def check(self) -> str | None:
        """For readiness: None while every secret could be opened."""
        if not self._unopened:
            return None
        shown = ", ".join(sorted(self._unopened)[:_SHOWN])
        return f"{len(self._unopened)} sealed secrets do not open with TREATY_SEALING_KEY: {shown}"

    def gateway_changed(self, id: str, before: GatewayChanged | None, after: GatewayChanged | None) -> None:
        if before is not None and self._is(self._slugs.get(before.slug), id):
            del self._slugs[before.slug]
        if after is None:
            self._gateways.pop(id, None)
            self._unopened.discard(id)
            return
        # The topic is this gateway's proof: what it has of its own beside it is not listened to.
        sealed = None if after.authentication is Authentication.TOPIC else after.sealed_secret
        known = KnownGateway(after, self._open(id, sealed))
        self._gateways[id] = known
        self._slugs[after.slug] = known

    @staticmethod
    def _is(known: KnownGateway | None, id: str) -> bool:
        return known is not None and known.gateway.gateway == id

    def device_changed(self, id: str, before: DeviceChanged | None, after: DeviceChanged | None) -> None:
        if before is not None:
            place = (before.workspace, before.external_id)
            held = self._devices.get(place)
            if held is not None and held.device.device == id:
                del self._devices[place]
        if after is None:
            self._unopened.discard(id)
            return
        self._devices[(after.workspace, after.external_id)] = KnownDevice(
            after, self._open(id, after.sealed_key)
        )

    def decision_changed(
        self, plugin: str, before: ContractDecided | None, after: ContractDecided | None
    ) -> None:
        if after is None:
            self._decisions.pop(plugin, None)
        else:
            self._decisions[plugin] = after

    def _open(self, id: str, sealed: str | None) -> bytes | None:
        self._unopened.discard(id)
        if sealed is None:
            return None
        try:
            return self._unseal(sealed, id)
        except ValueError as error:
            log.error("sealed secret does not open", about=id, detail=str(error))
            self._unopened.add(id)
            return None
