"""Which scope binds which name to what: enough to tell an import from a local of the same name."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from treaty_contracts.static.functions import FUNCTIONS

__all__ = ["Scope", "absolute", "build_scopes", "join"]

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SCOPED = (*FUNCTIONS, ast.ClassDef, *_COMPREHENSIONS)


@dataclass(slots=True)
class Scope:
    """One scope: names bound by import (with their paths) and names bound otherwise (with the nodes)."""

    kind: str
    parent: Scope | None
    imports: dict[str, set[str]] = field(default_factory=dict)
    others: dict[str, list[ast.AST]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    outer: dict[str, str] = field(default_factory=dict)
    parameters: set[str] = field(default_factory=set)

    def binds(self, name: str) -> bool:
        return (name in self.imports or name in self.others) and name not in self.outer

    def home(self, name: str) -> Scope | None:
        """The scope a use of the name in this one refers to; None for a builtin."""
        scope: Scope | None = self
        first = True
        while scope is not None:
            if scope.outer.get(name) == "global":
                scope = scope.top()
                return scope if name in scope.imports or name in scope.others else None
            if (scope.kind != "class" or first) and scope.binds(name):
                return scope
            first = first and scope.kind == "comprehension"
            scope = scope.parent
        return None

    def top(self) -> Scope:
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope


class _Binder(ast.NodeVisitor):
    """Collects the bindings of one scope, and builds the scopes inside it."""

    def __init__(self, scope: Scope, package: str, scopes: dict[ast.AST, Scope]) -> None:
        self.scope = scope
        self.package = package
        self.scopes = scopes

    def bind(self, name: str, node: ast.AST) -> None:
        target = self.scope
        if target.outer.get(name) == "global":
            target = target.top()
        target.others.setdefault(name, []).append(node)

    def inside(self, node: ast.AST, kind: str) -> _Binder:
        scope = Scope(kind, self.scope)
        self.scopes[node] = scope
        return _Binder(scope, self.package, self.scopes)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            path = alias.name if alias.asname else alias.name.split(".", 1)[0]
            self.scope.imports.setdefault(alias.asname or path, set()).add(path)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = absolute(node, self.package)
        for alias in node.names:
            if alias.name == "*":
                self.scope.stars.append(base)
            else:
                self.scope.imports.setdefault(alias.asname or alias.name, set()).add(join(base, alias.name))

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.bind(node.id, node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        scope = self.scope
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        scope.others.setdefault(node.target.id, []).append(node.target)
        self.visit(node.value)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.bind(node.name, node)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self.bind(node.name, node)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self.bind(node.name, node)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.bind(node.rest, node)
        self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        self.scope.outer.update(dict.fromkeys(node.names, "global"))

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.scope.outer.update(dict.fromkeys(node.names, "nonlocal"))

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.bind(node.name, node)
        for part in (*node.decorator_list, *([node.returns] if node.returns else [])):
            self.visit(part)
        self.function(node, node.args, node.body)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.function(node, node.args, [node.body])

    def function(
        self, node: ast.AST, arguments: ast.arguments, body: list[ast.stmt] | list[ast.expr]
    ) -> None:
        for default in (*arguments.defaults, *(part for part in arguments.kw_defaults if part is not None)):
            self.visit(default)
        inner = self.inside(node, "function")
        for argument in (
            *arguments.posonlyargs,
            *arguments.args,
            *arguments.kwonlyargs,
            *(part for part in (arguments.vararg, arguments.kwarg) if part),
        ):
            inner.scope.parameters.add(argument.arg)
            inner.scope.others.setdefault(argument.arg, []).append(argument)
        for statement in body:
            for part in ast.walk(statement):
                if isinstance(part, ast.Global):
                    inner.visit_Global(part)
        for part in body:
            inner.visit(part)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.bind(node.name, node)
        for part in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self.visit(part)
        inner = self.inside(node, "class")
        for statement in node.body:
            inner.visit(statement)

    def comprehension(self, node: ast.AST) -> None:
        inner = self.inside(node, "comprehension")
        for child in ast.iter_child_nodes(node):
            inner.visit(child)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self.comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self.comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self.comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self.comprehension(node)


def join(base: str, name: str) -> str:
    return base + name if base == "." else f"{base}.{name}"


def absolute(node: ast.ImportFrom, package: str) -> str:
    """The module an import names; the package's own begin with a dot."""
    if node.level == 0:
        return node.module or ""
    parts = package.split(".") if package else []
    kept = parts[: len(parts) - (node.level - 1)] if node.level - 1 <= len(parts) else ["<outside>"]
    return "." + ".".join([*kept, *([node.module] if node.module else [])])


def build_scopes(tree: ast.Module, package: str) -> dict[ast.AST, Scope]:
    """Every scope of a module, the module's own under its tree."""
    top = Scope("module", None)
    scopes: dict[ast.AST, Scope] = {tree: top}
    binder = _Binder(top, package, scopes)
    for statement in tree.body:
        binder.visit(statement)
    return scopes
