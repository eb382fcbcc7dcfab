"""Whether one type may stand where another is promised."""

from __future__ import annotations

from treaty_contracts.signatures.lineage import (
    BUILTINS,
    ancestors,
    inherits,
    is_abstract,
    last_part,
    lineage_of,
)
from treaty_contracts.signatures.types import Form

__all__ = ["stands_for"]


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
        return stands_for(["class", lineage_of(given[2]), []], wanted)
    if wanted[0] == "literal":
        return False
    if given[0] == "text" and wanted[0] == "text":
        return last_part(given[1]) == last_part(wanted[1])
    if wanted[0] == "text":
        return any(last_part(name) == last_part(wanted[1]) for name in ancestors(given[1]))
    if given[0] == "text":
        return True if last_part(given[1]) == last_part(wanted[1][0]) else None
    if not inherits(given[1], wanted[1][0]):
        return None if is_abstract(wanted[1]) and given[1][0] not in BUILTINS else False
    if not wanted[2] or not given[2]:
        return True
    if (
        given[1][0] == "tuple"
        and len(given[2]) != len(wanted[2])
        and 1 not in (len(given[2]), len(wanted[2]))
    ):
        return False
    return _combine([stands_for(left, right) for left, right in zip(given[2], wanted[2], strict=False)])
