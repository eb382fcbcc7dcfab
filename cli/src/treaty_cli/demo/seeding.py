"""Put the demo's fleet into the registry, once: what is there is kept, what is missing is made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from treaty_cli.api import Api, token
from treaty_cli.demo import fleet
from treaty_cli.demo.seed import Seed, SeedDevice, SeedGateway, Stranger
from treaty_cli.home import Home
from treaty_cli.packages import packages
from treaty_contracts import load
from treaty_events import topics
from treaty_events.fleet import Authentication

__all__ = ["seed"]


class _Workspace:
    """One workspace of the registry; `kept` has the secrets an earlier start was shown."""

    def __init__(self, api: Api, kept: dict[str, str]) -> None:
        self._api = api
        self.kept = kept
        self.id = str(self._api.ensure("/v1/workspaces", "name", {"name": fleet.WORKSPACE})["id"])
        self._base = f"/v1/workspaces/{self.id}"
        self._sites: dict[str, str] = {}

    def site(self, name: str) -> str:
        if name not in self._sites:
            self._sites[name] = str(self._api.ensure(f"{self._base}/sites", "name", {"name": name})["id"])
        return self._sites[name]

    def models(self, plugins: Path) -> None:
        """Every model that a shipped plugin's contract serves."""
        there = {item["id"] for item in self._api.items("/v1/device-models", limit=200)}
        for contract in (load(folder) for folder in packages([plugins])):
            for model in contract.models:
                if model not in there:
                    name = model.partition("/")[2].upper()
                    self._api.post(
                        "/v1/device-models", {"id": model, "name": name, "plugin": contract.plugin}
                    )

    def gateways(self) -> dict[str, SeedGateway]:
        """By slug."""
        path = f"{self._base}/gateways"
        there = {item["slug"]: item for item in self._api.items(path, limit=200)}
        found = {}
        for gateway in fleet.GATEWAYS:
            item = there.get(gateway.slug) or self._api.post(
                path,
                {
                    "slug": gateway.slug,
                    "network": gateway.network,
                    "authentication": gateway.authentication,
                    "site_id": self.site(gateway.site),
                },
            )
            signs = gateway.authentication is Authentication.SIGNATURE
            own = gateway.authentication is Authentication.TOPIC
            found[gateway.slug] = SeedGateway(
                id=item["id"],
                slug=gateway.slug,
                network=gateway.network,
                authentication=gateway.authentication,
                topic=topics.raw_topic(gateway.slug).name if own else None,
                secret=self._secret(item, "secret", gateway.slug, path) if signs else None,
            )
        return found

    def devices(self, gateways: dict[str, SeedGateway]) -> list[SeedDevice]:
        path = f"{self._base}/devices"
        there = {item["external_id"]: item for item in self._api.items(path, limit=200)}
        found = []
        for device in fleet.DEVICES:
            gateway = gateways[device.gateway]
            item = there.get(device.external_id) or self._api.post(
                path,
                {
                    "external_id": device.external_id,
                    "gateway_id": gateway.id,
                    "model": device.model,
                    "name": device.name,
                },
            )
            keyed = gateway.authentication is Authentication.DEVICE_KEY
            found.append(
                SeedDevice(
                    id=item["id"],
                    external_id=device.external_id,
                    model=device.model,
                    gateway=gateway.id,
                    network=gateway.network,
                    corpus=device.corpus,
                    key=self._secret(item, "key", device.external_id, path) if keyed else None,
                )
            )
        return found

    def _secret(self, item: dict[str, Any], name: str, of: str, path: str) -> str:
        """The registry shows it once, to who made it: to a start that was killed before it wrote down what it
        was shown, it gives another."""
        known = item.get(name) or self.kept.get(of)
        if known is None:
            known = self._api.post(f"{path}/{item['id']}/{name}", {})[name]
        return str(known)


def _kept(home: Home) -> dict[str, str]:
    if not home.demo.exists():
        return {}
    found = json.loads(home.demo.read_text())
    return {
        item[of]: item[secret]
        for items, of, secret in (("gateways", "slug", "secret"), ("devices", "external_id", "key"))
        for item in found[items]
        if item.get(secret)
    }


def seed(home: Home, plugins: Path, say: Callable[[str], None]) -> Seed:
    """The fleet as the simulator and the reconciler are told of it, written to the home too.

    Raises ApiError.
    """
    running = home.running()
    with Api(home, "registry") as api:
        workspace = _Workspace(api, _kept(home))
        workspace.models(plugins)
        gateways = workspace.gateways()
        devices = workspace.devices(gateways)
    found = Seed(
        workspace=workspace.id,
        token=token(home)["access_token"],
        push_url=running.urls["push"],
        registry_url=running.urls["registry"],
        bootstrap_servers=running.bootstrap_servers,
        gateways=tuple(gateways.values()),
        devices=tuple(devices),
        unknown=tuple(Stranger(external_id, corpus) for external_id, corpus in fleet.STRANGERS),
    )
    home.write(home.demo, msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
    say(f"{len(gateways)} gateways, {len(devices)} devices in workspace {workspace.id}")
    return found
