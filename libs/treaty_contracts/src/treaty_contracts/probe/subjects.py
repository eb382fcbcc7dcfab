"""Which promised functions and methods are to be called with made-up arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treaty_contracts.model import Contract
from treaty_contracts.model.structure import ModulePromise
from treaty_contracts.probe.entries import entries_of
from treaty_contracts.probe.library import Subject
from treaty_contracts.probe.synthesis import arguments_for

__all__ = ["subjects_of"]


def _construction(constructor: Mapping[str, Any], seed: int) -> list[Any] | None:
    """Arguments to make an object of a class with; None where they cannot be made up."""
    required = [
        (part["name"], part["kind"], False, part["annotation"])
        for part in constructor.get("parameters") or []
        if part["default"] is None and not part["kind"].startswith("var_")
    ]
    if any(kind == "keyword_only" for _, kind, _, _ in required):
        return None
    if not required:
        return []
    made = arguments_for(required, [], seed)
    return made[0][0] if made else None


def subjects_of(
    contract: Contract, module: str, path: str, promise: ModulePromise, facts: Mapping[str, Any], seed: int
) -> list[Subject]:
    """The functions and methods one promise names, its entries aside; methods with an object to call them of.

    Methods of a class that no object can be made of are left out.
    """
    entries = {(entry.module, entry.name) for entry in entries_of(contract)}
    found = [
        Subject(
            name,
            function,
            f"{path}.functions.{name}",
            (("module", module), ("target", name)),
            facts["functions"][name],
            facts["names"],
        )
        for name, function in promise.functions.items()
        if name in facts["functions"] and (module, name) not in entries
    ]
    for kind, wanted in promise.classes.items():
        held = facts["classes"].get(kind)
        if held is None or not held.get("class"):
            continue
        made = _construction(held["constructor"], seed)
        for method, function in wanted.methods.items():
            fact = held["methods"].get(method)
            if fact is None or (method.startswith("__") and method != "__call__"):
                continue
            step: tuple[tuple[str, Any], ...] = (("module", module), ("target", f"{kind}.{method}"))
            if fact["binding"] == "instance":
                if made is None:
                    continue
                step = (*step, ("construct", tuple(made)))
            found.append(
                Subject(
                    f"{kind}.{method}",
                    function,
                    f"{path}.classes.{kind}.methods.{method}",
                    step,
                    fact,
                    facts["names"],
                    method=True,
                )
            )
    return found
