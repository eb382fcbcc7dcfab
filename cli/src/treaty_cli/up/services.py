"""The platform's processes: what each runs, where it listens, what it is told through its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from treaty_cli.credentials import Credentials
from treaty_embedded import EmbeddedError, ports

__all__ = ["MIGRATIONS", "SERVICES", "STOPPING", "Service", "addresses", "asked_port", "environment"]


@dataclass(frozen=True, slots=True)
class Service:
    """`port` is preferred while it is free; `setting` is the environment variable that insists on one."""

    name: str
    module: str
    port: int

    @property
    def setting(self) -> str:
        return f"TREATY_{self.name.upper()}_PORT"


SERVICES = (
    Service("push", "treaty_push_gateway", 8080),
    Service("normalization", "treaty_normalization", 8084),
    Service("ingestion", "treaty_ingestion", 8083),
    Service("projector", "treaty_device_registry.projector", 8085),
    Service("governance", "treaty_contract_governance", 8082),
    Service("registry", "treaty_device_registry", 8081),
)
STOPPING = (("push",), ("ingestion", "normalization", "projector"), ("registry", "governance"))
"""Subscribers are told first, who is asked by others goes last; those of one step go together."""
MIGRATIONS = ("treaty_device_registry.migrate", "treaty_contract_governance.migrate")


def asked_port(setting: str) -> int | None:
    """What the environment insists on. Raises EmbeddedError for what is no port."""
    given = os.environ.get(setting)
    if not given:
        return None
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise EmbeddedError(f"{setting}: expected a port from 1 to 65535, got {given!r}")
    return int(given)


def addresses() -> dict[str, int]:
    """A port for each service. Raises PortBusyError where the one that was insisted on is taken."""
    found: dict[str, int] = {}
    for service in SERVICES:
        found[service.name] = ports.choose(asked_port(service.setting), service.setting, service.port)
    return found


def environment(
    credentials: Credentials, backing: Mapping[str, str], ports_: Mapping[str, int], plugins: Path
) -> dict[str, str]:
    """What every process of the platform is told; each reads what concerns it.

    The caller's environment wins over defaults, and loses where the platform itself decides.
    """
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports_.items()}
    return {
        "TREATY_HTTP_HOST": "127.0.0.1",
        "TREATY_PLUGINS_DIR": str(plugins),
        "TREATY_REGISTRY_URL": urls["registry"],
        "TREATY_CORS_ORIGINS": f"{urls['push']},http://localhost:{ports_['push']}",
        # A laptop's kernel may lack a mechanism of confinement; what is missing is logged.
        "TREATY_SANDBOX": "best-effort",
        "TREATY_ISSUER": "treaty-dev",
        "TREATY_AUDIENCE": "treaty",
        "TREATY_VERDICT_KEYS_FILE": str(credentials.publisher_public),
        **os.environ,
        **backing,
        "TREATY_JWKS_FILE": str(credentials.jwks),
        "TREATY_DEV_ISSUER_KEY_FILE": str(credentials.issuer_key),
        "TREATY_DEV_CLIENT_ID": credentials.client_id,
        "TREATY_DEV_CLIENT_SECRET": credentials.client_secret,
        "TREATY_SEALING_KEY": credentials.sealing_key,
        "PYTHONUNBUFFERED": "1",
    }
