"""ImportSpy's tree of architectures, systems and interpreters as a flat list of deployments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from treaty_contracts.importing.reading import as_list, as_mapping, name_of
from treaty_contracts.importing.structure import structure_of

__all__ = ["deployments_of"]


def _python_range(version: Any) -> str:
    text = str(version).strip()
    if re.match(r"^[<>=!~]", text):
        return text
    return f"=={text}" if text.count(".") >= 2 else f"=={text}.*"


def _value(value: Any) -> str | None:
    if value is None:
        return None
    return str(value)


def deployments_of(raw: Any, name: str) -> list[dict[str, Any]]:
    """One deployment an interpreter; `name` is the module that the contract speaks of."""
    found: list[dict[str, Any]] = []
    for deployment in as_list(raw, "deployments"):
        for system in as_list(deployment.get("systems"), "deployments.systems"):
            environment = as_mapping(system.get("environment"), "deployments.systems.environment")
            variables = as_list(environment.get("variables"), "deployments.systems.environment.variables")
            shared: dict[str, Any] = {"architecture": str(deployment["arch"]), "os": str(system["os"])}
            if variables:
                shared["environment"] = {
                    name_of(part, "environment"): _value(part.get("value")) for part in variables
                }
            if environment.get("secrets"):
                shared["secrets"] = [str(secret) for secret in environment["secrets"]]
            for python in as_list(system.get("pythons"), "deployments.systems.pythons") or [{}]:
                runtime = dict(shared)
                if python.get("version"):
                    runtime["python"] = _python_range(python["version"])
                if python.get("interpreter"):
                    runtime["implementation"] = str(python["interpreter"])
                modules: dict[str, Any] = {}
                for part in as_list(python.get("modules"), "deployments.systems.pythons.modules"):
                    stem = Path(str(part["filename"])).stem if part.get("filename") else name
                    modules[name if stem == name.rsplit(".", 1)[-1] else stem] = structure_of(part, "modules")
                found.append({"runtime": runtime, **({"structure": {"modules": modules}} if modules else {})})
    return found
