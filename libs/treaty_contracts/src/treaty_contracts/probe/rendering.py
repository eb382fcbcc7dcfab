"""In the child: values and exceptions as plain data with their types told."""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from treaty_sandbox.inside.package import NAME as ROOT

__all__ = ["MAX_DEPTH", "Renderer", "class_name", "failure", "lineage"]

MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_TEXT = 65_536


def class_name(kind: type) -> str:
    """`builtins` names stand bare; the package's own lose the synthetic root."""
    module = str(type.__getattribute__(kind, "__module__"))
    name = str(type.__getattribute__(kind, "__qualname__"))
    if module == "builtins":
        return name
    return f"{module.removeprefix(ROOT + '.')}.{name}"


def lineage(kind: type) -> list[str]:
    return [class_name(base) for base in type.__getattribute__(kind, "__mro__")]


def _overrides(kind: type, base: type) -> list[str]:
    """What a class of the package does otherwise than the built-in type it is a kind of."""
    own: set[str] = set()
    for part in type.__getattribute__(kind, "__mro__"):
        if part is base or class_name(part).startswith(("enum.", "collections.")):
            break
        own.update(name for name in vars(part) if name in dir(base))
    named = "_fields" in vars(kind) or any(class_name(part) == "enum.Enum" for part in kind.__mro__)
    return [] if named else sorted(own - _HARMLESS)


_HARMLESS = frozenset(
    [
        "__doc__",
        "__init__",
        "__new__",
        "__repr__",
        "__str__",
        "__init_subclass__",
        "__subclasshook__",
        "__class_getitem__",
        "__setattr__",
        "__delattr__",
        "__hash__",
        "__dir__",
        "__format__",
        "__module__",
        "__reduce__",
        "__getstate__",
    ]
)


class Renderer:
    """A value as plain data with its types told, bounded in depth and size."""

    def __init__(self) -> None:
        self.nodes = 0
        self.inside = 0
        self.endless = False

    def render(self, value: Any, depth: int = 0) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            self.endless |= depth > MAX_DEPTH and not self.inside and type(value) in (list, tuple, dict)
            return ["cut"]
        kind = type(value)
        if value is None:
            return ["none"]
        if kind is bool:
            return ["bool", value]
        if kind is int:
            return ["int", hex(value)]
        if kind is float:
            return ["float", value.hex()]
        if kind is str:
            return ["str", value[:MAX_TEXT].encode("utf-8", "backslashreplace").decode(), len(value)]
        if kind in (bytes, bytearray):
            return [kind.__name__, bytes(value[:MAX_TEXT]).hex(), len(value)]
        if kind in (list, tuple, set, frozenset):
            return [kind.__name__, [self.render(item, depth + 1) for item in value]]
        if kind is dict:
            return [
                "dict",
                [[self.render(k, depth + 1), self.render(v, depth + 1)] for k, v in value.items()],
            ]
        self.inside += 1
        rendered = self.other(value, kind, depth)
        self.inside -= 1
        return rendered

    def other(self, value: Any, kind: type, depth: int) -> Any:
        if kind is datetime:
            offset = value.utcoffset()
            moment = value if offset is None else value.astimezone(timezone.utc)  # noqa: UP017
            return ["datetime", moment.isoformat(), offset is not None]
        names = lineage(kind)
        if kind in (types.CoroutineType, types.GeneratorType):
            value.close()
            return ["object", names, []]
        parts: list[Any] = []
        if issubclass(kind, Mapping):
            parts = [["<items>", self.render(dict(value), depth + 1)]]
            if issubclass(kind, dict) and (others := _overrides(kind, dict)):
                parts += [["<overrides>", others]]
        elif issubclass(kind, int | float | str | bytes | list | tuple | set | frozenset):
            base = next(base for base in kind.__mro__ if base.__module__ == "builtins" and base is not kind)
            parts = [["<value>", self.render(base(value) if base is not object else None, depth + 1)]]
            if others := _overrides(kind, base):
                parts += [["<overrides>", others]]
        fields = getattr(kind, "__dataclass_fields__", None)
        if isinstance(fields, dict):
            parts += [[name, self.render(getattr(value, name, None), depth + 1)] for name in fields]
        elif "enum.Enum" in names:
            parts += [["value", self.render(value.value, depth + 1)]]
        elif "decimal.Decimal" in names or "fractions.Fraction" in names:
            parts += [["value", ["str", str(value), 0]]]
        elif isinstance(getattr(value, "__dict__", None), dict) and not callable(value):
            parts += [[str(name), self.render(part, depth + 1)] for name, part in sorted(vars(value).items())]
        return ["object", names, parts]


def failure(error: BaseException) -> dict[str, Any]:
    where: list[Any] = []
    trace = error.__traceback__
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if filename.endswith(".py") and not filename.startswith("/"):
            where = [filename, trace.tb_lineno]
        trace = trace.tb_next
    try:
        message = str(error)[:500].encode("utf-8", "backslashreplace").decode()
    except Exception:
        message = ""
    return {"error": lineage(type(error)), "message": message, "at": where}
