"""What an ImportSpy contract says of functions, classes and variables, as treaty/v1 promises it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from treaty_contracts.importing.reading import as_list, name_of

__all__ = ["structure_of"]


def _typed(item: Mapping[str, Any], value_key: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if item.get("annotation"):
        found["annotation"] = str(item["annotation"])
    if item.get("value") is not None:
        found[value_key] = item["value"]
    return found


def _argument(item: Any, where: str) -> dict[str, Any]:
    name = name_of(item, where)
    kinds = {"args": "var_positional", "kwargs": "var_keyword"}
    kind = {"kind": kinds[name.lstrip("*")]} if name.lstrip("*") in kinds or name.startswith("*") else {}
    return {"name": name.lstrip("*"), **kind, **_typed(item, "default")}


def _function(item: Any, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if item.get("arguments") is not None:
        arguments = as_list(item["arguments"], f"{where}.arguments")
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
    attributes = as_list(item.get("attributes"), f"{where}.attributes")
    if attributes:
        found["attributes"] = {
            name_of(part, where): {"scope": part.get("type", "class"), **_typed(part, "value")}
            for part in attributes
        }
    methods = as_list(item.get("methods"), f"{where}.methods")
    if methods:
        found["methods"] = {name_of(part, where): _function(part, where) for part in methods}
    bases = as_list(item.get("superclasses"), f"{where}.superclasses")
    if bases:
        found["superclasses"] = {
            base if isinstance(base, str) else name_of(base, where): {}
            if isinstance(base, str)
            else _class(base, where)
            for base in bases
        }
    return found


def structure_of(item: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A module's promises; `where` is the part of the contract they come from, for messages."""
    found: dict[str, Any] = {}
    if item.get("version"):
        found["version"] = str(item["version"])
    for key, single in (("functions", _function), ("classes", _class)):
        parts = as_list(item.get(key), f"{where}.{key}")
        if parts:
            found[key] = {name_of(part, f"{where}.{key}"): single(part, f"{where}.{key}") for part in parts}
    variables = as_list(item.get("variables"), f"{where}.variables")
    if variables:
        found["variables"] = {
            name_of(part, f"{where}.variables"): _typed(part, "value") for part in variables
        }
    return found
