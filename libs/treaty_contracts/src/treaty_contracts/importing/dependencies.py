"""ImportSpy 0.5's rules about distributions and imports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from treaty_contracts.importing.reading import as_mapping

__all__ = ["dependencies_of"]


def _import_names(distribution: str) -> list[str]:
    wanted = re.sub(r"[-_.]+", "-", distribution).lower()
    return sorted(
        name
        for name, owners in metadata.packages_distributions().items()
        if any(re.sub(r"[-_.]+", "-", owner).lower() == wanted for owner in owners)
    )


def dependencies_of(raw: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, str]]]:
    """(imports, packages, evidence) of 0.5's dependency rules."""
    imports: dict[str, list[str]] = {"allow": [], "deny": []}
    packages: dict[str, Any] = {}
    evidence: list[dict[str, str]] = []
    for key, stated in raw.items():
        rule = as_mapping(stated, f"dependencies.{key}")
        allowed = rule.get("allowed", True)
        if key.startswith("import:"):
            imports["allow" if allowed else "deny"].append(key.removeprefix("import:"))
            continue
        names = _import_names(key)
        imports["allow" if allowed else "deny"] += [name for name in names if name != key.replace("-", "_")]
        found = {"allowed": allowed, "required": bool(rule.get("required", False))}
        for name in ("version", "declared", "editable", "origin"):
            if rule.get(name) is not None:
                found[name] = rule[name]
        packages[key] = found
        provenance = rule.get("provenance", False)
        if provenance is True or (isinstance(provenance, dict) and provenance.get("required")):
            evidence.append({"kind": "distribution.provenance", "subject": key})
    return {key: value for key, value in imports.items() if value}, packages, evidence
