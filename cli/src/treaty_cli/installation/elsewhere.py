"""What a service is told of servers that are elsewhere, and of secrets that nothing here makes."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["KAFKA_ELSEWHERE", "Service", "point", "wanted_files"]

Service = dict[str, Any]
KAFKA_ELSEWHERE: Final[dict[str, str | None]] = {
    "KAFKA_BOOTSTRAP_SERVERS": "${KAFKA_BOOTSTRAP_SERVERS:?host:port of Kafka, several separated by commas}",
    "KAFKA_SECURITY_PROTOCOL": "${KAFKA_SECURITY_PROTOCOL:-PLAINTEXT}",
    "KAFKA_SASL_MECHANISM": None,
    "KAFKA_SSL_CA_FILE": None,
    "KAFKA_SSL_CERTIFICATE_FILE": None,
    "KAFKA_SSL_KEY_FILE": None,
}
"""Without a value here: the shell's or .env's, else the default."""
_IN_FILES: Final = {
    "kafka": "KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD with SASL; PEM files that KAFKA_SSL_*_FILE name",
    "redis": "REDIS_URL",
    "database": "DATABASE_URL",
    "registry": "TREATY_SEALING_KEY, TREATY_DEV_CLIENT_SECRET, issuer.jwk",
    "ingestion": "TREATY_SEALING_KEY, the registry's",
    "tokens": "jwks.json",
}
REGISTRY_ELSEWHERE: Final = {
    "TREATY_REGISTRY_URL": "${TREATY_REGISTRY_URL:?where the device registry answers}",
    "TREATY_REGISTRY_PUBLIC_URL": "${TREATY_REGISTRY_PUBLIC_URL:?where it answers browsers}",
}


def point(service: Service, made: bool, external: frozenset[str]) -> None:
    """Changes what `service` is told and what it mounts. `made`: the registry is here, and the job that makes
    secrets with it."""
    environment = service.get("environment") or {}
    if not made:
        environment |= {name: told for name, told in REGISTRY_ELSEWHERE.items() if name in environment}
        # Nothing here makes the keys that are trusted unless others are named.
        environment |= dict.fromkeys({"TREATY_VERDICT_KEYS_FILE"} & environment.keys())
    _secrets(service, made, external)
    if "redis" in external and environment.pop("REDIS_URL", None):
        _folder(service, "redis")
    if "kafka" in external and "KAFKA_BOOTSTRAP_SERVERS" in environment:
        environment |= KAFKA_ELSEWHERE
        _folder(service, "kafka")


def wanted_files(document: dict[str, Any]) -> dict[str, str]:
    """Folders that have to be there before the first start, with the files in them."""
    mounts = [v for s in document["services"].values() for v in s.get("volumes", ()) if isinstance(v, dict)]
    sources = {mount["source"] for mount in mounts}
    return {f"./secrets/{name}": files for name, files in _IN_FILES.items() if f"./secrets/{name}" in sources}


def _folder(service: Service, name: str, told: bool = True) -> None:
    """Mounts ./secrets/NAME, which has to be there; `told`: its files are settings."""
    mount = {"type": "bind", "source": f"./secrets/{name}", "target": f"/secrets/{name}", "read_only": True}
    service.setdefault("volumes", []).append(mount | {"bind": {"create_host_path": False}})
    if told:
        environment = service.setdefault("environment", {})
        folders = [environment.get("TREATY_SECRETS_DIR"), f"/secrets/{name}"]
        environment["TREATY_SECRETS_DIR"] = ":".join(folder for folder in folders if folder)


def _secrets(service: Service, made: bool, external: frozenset[str]) -> None:
    """Volumes of secrets that nothing here fills become folders that the reader is given."""
    volumes = service.pop("volumes", [])
    service["volumes"] = []
    for volume in volumes:
        name = volume.removeprefix("secrets-").split(":")[0] if volume.startswith("secrets-") else ""
        if name and (not made or (name == "database" and "postgres" in external)):
            _folder(service, name, told=False)
        else:
            service["volumes"].append(volume)
    if not service["volumes"]:
        del service["volumes"]
