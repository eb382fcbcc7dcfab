"""What the child is asked to describe: what is promised, and what promised types mention."""

from __future__ import annotations

from typing import Any

from treaty_contracts.model import Contract
from treaty_contracts.model.structure import ClassPromise, ModulePromise
from treaty_contracts.probe.entries import entries_of
from treaty_contracts.signatures.types import parse_type, unknown_names

__all__ = ["Promises", "description_wanted"]

Promises = dict[str, list[tuple[str, ModulePromise]]]
"""By module: each promise made of it, with its path in the contract."""


def _texts(promise: ModulePromise | ClassPromise) -> set[str]:
    """Every promised type, as written."""
    found: set[str] = set()
    functions = promise.functions if isinstance(promise, ModulePromise) else promise.methods
    for function in functions.values():
        found.update(part.annotation for part in function.arguments or [] if part.annotation)
        found.update([function.returns] if function.returns else [])
    variables = promise.variables if isinstance(promise, ModulePromise) else promise.attributes
    found.update(variable.annotation for variable in variables.values() if variable.annotation)
    inner: list[ClassPromise] = []
    if isinstance(promise, ModulePromise):
        inner = list(promise.classes.values())
    elif isinstance(promise.superclasses, dict):
        inner = list(promise.superclasses.values())
    for part in inner:
        found |= _texts(part)
    return found


def _class_wants(promise: ClassPromise) -> dict[str, list[str]]:
    wants = {"methods": list(promise.methods), "attributes": list(promise.attributes)}
    if isinstance(promise.superclasses, dict):
        for base in promise.superclasses.values():
            inner = _class_wants(base)
            wants = {key: wants[key] + inner[key] for key in wants}
    return wants


def description_wanted(
    contract: Contract, modules: list[str], promises: Promises
) -> dict[str, dict[str, Any]]:
    """By module: the functions, classes, variables and type names that promises mention."""
    asked: dict[str, dict[str, Any]] = {}
    for module in modules:
        functions: list[str] = [entry.name for entry in entries_of(contract) if entry.module == module]
        classes: dict[str, Any] = {}
        variables: list[str] = []
        texts: set[str] = set()
        deployed = [part.structure.modules.get(module) for part in contract.deployments]
        for promise in [*(promise for _, promise in promises[module]), *filter(None, deployed)]:
            functions += promise.functions
            variables += promise.variables
            classes |= {name: _class_wants(part) for name, part in promise.classes.items()}
            texts |= _texts(promise)
            if promise.version is not None:
                variables.append("__version__")
        names = sorted({name for text in texts for name in unknown_names(parse_type(text))})
        asked[module] = {
            "functions": functions,
            "classes": classes,
            "variables": variables,
            "names": names,
        }
    return asked
