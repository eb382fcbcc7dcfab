"""Whether every call a promise allows binds to a definition, as Python itself binds calls."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Literal

__all__ = ["Parameter", "refused_call"]

Kind = Literal["positional_only", "positional_or_keyword", "var_positional", "keyword_only", "var_keyword"]

_KINDS = {kind.name.lower(): kind for kind in inspect._ParameterKind}
_EXTRA = "anything_else"


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    kind: Kind = "positional_or_keyword"
    optional: bool = False


def _signature(parameters: list[Parameter]) -> inspect.Signature:
    return inspect.Signature(
        [
            inspect.Parameter(
                parameter.name,
                _KINDS[parameter.kind],
                default=None if parameter.optional else inspect.Parameter.empty,
            )
            for parameter in parameters
        ]
    )


def _shapes(promise: list[Parameter]) -> list[tuple[int, list[str]]]:
    """Calls (positional count, keywords) that decide the question for every call the promise allows.

    For each count of positional arguments, the fewest keywords show what a definition misses and the
    most show what it does not take; every call between binds when these two do.
    """
    positional = [part for part in promise if part.kind in {"positional_only", "positional_or_keyword"}]
    keyword_only = [part for part in promise if part.kind == "keyword_only"]
    most = len(positional) + (2 if any(part.kind == "var_positional" for part in promise) else 0)
    extra = [_EXTRA] if any(part.kind == "var_keyword" for part in promise) else []
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
    """A call the promise allows and the definition refuses, as text with Python's reason; None if there is none."""
    signature = _signature(definition)
    names = [part.name for part in promise if part.kind in {"positional_only", "positional_or_keyword"}]
    for count, keywords in _shapes(promise):
        try:
            signature.bind(*([None] * count), **dict.fromkeys(keywords))
        except TypeError as error:
            shown = [*(names + ["…", "…"])[:count], *(f"{name}=…" for name in keywords)]
            return f"({', '.join(shown)}): {error}"
    return None
