"""ImportSpy's contracts, of 0.4 and 0.5, as treaty/v1.

Source of the form: the models of the package `importspy` 0.4.12 and 0.5.0 (SpyModel, AdmissionPolicy).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from treaty_contracts.model.yaml_source import MAX_CONTRACT_BYTES

__all__ = ["SpymodelError", "convert", "read_spymodel"]

_KEYS = {
    "filename",
    "version",
    "variables",
    "functions",
    "classes",
    "deployments",
    "schema_version",
    "policy_id",
    "runtime",
    "dependencies",
    "dependency_options",
    "evidence_requirements",
}
MAX_DEPTH = 60
_SEMVER = re.compile(r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$")


class SpymodelError(ValueError):
    """The file is no ImportSpy contract; the message says where."""


def _bounded(content: bytes) -> None:
    """Refuse what would grow or nest without end when it is read."""
    if len(content) > MAX_CONTRACT_BYTES:
        raise SpymodelError(f"longer than {MAX_CONTRACT_BYTES} bytes")
    depth = 0
    try:
        for event in yaml.parse(content, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise SpymodelError("anchors and aliases are not allowed")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise SpymodelError(f"nested deeper than {MAX_DEPTH} levels")
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpymodelError(f"not YAML: {error}") from None


def read_spymodel(content: bytes) -> dict[str, Any]:
    """The document as plain values. Raises SpymodelError."""
    _bounded(content)
    try:
        document = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpymodelError(f"not YAML: {error}") from None
    if not isinstance(document, dict):
        raise SpymodelError("expected a mapping of keys to values")
    if unknown := sorted(str(key) for key in set(document) - _KEYS):
        raise SpymodelError(f"no such key: {unknown[0]}")
    return document


def _list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise SpymodelError(f"{where}: expected a list")
    return value


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SpymodelError(f"{where}: expected a mapping")
    return value


def _name(item: Any, where: str) -> str:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        raise SpymodelError(f"{where}: expected a mapping with a name")
    return str(item["name"])


def _typed(item: Mapping[str, Any], value_key: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if item.get("annotation"):
        found["annotation"] = str(item["annotation"])
    if item.get("value") is not None:
        found[value_key] = item["value"]
    return found


def _argument(item: Any, where: str) -> dict[str, Any]:
    name = _name(item, where)
    kinds = {"args": "var_positional", "kwargs": "var_keyword"}
    kind = {"kind": kinds[name.lstrip("*")]} if name.lstrip("*") in kinds or name.startswith("*") else {}
    return {"name": name.lstrip("*"), **kind, **_typed(item, "default")}


def _function(item: Any, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if item.get("arguments") is not None:
        arguments = _list(item["arguments"], f"{where}.arguments")
        found["arguments"] = [_argument(part, f"{where}.arguments") for part in arguments]
    if item.get("return_annotation"):
        found |= _returned(str(item["return_annotation"]))
    return found


def _returned(annotation: str) -> dict[str, Any]:
    """What a function gives; an awaitable is what an asynchronous function gives when it is called."""
    try:
        node = ast.parse(annotation.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {"returns": annotation}
    if isinstance(node, ast.Subscript):
        name = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name in {"Awaitable", "Coroutine"} and parts:
            return {"asynchronous": True, "returns": ast.unparse(parts[-1])}
    return {"returns": annotation}


def _class(item: Any, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    attributes = _list(item.get("attributes"), f"{where}.attributes")
    if attributes:
        found["attributes"] = {
            _name(part, where): {"scope": part.get("type", "class"), **_typed(part, "value")}
            for part in attributes
        }
    methods = _list(item.get("methods"), f"{where}.methods")
    if methods:
        found["methods"] = {_name(part, where): _function(part, where) for part in methods}
    bases = _list(item.get("superclasses"), f"{where}.superclasses")
    if bases:
        found["superclasses"] = {
            base if isinstance(base, str) else _name(base, where): {}
            if isinstance(base, str)
            else _class(base, where)
            for base in bases
        }
    return found


def _module(item: Mapping[str, Any], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if item.get("version"):
        found["version"] = str(item["version"])
    for key, single in (("functions", _function), ("classes", _class)):
        parts = _list(item.get(key), f"{where}.{key}")
        if parts:
            found[key] = {_name(part, f"{where}.{key}"): single(part, f"{where}.{key}") for part in parts}
    variables = _list(item.get("variables"), f"{where}.variables")
    if variables:
        found["variables"] = {_name(part, f"{where}.variables"): _typed(part, "value") for part in variables}
    return found


def _python_range(version: Any) -> str:
    text = str(version).strip()
    if re.match(r"^[<>=!~]", text):
        return text
    return f"=={text}" if text.count(".") >= 2 else f"=={text}.*"


def _value(value: Any) -> str | None:
    if value is None:
        return None
    return str(value)


def _deployments(raw: Any, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for deployment in _list(raw, "deployments"):
        for system in _list(deployment.get("systems"), "deployments.systems"):
            environment = _mapping(system.get("environment"), "deployments.systems.environment")
            variables = _list(environment.get("variables"), "deployments.systems.environment.variables")
            shared: dict[str, Any] = {"architecture": str(deployment["arch"]), "os": str(system["os"])}
            if variables:
                shared["environment"] = {
                    _name(part, "environment"): _value(part.get("value")) for part in variables
                }
            if environment.get("secrets"):
                shared["secrets"] = [str(secret) for secret in environment["secrets"]]
            for python in _list(system.get("pythons"), "deployments.systems.pythons") or [{}]:
                runtime = dict(shared)
                if python.get("version"):
                    runtime["python"] = _python_range(python["version"])
                if python.get("interpreter"):
                    runtime["implementation"] = str(python["interpreter"])
                modules: dict[str, Any] = {}
                for part in _list(python.get("modules"), "deployments.systems.pythons.modules"):
                    stem = Path(str(part["filename"])).stem if part.get("filename") else name
                    modules[name if stem == name.rsplit(".", 1)[-1] else stem] = _module(part, "modules")
                found.append({"runtime": runtime, **({"structure": {"modules": modules}} if modules else {})})
    return found


def _import_names(distribution: str) -> list[str]:
    wanted = re.sub(r"[-_.]+", "-", distribution).lower()
    return sorted(
        name
        for name, owners in metadata.packages_distributions().items()
        if any(re.sub(r"[-_.]+", "-", owner).lower() == wanted for owner in owners)
    )


def _dependencies(raw: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, str]]]:
    """(imports, packages, evidence) of 0.5's dependency rules."""
    imports: dict[str, list[str]] = {"allow": [], "deny": []}
    packages: dict[str, Any] = {}
    evidence: list[dict[str, str]] = []
    for key, stated in raw.items():
        rule = _mapping(stated, f"dependencies.{key}")
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


