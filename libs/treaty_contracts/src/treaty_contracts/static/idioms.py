"""Two honest ways to keep something between calls: a table made on first use, and remembered results."""

from __future__ import annotations

import ast

from treaty_contracts.static.functions import FUNCTIONS

__all__ = ["is_lazy_constant", "memo_tables"]

_EMPTY = {"None", "[]", "{}", "()", "''", "0", "set()", "dict()", "list()"}


def _parameters(function: ast.AST) -> set[str]:
    if not isinstance(function, FUNCTIONS):
        return set()
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    return {part.arg for part in named if part.arg not in {"self", "cls"}}


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _asks_whether_empty(test: ast.expr, target: str) -> bool:
    """`x is None`, `not x`, `len(x) == 0`, `x == {}`, `not hasattr(...)` of the target itself."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=held):
            return ast.unparse(held) == target
        case ast.Compare(left=held, ops=[ast.Is() | ast.Eq()], comparators=[other]):
            return ast.unparse(held) in {target, f"len({target})"} and ast.unparse(other) in _EMPTY
    return False


def is_lazy_constant(function: ast.AST, above: list[ast.AST], target: ast.expr) -> bool:
    """Whether `target` is filled once, where it is empty, with what follows from no argument.

    `above` is what stands around the change, outermost first. The test must be the outermost
    condition, so that no ladder of such tests can count calls.
    """
    text = ast.unparse(target)
    outer = [part for part in above if isinstance(part, ast.If | ast.While | ast.Try | ast.Match)]
    if not outer or not isinstance(outer[0], ast.If) or not _asks_whether_empty(outer[0].test, text):
        return False
    if any(part in outer[0].orelse for part in above):
        return False
    return not _names(outer[0]) & _parameters(function)


def _key_uses(function: ast.AST, table: str) -> list[ast.expr] | None:
    """The keys by which a function uses a table; None where it uses it in another way."""
    keys: list[ast.expr] = []
    uses = 0
    for part in ast.walk(function):
        match part:
            case ast.Subscript(value=ast.Name(id=name), slice=key, ctx=ast.Load() | ast.Store()) if (
                name == table
            ):
                keys.append(key)
                uses += 1
            case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[ast.Name(id=name)]) if (
                name == table
            ):
                keys.append(key)
                uses += 1
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="get" | "setdefault"), args=[key, *_]
            ) if name == table:
                keys.append(key)
                uses += 1
            case ast.If(test=ast.Compare(left=ast.Call() as size), body=[ast.Expr(value=cut)], orelse=[]) if (
                ast.unparse(size) == f"len({table})"
                and ast.unparse(cut)
                in {f"{table}.clear()", f"{table}.popitem()", f"{table}.pop(next(iter({table})))"}
            ):
                uses += sum(isinstance(inner, ast.Name) and inner.id == table for inner in ast.walk(part))
    every = sum(isinstance(part, ast.Name) and part.id == table for part in ast.walk(function))
    return keys if keys and uses == every else None


def memo_tables(function: ast.AST) -> set[str]:
    """The tables a function only keeps its own results in, each under all the arguments it uses."""
    if not isinstance(function, ast.FunctionDef):
        return set()
    parameters = _parameters(function)
    given: dict[str, list[ast.expr]] = {}
    for part in ast.walk(function):
        if isinstance(part, ast.Assign) and len(part.targets) == 1 and isinstance(part.targets[0], ast.Name):
            given.setdefault(part.targets[0].id, []).append(part.value)
    found: set[str] = set()
    candidates = {
        part.value.id
        for part in ast.walk(function)
        if isinstance(part, ast.Subscript)
        and isinstance(part.value, ast.Name)
        and isinstance(part.ctx, ast.Store)
    }
    for table in candidates - set(given) - parameters:
        keys = _key_uses(function, table)
        if keys is None or len({ast.dump(key) for key in keys}) != 1:
            continue
        key = keys[0]
        if isinstance(key, ast.Name) and len(given.get(key.id, [])) == 1:
            key = given[key.id][0]
        parts = key.elts if isinstance(key, ast.Tuple) else [key]
        plain = {part.id for part in parts if isinstance(part, ast.Name)}
        used = {
            part.id
            for part in ast.walk(function)
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load) and part.id in parameters
        }
        if len(plain) == len(parts) and plain <= parameters and used <= plain:
            found.add(table)
    return found
