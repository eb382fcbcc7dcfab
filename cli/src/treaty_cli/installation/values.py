"""The chart's values for a selection: what differs from the defaults, and the Secrets' names."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import jsonschema_rs

from treaty_cli.installation.definitions import WORKER, Definitions
from treaty_cli.installation.selection import SHIPPED, Selection

__all__ = ["Outside", "secrets", "unfit", "values"]

_NAMES: Final = {
    "database": "treaty-database",
    "redis": "treaty-redis",
    "sealing": "treaty-sealing",
    "tokens": "treaty-tokens",
}
"""By the secret's name in the chart's list of services, its Secret."""
_MADE_OF: Final = {
    "database": "--from-env-file=database.env  # {key}=postgresql://USER:PASSWORD@HOST/DATABASE",
    "redis": "--from-env-file=redis.env  # {key}=redis://HOST:6379/0",
    "sealing": "--from-file={key}=sealing.key  # openssl rand -base64 32 | tr '+/' '-_' > sealing.key",
    "tokens": "--from-file={key}=jwks.json",
}
"""From files, so that no secret is on a command line. Behind `#` is what stands in the file, or makes it."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What the platform is told of the world: Kafka, and whose tokens are taken. `ca`: the brokers'
    certificates are signed by an authority of your own."""

    kafka: str = ""
    protocol: str = "PLAINTEXT"
    mechanism: str = "SCRAM-SHA-512"
    ca: bool = False
    issuer: str = ""
    registry_url: str = ""


def values(defined: Definitions, selection: Selection, outside: Outside) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if image := {n: v for n, v in (("registry", selection.registry), ("tag", selection.tag)) if v}:
        found["image"] = image
    found["kafka"] = {"bootstrapServers": outside.kafka, "securityProtocol": outside.protocol}
    if outside.protocol.startswith("SASL_"):
        found["kafka"]["sasl"] = {"mechanism": outside.mechanism, "existingSecret": "treaty-kafka"}
    if outside.ca:
        found["kafka"]["tls"] = {"caSecret": "treaty-kafka-ca"}
    for which in _needed(defined, selection):
        issuer = {"issuer": outside.issuer} if which == "tokens" else {}
        found[which] = issuer | {"existingSecret": _NAMES[which]}
    if outside.registry_url:
        found["registryUrl"] = outside.registry_url
    if services := _services(defined, selection):
        found["services"] = services
    found["workers"] = _workers(selection)
    return found


def unfit(defined: Definitions, given: Mapping[str, Any]) -> list[str]:
    """What values.schema.json has against the chart's defaults with `given` over them."""
    validator = jsonschema_rs.validator_for(defined.schema)
    errors = validator.iter_errors(_merged(defined.values, given))
    return [f"{'.'.join(map(str, error.instance_path))}: {error.message}" for error in errors]


def secrets(defined: Definitions, given: Mapping[str, Any]) -> list[str]:
    """A command for each Secret that is named."""
    found = []
    kafka = given["kafka"]
    if "sasl" in kafka:
        keys = defined.values["kafka"]["sasl"]
        lines = f"{keys['usernameKey']}=USER, {keys['passwordKey']}=PASSWORD, a line each"
        made = f"--from-env-file=kafka.env  # {lines}"
        found.append(f"kubectl create secret generic treaty-kafka {made}")
    if "tls" in kafka:
        key = defined.values["kafka"]["tls"]["caKey"]
        found.append(f"kubectl create secret generic treaty-kafka-ca --from-file={key}=ca.pem")
    for which, made in _MADE_OF.items():
        if which in given:
            command = f"kubectl create secret generic {_NAMES[which]} "
            found.append(command + made.format(key=defined.values[which]["key"]))
    return found


def _needed(defined: Definitions, selection: Selection) -> list[str]:
    chosen = [fact["secrets"] for name, fact in defined.facts.items() if name in selection.services]
    return [which for which in _NAMES if any(which in one for one in chosen)]


def _services(defined: Definitions, selection: Selection) -> dict[str, Any]:
    found: dict[str, Any] = {n: {"enabled": False} for n in defined.facts if n not in selection.services}
    if "ingestion" in selection.services and selection.ingestion is not None:
        found["ingestion"] = {"replicas": selection.ingestion}
    if "governance" in selection.services and selection.partitions > 1:
        told = {"TREATY_ACCEPTED_PARTITIONS": str(selection.partitions)}
        found["governance"] = {"environment": told}
    return found


def _workers(selection: Selection) -> dict[str, Any]:
    """`shipped: null` takes the chart's own group out."""
    found: dict[str, Any] = {}
    for group in selection.groups if WORKER in selection.services else ():
        found[group.name] = {"plugins": group.plugins, "replicas": group.slots}
        if group.image:
            repository, colon, tag = group.image.rpartition(":")
            tagged = bool(colon) and "/" not in tag
            image = {"repository": repository, "tag": tag} if tagged else {"repository": group.image}
            found[group.name]["image"] = image
    return found if SHIPPED in found else {SHIPPED: None, **found}


def _merged(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """As helm does it: a null takes a name out."""
    found = deepcopy(dict(defaults))
    for name, value in given.items():
        if value is None:
            found.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(found.get(name), Mapping):
            found[name] = _merged(found[name], value)
        else:
            found[name] = value
    return found
