"""ImportSpy's contracts, of 0.4 and 0.5, as treaty/v1.

Source of the form: the models of the package `importspy` 0.4.12 and 0.5.0 (SpyModel, AdmissionPolicy).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from treaty_contracts.importing.dependencies import dependencies_of
from treaty_contracts.importing.deployments import deployments_of
from treaty_contracts.importing.locating import module_name
from treaty_contracts.importing.reading import SpymodelError, as_list, as_mapping
from treaty_contracts.importing.structure import structure_of

__all__ = ["convert"]

_SEMVER = re.compile(r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$")


def _slug(text: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    slug = slug if slug[:1].isalpha() else f"plugin-{slug}".strip("-")
    return (slug if len(slug) > 1 else f"{slug}-plugin")[:60]


def convert(document: Mapping[str, Any], source: Path, folder: Path) -> dict[str, Any]:
    """A treaty/v1 contract that promises what the ImportSpy contract does.

    `source` is the contract's file, `folder` the package's: they tell which module is meant where the
    contract names none. Raises SpymodelError. What ImportSpy leaves out stays out: nothing is promised
    of names it does not list, and functions are called with made-up arguments of the promised types.
    """
    try:
        module = module_name(document, source, folder)
        version = str(document.get("version") or "")
        contract: dict[str, Any] = {
            "contract": "treaty/v1",
            "plugin": _slug(str(document.get("policy_id") or module.rsplit(".", 1)[-1])),
            "version": version if _SEMVER.match(version) else "0.0.0",
            "description": "Imported from an ImportSpy contract.",
            "structure": {"modules": {module: structure_of(document, "contract")}},
        }
        deployments = deployments_of(document.get("deployments"), module)
        if deployments:
            contract["deployments"] = deployments
        runtime = as_mapping(document.get("runtime"), "runtime")
        contract["runtime"] = {key: value for key, value in runtime.items() if value}
        imports, packages, evidence = dependencies_of(
            as_mapping(document.get("dependencies"), "dependencies")
        )
        evidence += [
            {"kind": str(part["kind"]), "subject": str(part["subject"])}
            for part in as_list(document.get("evidence_requirements"), "evidence_requirements")
        ]
        for key, section in (("imports", imports), ("packages", packages), ("evidence", evidence)):
            if section:
                contract[key] = section
        if not contract["runtime"]:
            del contract["runtime"]
    except (KeyError, AttributeError, TypeError) as error:
        raise SpymodelError(f"not of ImportSpy's form: {error}") from None
    return contract
