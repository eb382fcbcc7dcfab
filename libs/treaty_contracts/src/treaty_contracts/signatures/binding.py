"""Whether every call a promise allows binds to a definition, as Python itself binds calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Parameter", "refused_call"]

Kind = Literal["positional_only", "positional_or_keyword", "var_positional", "keyword_only", "var_keyword"]

_POSITIONAL = frozenset({"positional_only", "positional_or_keyword"})
_BY_NAME = frozenset({"positional_or_keyword", "keyword_only"})
_EXTRA = "anything_else"


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    kind: Kind = "positional_or_keyword"
    optional: bool = False


def _refusal(definition: list[Parameter], count: int, keywords: list[str]) -> str | None:
    """Why Python refuses a call of `count` positional arguments and these keywords; None when it binds.

    Source: the Python language reference, 6.3.4 Calls. inspect.Signature.bind is not used: up to Python
    3.12 it refuses a keyword that has the name of a positional-only parameter where ** would take it.
    """
    kinds = {part.kind for part in definition}
    positional = [part for part in definition if part.kind in _POSITIONAL]
    if count > len(positional) and "var_positional" not in kinds:
        return "too many positional arguments"
    filled = {part.name for part in positional[:count]}
    by_name = {part.name for part in definition if part.kind in _BY_NAME}
    for name in keywords:
        if name in by_name:
            if name in filled:
                return f"multiple values for argument {name!r}"
            filled.add(name)
        elif "var_keyword" not in kinds:
            if any(part.name == name and part.kind == "positional_only" for part in definition):
                return f"the argument {name!r} cannot be given by name"
            return f"got an unexpected keyword argument {name!r}"
    for part in definition:
        if part.kind in _POSITIONAL | _BY_NAME and not part.optional and part.name not in filled:
            return f"missing a required argument: {part.name!r}"
    return None


def _shapes(promise: list[Parameter], definition: list[Parameter]) -> list[tuple[int, list[str]]]:
    """Calls (positional count, keywords) that decide the question for every call the promise allows.

    For each count of positional arguments, the fewest keywords show what a definition misses and the
    most show what it does not take; every call between binds when these two do.
    """
    positional = [part for part in promise if part.kind in _POSITIONAL]
    keyword_only = [part for part in promise if part.kind == "keyword_only"]
    kinds = {part.kind for part in promise}
    most = len(positional) + (len(definition) + 1 if "var_positional" in kinds else 0)
    own = {part.name for part in promise if part.kind in _BY_NAME}
    others = [
        part.name for part in definition if part.name not in own and part.kind in _POSITIONAL | _BY_NAME
    ]
    extra = [*others, _EXTRA] if "var_keyword" in kinds else []
    shapes: list[tuple[int, list[str]]] = []
    for count in range(most + 1):
        rest = positional[count:]
        if any(part.kind == "positional_only" and not part.optional for part in rest):
            continue
        by_name = [part for part in rest if part.kind == "positional_or_keyword"] + keyword_only
        shapes.append((count, [part.name for part in by_name if not part.optional]))
        shapes.append((count, [part.name for part in by_name] + extra))
    return shapes


def refused_call(promise: list[Parameter], definition: list[Parameter]) -> str | None:
    """A call the promise allows and the definition refuses, with Python's reason; None if there is none."""
    names = [part.name for part in promise if part.kind in _POSITIONAL]
    for count, keywords in _shapes(promise, definition):
        reason = _refusal(definition, count, keywords)
        if reason is not None:
            shown = [*[*names, *["…"] * count][:count], *(f"{name}=…" for name in keywords)]
            return f"({', '.join(shown)}): {reason}"
    return None
