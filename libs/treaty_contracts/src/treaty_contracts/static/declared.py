"""What the source says of promised functions without running it: their calls, and what they return."""

from __future__ import annotations

import ast
from typing import Any

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.model.structure import ClassPromise, FunctionPromise, ModulePromise
from treaty_contracts.signatures.compare import Comparison
from treaty_contracts.signatures.standing import stands_for
from treaty_contracts.signatures.types import Form, form_of, parse_type, shown_type, unknown_names
from treaty_contracts.static.attributes import inferred, rendered
from treaty_contracts.static.functions import returns_of
from treaty_contracts.static.modules import Module, Package
from treaty_contracts.static.promised import definition_of

__all__ = ["judge_returns", "judge_signatures"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _parameters(given: ast.arguments) -> list[dict[str, Any]]:
    ordered = [(part, "positional_only") for part in given.posonlyargs]
    ordered += [(part, "positional_or_keyword") for part in given.args]
    defaults: list[ast.expr | None] = [None] * (len(ordered) - len(given.defaults))
    rows: list[tuple[ast.arg, str, ast.expr | None]] = [
        (part, kind, value) for (part, kind), value in zip(ordered, [*defaults, *given.defaults], strict=True)
    ]
    rows += [(given.vararg, "var_positional", None)] if given.vararg else []
    rows += [
        (part, "keyword_only", value) for part, value in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    rows += [(given.kwarg, "var_keyword", None)] if given.kwarg else []
    return [
        {
            "name": part.arg,
            "kind": kind,
            "default": None if value is None else rendered(value) or ["object", ["object"], []],
            "annotation": ["any"] if part.annotation is None else _known(form_of(part.annotation)),
        }
        for part, kind, value in rows
    ]


def _known(form: Form) -> Form:
    """The form where nothing in it hangs on names that only running resolves."""
    return ["any"] if unknown_names(form) else form


def _yields(node: _Function) -> bool:
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(part)
    return False


def _facts(node: _Function) -> dict[str, Any]:
    return {
        "callable": True,
        "parameters": _parameters(node.args),
        "returns": ["any"] if node.returns is None else _known(form_of(node.returns)),
        "asynchronous": isinstance(node, ast.AsyncFunctionDef),
        "generator": _yields(node),
        "binding": "instance",
    }


def _plain(node: ast.AST | None) -> _Function | None:
    """A function that nothing stands in front of."""
    plain = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.decorator_list
    return node if plain and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else None


def _promises(
    package: Package, promises: dict[str, list[tuple[str, ModulePromise]]]
) -> list[tuple[str, FunctionPromise, str, _Function, Module, bool]]:
    """(name, promise, path, definition, module, whether a method) of what is defined plainly."""
    found: list[tuple[str, FunctionPromise, str, _Function, Module, bool]] = []
    for module, given in promises.items():
        for path, promise in given:
            for name, function in promise.functions.items():
                held = definition_of(package, module, name)
                if held is not None and (node := _plain(held.node)) is not None:
                    found.append((name, function, f"{path}.functions.{name}", node, held.module, False))
            for name, kind in promise.classes.items():
                held = definition_of(package, module, name)
                if held is not None and isinstance(held.node, ast.ClassDef):
                    found += _methods(name, kind, f"{path}.classes.{name}", held.node, held.module)
    return found


def _methods(
    name: str, kind: ClassPromise, path: str, node: ast.ClassDef, module: Module
) -> list[tuple[str, FunctionPromise, str, _Function, Module, bool]]:
    defined = {
        part.name: part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return [
        (f"{name}.{method}", function, f"{path}.methods.{method}", held, module, True)
        for method, function in kind.methods.items()
        if (held := _plain(defined.get(method))) is not None
    ]


def judge_signatures(package: Package, promises: dict[str, list[tuple[str, ModulePromise]]]) -> list[Finding]:
    """What the probe would say of plain definitions, for packages whose source is not run."""
    comparison = Comparison({})
    for name, promise, path, node, module, method in _promises(package, promises):
        place = Place(module.path, node.lineno, node.col_offset + 1)
        comparison.function(name, promise, _facts(node), path, place, method)
    return [finding for finding in comparison.findings if finding.severity is Severity.ERROR]


def judge_returns(package: Package, promises: dict[str, list[tuple[str, ModulePromise]]]) -> list[Finding]:
    """Constants that a function returns, on whatever path, against the type it promises or states."""
    found: list[Finding] = []
    for name, promise, path, node, module, _ in _promises(package, promises):
        wanted = [form_of(node.returns)] if node.returns is not None else []
        wanted += [parse_type(promise.returns)] if promise.returns is not None else []
        known = [form for form in wanted if not unknown_names(form)]
        if not known or _yields(node):
            continue
        for value in returns_of(node):
            none = isinstance(value, ast.Constant) and value.value is None
            given: Form = ["none"] if none else inferred(value, {})
            if given is None or isinstance(value, ast.Name):
                continue
            for form in known:
                if stands_for(given, form) is False:
                    place = Place(module.path, value.lineno, value.col_offset + 1)
                    message = f"{name} returns another type than promised"
                    expected, observed = shown_type(form), shown_type(given)
                    found.append(
                        Finding("S203", Severity.ERROR, message, path, None, place, expected, observed)
                    )
                    break
    return found
