"""A first contract for a package that has none, from what its source and vectors say. Nothing runs."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from treaty.quantities import CATALOGUE

__all__ = ["DraftError", "draft"]

_PREFERRED = ("decoder", "plugin", "main", "codec")


class DraftError(ValueError):
    """The package gives nothing to draft from."""


def _functions(source: bytes) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise DraftError(f"not Python: {error}") from None
    return [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _entry(files: dict[str, bytes]) -> tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    modules = sorted(
        (
            path
            for path in files
            if path.endswith(".py") and "/" not in path and not path.startswith(("test_", "_"))
        ),
        key=lambda path: (
            _PREFERRED.index(path[:-3]) if path[:-3] in _PREFERRED else len(_PREFERRED),
            path,
        ),
    )
    for path in modules:
        for node in _functions(files[path]):
            if node.name == "decode":
                return path[:-3], node
    raise DraftError("no module of the folder defines a function decode")


def _vectors(files: dict[str, bytes]) -> tuple[str | None, list[dict[str, Any]]]:
    for path in sorted(files):
        if path.endswith(".json") and "vector" in path:
            try:
                document = json.loads(files[path])
            except ValueError:
                continue
            if isinstance(document, dict) and isinstance(document.get("cases"), list):
                return path, [case for case in document["cases"] if isinstance(case, dict)]
    return None, []


def _quantity(name: str) -> dict[str, str]:
    """The catalogue's quantity whose name is in the measurement's; its canonical unit."""
    words = set(name.split("_"))
    fits = [key for key in CATALOGUE if set(key.split("_")) & words]
    best = max(fits, key=lambda key: (len(set(key.split("_")) & words), -len(key)), default="temperature")
    return {"quantity": best, "unit": CATALOGUE[best].unit}


def _property(values: list[Any]) -> dict[str, Any]:
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return {"type": "boolean"}
    if kinds == {int}:
        return {"type": "integer"}
    if kinds <= {int, float}:
        return {"type": "number"}
    return {"type": "string"}


def _emits(cases: list[dict[str, Any]]) -> dict[str, Any]:
    measurements: dict[str, Any] = {}
    properties: dict[str, list[Any]] = {}
    position = False
    for case in cases:
        for reading in (case.get("expected") or {}).get("readings") or []:
            measurements.update({name: _quantity(name) for name in reading.get("measurements") or {}})
            for name, value in (reading.get("properties") or {}).items():
                properties.setdefault(name, []).append(value)
            position = position or bool(reading.get("position"))
    return {
        "measurements": dict(sorted(measurements.items())),
        "properties": {name: _property(values) for name, values in sorted(properties.items())},
        "position": position,
    }


def draft(files: dict[str, bytes], folder: str) -> dict[str, Any]:
    """A contract as plain values. Raises DraftError where there is no `decode` to promise."""
    module, node = _entry(files)
    path, cases = _vectors(files)
    slug = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-") or "plugin"
    name = slug if slug[:1].isalpha() and len(slug) > 1 else f"plugin-{slug}"
    models = sorted({case["model"] for case in cases if isinstance(case.get("model"), str)}) or [
        f"{name}/{name}"
    ]
    contract: dict[str, Any] = {
        "contract": "treaty/v1",
        "plugin": name[:60],
        "version": "0.1.0",
        "owner": "unknown",
        "licence": "Apache-2.0",
        "description": (ast.get_docstring(node) or "One line.").split("\n")[0],
        "language": "python",
        "entry": {"decode": f"{module}:decode"},
        "models": models,
        "networks": ["chirpstack", "loriot", "things_stack", "native"],
        "content_types": ["application/octet-stream"],
        "emits": _emits(cases),
        "runtime": {"python": ">=3.11"},
    }
    if path is not None:
        contract["vectors"] = path
    if "widget.json" in files:
        contract["widget"] = "widget.json"
    return contract
