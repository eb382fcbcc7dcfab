"""Promised names in the source: that each is bound once and stays what it was bound to."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.static.modules import Module, Package
from treaty_contracts.static.scopes import absolute

__all__ = ["Definition", "definition_of", "judge_bindings"]


@dataclass(frozen=True, slots=True)
class Definition:
    """Where a promised name is defined: the module it leads to and the node that binds it there."""

    module: Module
    node: ast.AST

    @property
    def place(self) -> Place:
        return Place(
            self.module.path, getattr(self.node, "lineno", None), getattr(self.node, "col_offset", 0) + 1
        )


_Arm = tuple[tuple[int, str], ...]


def _bindings(statements: list[ast.stmt], name: str, arm: _Arm = ()) -> list[tuple[_Arm, ast.stmt]]:
    """The statements of a module that bind a name, with the arms of conditions they stand in."""
    found: list[tuple[_Arm, ast.stmt]] = []
    for statement in statements:
        if isinstance(statement, ast.If):
            found += _bindings(statement.body, name, (*arm, (id(statement), "then")))
            found += _bindings(statement.orelse, name, (*arm, (id(statement), "else")))
        elif isinstance(statement, ast.Try | ast.TryStar):
            found += _bindings(statement.body, name, (*arm, (id(statement), "try")))
            for number, handler in enumerate(statement.handlers):
                found += _bindings(handler.body, name, (*arm, (id(statement), f"except {number}")))
            found += _bindings(statement.orelse, name, (*arm, (id(statement), "try")))
            found += _bindings(statement.finalbody, name, arm)
        elif isinstance(statement, ast.Match):
            for number, case in enumerate(statement.cases):
                found += _bindings(case.body, name, (*arm, (id(statement), f"case {number}")))
        elif isinstance(statement, ast.For | ast.While | ast.With):
            if any(
                isinstance(part, ast.Name) and part.id == name and not isinstance(part.ctx, ast.Load)
                for part in ast.walk(statement)
            ):
                found.append((arm, statement))
        elif _binds(statement, name):
            found.append((arm, statement))
    return found


def _binds(statement: ast.stmt, name: str) -> bool:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return statement.name == name
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return any((alias.asname or alias.name.split(".", 1)[0]) == name for alias in statement.names)
    if isinstance(statement, ast.AnnAssign) and statement.value is None:
        return False
    return any(
        isinstance(part, ast.Name) and part.id == name and not isinstance(part.ctx, ast.Load)
        for part in ast.walk(statement)
    )


def _exclusive(left: _Arm, right: _Arm) -> bool:
    arms = dict(left)
    return any(number in arms and arms[number] != arm for number, arm in right)


def _keeps(statement: ast.stmt, name: str) -> bool:
    """Whether a second binding builds on the first: a decorator by hand, an implementation of overloads."""
    if isinstance(statement, ast.Assign):
        return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(statement.value))
    return False


def _is_overload(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and any(
        (isinstance(mark, ast.Name) and mark.id == "overload")
        or (isinstance(mark, ast.Attribute) and mark.attr in {"overload", "register"})
        or (
            isinstance(mark, ast.Call)
            and isinstance(mark.func, ast.Attribute)
            and mark.func.attr == "register"
        )
        for mark in statement.decorator_list
    )


def _rebound(package: Package, module: Module, name: str, promise: str) -> list[Finding]:
    found: list[Finding] = []

    def say(message: str, node: ast.AST) -> None:
        place = Place(module.path, getattr(node, "lineno", None), getattr(node, "col_offset", 0) + 1)
        found.append(
            Finding(
                "S208",
                Severity.ERROR,
                message,
                promise,
                place=place,
                hint="bind the name once, to what the contract promises",
            )
        )

    bindings = _bindings(module.tree.body, name)
    kept: list[tuple[_Arm, ast.stmt]] = []
    for arm, statement in bindings:
        if isinstance(statement, ast.Delete):
            say(f"{name} is deleted", statement)
        elif isinstance(statement, ast.For | ast.While | ast.With):
            say(f"{name} is bound in a loop or a with statement", statement)
        elif any(not _exclusive(arm, other) for other, _ in kept) and not _keeps(statement, name):
            say(f"{name} is bound again", statement)
        if not _is_overload(statement):
            kept.append((arm, statement))
    for star in module.tree.body:
        if isinstance(star, ast.ImportFrom) and star.names[0].name == "*" and bindings:
            own, rest = package.split(absolute(star, module.package).removeprefix("."))
            source = package.module(own) if not rest else None
            if source is not None and (name in source.top.others or name in source.top.imports):
                say(f"{name} is bound again by an import of everything", star)
    for scope_node, scope in module.scopes.items():
        if scope.outer.get(name) == "global":
            say(f"{name} is rebound by a function", scope_node)
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Attribute)
            and not isinstance(node.ctx, ast.Load)
            and isinstance(node.value, ast.Name)
            and node.value.id == name
        ):
            say(f"{name}.{node.attr} is set from outside", node)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"setattr", "delattr"}
            and node.args
            and isinstance(node.args[0], ast.Name)
            and node.args[0].id == name
        ):
            say(f"{name} is changed by {node.func.id}", node)
        if isinstance(node, ast.NamedExpr) and node.target.id == name:
            say(f"{name} is bound in an expression", node)
    return found


def definition_of(package: Package, module_name: str, name: str, depth: int = 0) -> Definition | None:
    """The node that binds a name, through re-exports within the package; None where nothing binds it."""
    module = package.module(module_name)
    if module is None or depth > 20:
        return None
    bindings = _bindings(module.tree.body, name)
    own = [statement for _, statement in bindings if not isinstance(statement, ast.Import | ast.ImportFrom)]
    if own:
        return Definition(module, own[-1])
    targets = list(module.top.imports.get(name, ()))
    if not bindings:
        targets = [f"{star}.{name}" for star in module.top.stars]
    for target in sorted(targets):
        for path in sorted(package.canonical(target)):
            if path.startswith("."):
                inner, rest = package.split(path[1:])
                if rest and (found := definition_of(package, inner, rest[0], depth + 1)) is not None:
                    return found
    return Definition(module, bindings[-1][1]) if bindings else None


def judge_bindings(package: Package, promised: dict[str, dict[str, str]]) -> list[Finding]:
    """Findings for {module: {name: promise path}}: names that are missing, or bound more than once."""
    found: list[Finding] = []
    for module_name, names in promised.items():
        module = package.module(module_name)
        if module is None or module.source.tree is None:
            continue
        for name, promise in names.items():
            definition = definition_of(package, module_name, name)
            if definition is None:
                found.append(
                    Finding(
                        "S201",
                        Severity.ERROR,
                        f"{name} is missing from the module {module_name}",
                        promise,
                        place=Place(module.path),
                    )
                )
                continue
            found += _rebound(package, module, name, promise)
            if definition.module is not module and isinstance(definition.node, ast.stmt):
                inner = getattr(definition.node, "name", name)
                found += _rebound(package, definition.module, inner, promise)
    return found
