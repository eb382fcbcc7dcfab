"""Types as plain data.

A form is one of: None (nothing stated), ["any"], ["none"], ["union", forms], ["class", lineage, arguments],
["literal", text, type name], ["text", name] (a name nothing is known of). The confined child describes
live annotations in the same forms.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from treaty_contracts.signatures.lineage import BUILTINS, CANONICAL, lineage_of

__all__ = [
    "MAX_TYPE_TEXT",
    "Form",
    "form_of",
    "parse_expression",
    "parse_type",
    "shown_type",
    "substitute",
    "unknown_names",
]

Form = Any
MAX_TYPE_TEXT = 1_000
"""Characters: as long as a type gets, and short enough for every walk of what is read of it."""


def _name_form(dotted: str, resolve: Callable[[str], Form] | None) -> Form:
    bare = dotted.removeprefix("typing.").removeprefix("typing_extensions.").removeprefix("builtins.")
    bare = bare.removeprefix("collections.abc.")
    if bare in {"None", "NoneType"}:
        return ["none"]
    if bare in {"Any", "Optional", "Union"}:
        return ["any"]
    if bare in {"NoReturn", "Never"}:
        return ["union", []]
    if resolve is not None and (known := resolve(dotted)) is not None:
        return known
    if bare in BUILTINS:
        return ["class", lineage_of(bare), []]
    if bare in CANONICAL:
        return ["class", lineage_of(CANONICAL[bare]), []]
    return ["text", dotted]


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := _dotted(node.value)) is not None:
        return f"{base}.{node.attr}"
    return None


def _subscript(node: ast.Subscript, resolve: Callable[[str], Form] | None) -> Form:
    dotted = _dotted(node.value) or ""
    name = dotted.rsplit(".", 1)[-1]
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Optional":
        return ["union", [form_of(parts[0], resolve), ["none"]]]
    if name == "Union":
        return ["union", [form_of(part, resolve) for part in parts]]
    if name in {"Annotated", "ClassVar", "Final", "Required", "NotRequired", "ReadOnly"}:
        return form_of(parts[0], resolve)
    if name == "Literal":
        values = [part.value for part in parts if isinstance(part, ast.Constant)]
        return ["union", [["literal", repr(value), type(value).__name__] for value in values]]
    base = form_of(node.value, resolve)
    if not (isinstance(base, list) and base[0] == "class"):
        return base
    if base[1][0].endswith("Callable"):
        return base
    kept = [part for part in parts if not (isinstance(part, ast.Constant) and part.value is ...)]
    return ["class", base[1], [form_of(part, resolve) for part in kept]]


def form_of(node: ast.expr | None, resolve: Callable[[str], Form] | None = None) -> Form:
    """The form of an annotation's expression; `resolve` maps names the builtins don't know."""
    if node is None:
        return None
    if isinstance(node, ast.Constant):
        if node.value is None:
            return ["none"]
        return parse_type(node.value, resolve) if isinstance(node.value, str) else ["any"]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return ["union", [form_of(node.left, resolve), form_of(node.right, resolve)]]
    if isinstance(node, ast.Subscript):
        return _subscript(node, resolve)
    dotted = _dotted(node)
    return _name_form(dotted, resolve) if dotted is not None else ["text", ast.unparse(node)]


def parse_expression(text: str) -> ast.expr | None:
    """The expression a text holds; None where it holds none, or is longer than any type."""
    if len(text) > MAX_TYPE_TEXT:
        return None
    try:
        return ast.parse(text.strip(), mode="eval", feature_version=(3, 11)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def parse_type(text: str, resolve: Callable[[str], Form] | None = None) -> Form:
    """The form of an annotation written as text."""
    node = parse_expression(text)
    return form_of(node, resolve) if node is not None else ["text", text]


def unknown_names(form: Form) -> set[str]:
    """The names in a form that nothing is known of."""
    match form:
        case ["text", str(name)]:
            return {name}
        case ["union", parts] | ["class", _, parts]:
            return {name for part in parts for name in unknown_names(part)}
    return set()


def substitute(form: Form, known: Mapping[str, Form]) -> Form:
    """The form with what became known of its names."""
    match form:
        case ["text", str(name)]:
            return known.get(name) or form
        case ["union", parts]:
            return ["union", [substitute(part, known) for part in parts]]
        case ["class", lineage, parts]:
            return ["class", lineage, [substitute(part, known) for part in parts]]
    return form


def shown_type(form: Form) -> str:
    """A form as a person writes it."""
    match form:
        case None:
            return "no annotation"
        case ["any"]:
            return "Any"
        case ["none"]:
            return "None"
        case ["union", parts]:
            return " | ".join(shown_type(part) for part in parts) or "Never"
        case ["literal", text, _]:
            return f"Literal[{text}]"
        case ["text", name]:
            return str(name)
        case ["class", lineage, []]:
            return str(lineage[0])
        case ["class", lineage, parts]:
            return f"{lineage[0]}[{', '.join(shown_type(part) for part in parts)}]"
    return "an unknown type"
