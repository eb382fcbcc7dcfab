"""Functions as they are written: their arguments, defaults and results."""

from __future__ import annotations

import ast
from collections.abc import Iterator

__all__ = ["FUNCTIONS", "Function", "defaults_of", "positional", "returns_of"]

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def positional(node: ast.AST) -> list[ast.arg]:
    """The arguments that can be given by position, self among them; none of what is no function."""
    return [*node.args.posonlyargs, *node.args.args] if isinstance(node, FUNCTIONS) else []


def defaults_of(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Each argument that has a default, and the default."""
    if isinstance(node, FUNCTIONS):
        for part, value in zip(reversed(positional(node)), reversed(node.args.defaults), strict=False):
            yield part.arg, value
        for part, held in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
            if held is not None:
                yield part.arg, held


def returns_of(function: Function) -> list[ast.expr]:
    """What the function itself returns, its inner functions' returns aside."""
    if isinstance(function, ast.Lambda):
        return [function.body]
    found: list[ast.expr] = []
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.Return) and part.value is not None:
            found.append(part.value)
        if not isinstance(part, (*FUNCTIONS, ast.ClassDef)):
            waiting += ast.iter_child_nodes(part)
    return found
