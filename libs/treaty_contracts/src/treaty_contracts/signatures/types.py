"""Types as plain data, and whether one may stand where another is promised.

A form is one of: None (nothing stated), ["any"], ["none"], ["union", forms], ["class", lineage, arguments],
["literal", text, type name], ["text", name] (a name nothing is known of). The confined child describes
live annotations in the same forms.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Form", "form_of", "parse_type", "shown_type", "stands_for", "unknown_names"]

Form = Any

_BUILTINS: dict[str, list[str]] = {
    name: [name, *bases, "object"]
    for name, bases in {
        "int": [],
        "float": [],
        "complex": [],
        "bool": ["int"],
        "str": [],
        "bytes": [],
        "bytearray": [],
        "memoryview": [],
        "list": [],
        "tuple": [],
        "dict": [],
        "set": [],
        "frozenset": [],
        "type": [],
        "range": [],
        "slice": [],
        "Exception": ["BaseException"],
        "ValueError": ["Exception", "BaseException"],
    }.items()
} | {"object": ["object"]}

_CANONICAL = {
    "List": "list",
    "Dict": "dict",
    "Tuple": "tuple",
    "Set": "set",
    "FrozenSet": "frozenset",
    "Type": "type",
    "Text": "str",
    "DefaultDict": "collections.defaultdict",
    "OrderedDict": "collections.OrderedDict",
    "Counter": "collections.Counter",
    "Deque": "collections.deque",
} | {
    name: f"collections.abc.{name}"
    for name in (
        "Mapping",
        "MutableMapping",
        "Sequence",
        "MutableSequence",
        "Iterable",
        "Iterator",
        "Collection",
        "Container",
        "Callable",
        "Generator",
        "AsyncIterator",
        "AsyncIterable",
        "AsyncGenerator",
        "Awaitable",
        "Coroutine",
        "Hashable",
        "Sized",
        "Reversible",
        "MutableSet",
        "ByteString",
        "Buffer",
        "KeysView",
        "ItemsView",
        "ValuesView",
    )
}

_ABC = "collections.abc."
_VIRTUAL: dict[str, tuple[str, ...]] = {
    "dict": ("MutableMapping", "Mapping", "Collection", "Iterable", "Sized", "Container", "Reversible"),
    "list": ("MutableSequence", "Sequence", "Collection", "Iterable", "Sized", "Container", "Reversible"),
    "tuple": ("Sequence", "Collection", "Iterable", "Sized", "Container", "Hashable", "Reversible"),
    "str": ("Sequence", "Collection", "Iterable", "Sized", "Container", "Hashable", "Reversible"),
    "bytes": ("Sequence", "ByteString", "Buffer", "Collection", "Iterable", "Sized", "Container", "Hashable"),
    "bytearray": ("MutableSequence", "Sequence", "ByteString", "Buffer", "Collection", "Iterable", "Sized"),
    "memoryview": ("Sequence", "Buffer", "Collection", "Iterable", "Sized"),
    "set": ("MutableSet", "Set", "Collection", "Iterable", "Sized", "Container"),
    "frozenset": ("Set", "Collection", "Iterable", "Sized", "Container", "Hashable"),
    "range": ("Sequence", "Collection", "Iterable", "Sized"),
    _ABC + "Mapping": ("Collection", "Iterable", "Sized", "Container"),
    _ABC + "MutableMapping": ("Mapping", "Collection", "Iterable", "Sized", "Container"),
    _ABC + "Sequence": ("Collection", "Iterable", "Sized", "Container", "Reversible"),
    _ABC + "MutableSequence": ("Sequence", "Collection", "Iterable", "Sized", "Container", "Reversible"),
    _ABC + "Collection": ("Iterable", "Sized", "Container"),
    _ABC + "Iterator": ("Iterable",),
    _ABC + "Generator": ("Iterator", "Iterable"),
    _ABC + "AsyncGenerator": ("AsyncIterator", "AsyncIterable"),
    _ABC + "Coroutine": ("Awaitable",),
}
_NUMBERS = {
    "int": ("Number", "Complex", "Real", "Rational", "Integral"),
    "float": ("Number", "Complex", "Real"),
    "bool": ("Number", "Complex", "Real", "Rational", "Integral"),
    "complex": ("Number", "Complex"),
}
_TOWER = {"bool": ("int", "float", "complex"), "int": ("float", "complex"), "float": ("complex",)}


def _class(name: str, arguments: list[Form]) -> Form:
    return ["class", _BUILTINS.get(name, [name, "object"]), arguments]


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
    if bare in _BUILTINS:
        return _class(bare, [])
    if bare in _CANONICAL:
        return _class(_CANONICAL[bare], [])
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


def parse_type(text: str, resolve: Callable[[str], Form] | None = None) -> Form:
    """The form of an annotation written as text."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return ["text", text]
    return form_of(node, resolve)


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


