"""Attributes that a class's methods set on `self`, read from the source."""

from __future__ import annotations

import ast
from typing import Any

from treaty_contracts.signatures.types import Form, form_of
from treaty_contracts.static.modules import Package
from treaty_contracts.static.promised import definition_of

__all__ = ["inferred", "instance_attributes", "rendered"]


def rendered(node: ast.expr | None) -> Any:
    """A constant as the child would tell it; None for anything else."""
    if not isinstance(node, ast.Constant):
        return None
    match node.value:
        case None:
            return ["none"]
        case bool(value):
            return ["bool", value]
        case int(value):
            return ["int", hex(value)]
        case float(value):
            return ["float", value.hex()]
        case str(value):
            return ["str", value, len(value)]
    return None


def inferred(node: ast.expr | None, annotations: dict[str, Form]) -> Form:
    """The type of an assigned expression where it is plain to see."""
    if isinstance(node, ast.Constant) and node.value is not None:
        return form_of(ast.Name(type(node.value).__name__, ast.Load()))
    if isinstance(node, ast.Name):
        return annotations.get(node.id)
    for kinds, name in (
        ((ast.Dict, ast.DictComp), "dict"),
        ((ast.List, ast.ListComp), "list"),
        ((ast.Set, ast.SetComp), "set"),
        ((ast.Tuple,), "tuple"),
        ((ast.JoinedStr,), "str"),
    ):
        if isinstance(node, kinds):
            return form_of(ast.Name(name, ast.Load()))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        known = {
            "dict",
            "list",
            "set",
            "tuple",
            "str",
            "int",
            "float",
            "bytes",
            "bool",
            "frozenset",
            "bytearray",
        }
        return form_of(ast.Name(node.func.id, ast.Load())) if node.func.id in known else None
    return None


def _of_method(method: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, dict[str, Any]]:
    arguments = [*method.args.posonlyargs, *method.args.args]
    if not arguments:
        return {}
    own = arguments[0].arg
    annotations = {part.arg: form_of(part.annotation) for part in [*arguments, *method.args.kwonlyargs]}
    found: dict[str, dict[str, Any]] = {}
    for node in ast.walk(method):
        targets: list[ast.expr] = []
        value: ast.expr | None = None
        stated: Form = None
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign):
            targets, value, stated = [node.target], node.value, form_of(node.annotation)
        for target in targets:
            if (
                isinstance(target, ast.Attribute)
                and isinstance(target.value, ast.Name)
                and target.value.id == own
            ):
                fact: dict[str, Any] = {"annotation": stated or inferred(value, annotations)}
                if (told := rendered(value)) is not None:
                    fact["value"] = told
                found.setdefault(target.attr, fact)
    return found


def instance_attributes(
    package: Package, module: str, name: str, depth: int = 0
) -> dict[str, dict[str, Any]]:
    """{attribute: {"annotation": type, "value": rendered constant}} of a class and its bases."""
    definition = definition_of(package, module, name)
    if definition is None or not isinstance(definition.node, ast.ClassDef) or depth > 10:
        return {}
    found: dict[str, dict[str, Any]] = {}
    for base in definition.node.bases:
        if isinstance(base, ast.Name):
            found |= instance_attributes(package, definition.module.name, base.id, depth + 1)
    for statement in definition.node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            found |= _of_method(statement)
    return found
