"""Leave out what never runs: main guards, TYPE_CHECKING blocks, branches of Pythons that are not served."""

from __future__ import annotations

import ast
from typing import TypeVar

from packaging.specifiers import SpecifierSet

from treaty_contracts.static.safe_library import SAFE

__all__ = ["SUPPORTED", "prune", "served_versions"]

SUPPORTED = ((3, 11), (3, 12), (3, 13), (3, 14))
"""The Python versions a verdict speaks for."""

_Node = TypeVar("_Node", bound=ast.AST)


def served_versions(range_: str | None) -> tuple[tuple[int, int], ...]:
    """The supported versions within a PEP 440 range; all of them where none is stated."""
    if range_ is None:
        return SUPPORTED
    wanted = SpecifierSet(range_)
    return tuple(
        version
        for version in SUPPORTED
        if any(wanted.contains(f"{version[0]}.{version[1]}.{micro}") for micro in (0, 5, 9, 20))
    )


class _Imported(ast.NodeVisitor):
    """Names bound to typing.TYPE_CHECKING, sys and sys.version_info, and every name stored otherwise."""

    def __init__(self) -> None:
        self.paths: dict[str, str] = {}
        self.stored: set[str] = set()

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name in {"sys", "typing"}:
                self.paths[alias.asname or alias.name] = alias.name

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if node.level == 0 and node.module in {"sys", "typing"}:
                self.paths[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            else:
                self.stored.add(alias.asname or alias.name)

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.stored.add(node.id)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.stored.add(node.name)
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.stored.add(node.name)
        self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> None:
        self.stored.add(node.arg)


class _Pruner(ast.NodeTransformer):
    def __init__(self, tree: ast.Module, versions: tuple[tuple[int, int], ...]) -> None:
        seen = _Imported()
        seen.visit(tree)
        self.paths = {name: path for name, path in seen.paths.items() if name not in seen.stored}
        self.main_is_main = "__name__" not in seen.stored
        self.versions = versions

    def path(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            return self.paths.get(node.id)
        if isinstance(node, ast.Attribute) and (base := self.path(node.value)) is not None:
            return f"{base}.{node.attr}"
        return None

    def truth(self, test: ast.expr) -> bool | None:
        if self.path(test) == "typing.TYPE_CHECKING":
            return False
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner = self.truth(test.operand)
            return None if inner is None else not inner
        if isinstance(test, ast.BoolOp):
            parts = [self.truth(part) for part in test.values]
            stop = isinstance(test.op, ast.Or)
            if stop in parts:
                return stop
            return None if None in parts else not stop
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            return self.compare(test.left, test.ops[0], test.comparators[0])
        return None

    def compare(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> bool | None:
        sides = {ast.dump(left), ast.dump(right)}
        main = {ast.dump(ast.Name("__name__", ast.Load())), ast.dump(ast.Constant("__main__"))}
        if sides == main and isinstance(operator, ast.Eq) and self.main_is_main:
            return False
        observed = self.version(left)
        if observed is None:
            return None
        try:
            wanted = ast.literal_eval(right)
        except (ValueError, TypeError, SyntaxError):
            return None
        answers = {self.holds(version, observed, operator, wanted) for version in self.versions}
        return answers.pop() if len(answers) == 1 else None

    def version(self, node: ast.expr) -> str | None:
        if self.path(node) == "sys.version_info":
            return "whole"
        if self.path(node) in {"sys.version_info.major", "sys.version_info.minor"}:
            return (self.path(node) or "").rsplit(".", 1)[1]
        if isinstance(node, ast.Subscript) and self.path(node.value) == "sys.version_info":
            if isinstance(node.slice, ast.Constant):
                return {0: "major", 1: "minor"}.get(node.slice.value)  # type: ignore[arg-type]
            if isinstance(node.slice, ast.Slice) and node.slice.lower is None and node.slice.step is None:
                upper = node.slice.upper
                return "pair" if isinstance(upper, ast.Constant) and upper.value == 2 else None
        return None

    @staticmethod
    def holds(version: tuple[int, int], observed: str, operator: ast.cmpop, wanted: object) -> bool | None:
        value: object = {
            "whole": (*version, 9),
            "pair": version,
            "major": version[0],
            "minor": version[1],
        }[observed]
        if observed in {"whole", "pair"}:
            if (
                not isinstance(wanted, tuple)
                or len(wanted) > 2
                or not all(isinstance(part, int) for part in wanted)
            ):
                return None
        elif not isinstance(wanted, int):
            return None
        match operator:
            case ast.GtE():
                return bool(value >= wanted)  # type: ignore[operator]
            case ast.Gt():
                return bool(value > wanted)  # type: ignore[operator]
            case ast.LtE():
                return bool(value <= wanted)  # type: ignore[operator]
            case ast.Lt():
                return bool(value < wanted)  # type: ignore[operator]
            case ast.Eq():
                return value == wanted if observed != "whole" else False
            case ast.NotEq():
                return value != wanted if observed != "whole" else True
        return None

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        truth = self.truth(node.test)
        if truth is None:
            return node
        kept = node.body if truth else node.orelse
        return kept or [ast.copy_location(ast.Pass(), node)]

    def visit_Try(self, node: ast.Try) -> ast.AST:
        """A fallback for imports that never fail never runs."""
        self.generic_visit(node)
        if (
            node.handlers
            and all(_only_import_errors(part) for part in node.handlers)
            and _never_fails(node.body)
        ):
            node.handlers = []
            node.finalbody = node.finalbody or [ast.copy_location(ast.Pass(), node)]
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        truth = self.truth(node.test)
        return node if truth is None else (node.body if truth else node.orelse)


def _only_import_errors(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return all(
        isinstance(kind, ast.Name) and kind.id in {"ImportError", "ModuleNotFoundError"} for kind in kinds
    )


def _never_fails(body: list[ast.stmt]) -> bool:
    """Whether the statements are imports of the safe set."""
    for statement in body:
        if isinstance(statement, ast.Import):
            known = all(alias.name in SAFE for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.level == 0:
            known = all(alias.name in SAFE.get(statement.module or "", ()) for alias in statement.names)
        else:
            return False
        if not known:
            return False
    return True


def prune(tree: ast.Module, versions: tuple[tuple[int, int], ...]) -> ast.Module:
    """The tree without what never runs under the served versions. The given tree is changed."""
    pruned: ast.Module = _Pruner(tree, versions).visit(tree)
    return pruned