def _ancestors(lineage: list[str]) -> set[str]:
    names = set(lineage)
    for name in lineage:
        names.update(_ABC + base for base in _VIRTUAL.get(name, ()))
        names.update(_TOWER.get(name, ()))
        names.update("numbers." + base for base in _NUMBERS.get(name, ()))
    return names


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def _combine(verdicts: list[bool | None]) -> bool | None:
    if any(verdict is False for verdict in verdicts):
        return False
    return None if any(verdict is None for verdict in verdicts) else True


def stands_for(given: Form, wanted: Form) -> bool | None:
    """Whether `given` may stand where `wanted` is promised; None where nothing can be said of it."""
    if wanted is None or wanted == ["any"]:
        return True
    if given is None or given == ["any"]:
        return None
    if wanted[0] == "class" and wanted[1][0] == "object":
        return True
    if given[0] == "union":
        return _combine([stands_for(part, wanted) for part in given[1]])
    if wanted[0] == "union":
        verdicts = [stands_for(given, part) for part in wanted[1]]
        if any(verdict is True for verdict in verdicts):
            return True
        return None if any(verdict is None for verdict in verdicts) else False
    if given[0] == "none" or wanted[0] == "none":
        return given[0] == wanted[0] if "text" not in (given[0], wanted[0]) else False
    if given[0] == "literal":
        if wanted[0] == "literal":
            return bool(given[1:] == wanted[1:])
        return stands_for(_class(given[2], []), wanted)
    if wanted[0] == "literal":
        return False
    if given[0] == "text" and wanted[0] == "text":
        return _last(given[1]) == _last(wanted[1])
    if wanted[0] == "text":
        return any(_last(name) == _last(wanted[1]) for name in _ancestors(given[1]))
    if given[0] == "text":
        return True if _last(given[1]) == _last(wanted[1][0]) else None
    if not _named(given[1], wanted[1][0]):
        return None if _is_abstract(wanted[1]) and given[1][0] not in _BUILTINS else False
    if not wanted[2] or not given[2]:
        return True
    if (
        given[1][0] == "tuple"
        and len(given[2]) != len(wanted[2])
        and 1 not in (len(given[2]), len(wanted[2]))
    ):
        return False
    return _combine([stands_for(left, right) for left, right in zip(given[2], wanted[2], strict=False)])


def _is_abstract(lineage: list[str]) -> bool:
    """Whether a class may have others stand for it that do not inherit from it."""
    return lineage[0].startswith((_ABC, "numbers.", "typing.")) or bool(
        {"typing.Protocol", "abc.ABC"} & set(lineage)
    )


def _named(lineage: list[str], wanted: str) -> bool:
    known = _ancestors(lineage)
    if wanted in known:
        return True
    if wanted in _BUILTINS or wanted.startswith((_ABC, "numbers.")):
        return False
    return any(_last(name) == _last(wanted) for name in lineage if name not in _BUILTINS)


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
