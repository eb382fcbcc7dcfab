"""Reading what the child rendered: never trusted, so every shape is checked before it is used."""

from __future__ import annotations

from datetime import datetime
from typing import Any

__all__ = ["UnreadableError", "error_names", "overridden", "own_kind", "plain", "shown", "type_names"]


_LIBRARY = ("collections.", "types.", "enum.")


class UnreadableError(ValueError):
    """The rendered value is not of the form the probe writes, or was cut for its size."""


def type_names(rendered: Any) -> list[str]:
    """The value's type and its ancestors, most special first."""
    match rendered:
        case ["none"]:
            return ["NoneType", "object"]
        case ["bool", _]:
            return ["bool", "int", "object"]
        case ["datetime", *_]:
            return ["datetime.datetime", "datetime.date", "object"]
        case ["object", [*names], *_]:
            return [str(name) for name in names]
        case [str(kind), *_]:
            return [kind, "object"]
    raise UnreadableError("no rendered value")


def own_kind(rendered: Any) -> bool:
    """Whether a mapping or another container is of a class that neither Python nor its library defines."""
    match rendered:
        case ["object", [str(name), *_], [["<items>" | "<value>", _], *_]]:
            return "." in name and not name.startswith(_LIBRARY)
    return False


def overridden(rendered: Any) -> list[str]:
    """What a package's own kind of built-in value does otherwise than the built-in one."""
    match rendered:
        case ["object", [_, *_], [*parts]]:
            for part in parts:
                if isinstance(part, list) and part[0] == "<overrides>":
                    return [str(name) for name in part[1]]
    return []


def plain(rendered: Any) -> Any:
    """The Python value of a rendered one; raises UnreadableError for objects and cut values."""
    match rendered:
        case ["none"]:
            return None
        case ["bool", bool(value)]:
            return value
        case ["int", str(text)]:
            return int(text, 16)
        case ["float", str(text)]:
            return float.fromhex(text)
        case ["str", str(text), int(size)]:
            if size > len(text.encode()) and size > 65_536:
                raise UnreadableError("a text of more than 65536 characters")
            return text
        case ["bytes" | "bytearray", str(text), int(_)]:
            return bytes.fromhex(text)
        case ["list", [*items]]:
            return [plain(item) for item in items]
        case ["tuple", [*items]]:
            return tuple(plain(item) for item in items)
        case ["dict", [*items]]:
            return {plain(key): plain(value) for key, value in items}
        case ["datetime", str(text), bool(_)]:
            return datetime.fromisoformat(text)
        case ["object", [*_], [["<items>", inner], *_]]:
            return plain(inner)
        case ["object", [*_], [["<value>", inner], *_]]:
            return plain(inner)
        case ["cut"]:
            raise UnreadableError("a value too large or too deep")
    raise UnreadableError("no plain value")


def shown(rendered: Any, limit: int = 120) -> str:
    """A short text of a rendered value, the same on every run."""
    try:
        text = repr(plain(rendered))
    except (UnreadableError, ValueError, TypeError, OverflowError):
        try:
            text = f"<{type_names(rendered)[0]}>"
        except UnreadableError:
            text = "<unreadable>"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def error_names(reply: Any) -> list[str] | None:
    """The exception's type and ancestors, or None for a reply that holds a value."""
    if isinstance(reply, dict) and isinstance(reply.get("error"), list):
        return [str(name) for name in reply["error"]]
    return None