def _defined(path: Path) -> set[str]:
    """The names a file binds at its top, as far as it can be read."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return set()
    return {
        str(getattr(node, "name", None) or getattr(node, "id", ""))
        for statement in tree.body
        for node in ast.walk(statement)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Name)
    }


def _likely(document: Mapping[str, Any], source: Path, folder: Path) -> str:
    """The file of the folder that binds most of the promised names; one called plugin.py before others."""
    parts = [part for key in ("functions", "classes", "variables") for part in document.get(key) or []]
    wanted = {str(part.get("name")) for part in parts if isinstance(part, dict)}
    stem = source.name.split(".", 1)[0]
    files = sorted(
        folder.glob("*.py"),
        key=lambda path: (-len(wanted & _defined(path)), path.stem not in {stem, "plugin"}, path.name),
    )
    return files[0].name if files else f"{stem}.py"


def _module_name(document: Mapping[str, Any], source: Path, folder: Path) -> str:
    """The dotted module a contract speaks of: its filename, found in the package folder."""
    filename = document.get("filename")
    if filename is None:
        for deployment in document.get("deployments") or []:
            for system in deployment.get("systems") or []:
                for python in system.get("pythons") or []:
                    filename = next(
                        (part["filename"] for part in python.get("modules") or [] if part.get("filename")),
                        filename,
                    )
    if filename is None:
        filename = _likely(document, source, folder)
    name = Path(str(filename))
    if not (folder / name).is_file():
        found = sorted(folder.rglob(name.name), key=lambda path: (len(path.parts), path.as_posix()))
        if found:
            name = found[0].relative_to(folder)
        elif (folder / name.stem / "__init__.py").is_file():
            return name.stem
    parts = [part for part in name.with_suffix("").parts if part not in {".", "/"}]
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


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
        module = _module_name(document, source, folder)
        version = str(document.get("version") or "")
        contract: dict[str, Any] = {
            "contract": "treaty/v1",
            "plugin": _slug(str(document.get("policy_id") or module.rsplit(".", 1)[-1])),
            "version": version if _SEMVER.match(version) else "0.0.0",
            "description": "Imported from an ImportSpy contract.",
            "structure": {"modules": {module: _module(document, "contract")}},
        }
        deployments = _deployments(document.get("deployments"), module)
        if deployments:
            contract["deployments"] = deployments
        runtime = _mapping(document.get("runtime"), "runtime")
        contract["runtime"] = {key: value for key, value in runtime.items() if value}
        imports, packages, evidence = _dependencies(_mapping(document.get("dependencies"), "dependencies"))
        evidence += [
            {"kind": str(part["kind"]), "subject": str(part["subject"])}
            for part in _list(document.get("evidence_requirements"), "evidence_requirements")
        ]
        for key, section in (("imports", imports), ("packages", packages), ("evidence", evidence)):
            if section:
                contract[key] = section
        if not contract["runtime"]:
            del contract["runtime"]
    except (KeyError, AttributeError, TypeError) as error:
        raise SpymodelError(f"not of ImportSpy's form: {error}") from None
    return contract
