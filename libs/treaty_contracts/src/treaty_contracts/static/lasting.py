"""What outlives a call: which functions run when the package is called, and which objects they share."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from treaty_contracts.static.functions import FUNCTIONS, Function, returns_of
from treaty_contracts.static.modules import Module, Package
from treaty_contracts.static.scopes import Scope, join

__all__ = ["Body", "Lasting", "is_cached", "values_by_target"]

_AT_IMPORT = {"__init_subclass__", "__set_name__", "__prepare__"}
_CACHES = {"functools.cache", "functools.lru_cache", "functools.cached_property"}
MAX_STEPS = 20_000


@dataclass(frozen=True, slots=True)
class Body:
    """A function that runs when the package is called; `kind` is the class it is a method of."""

    module: Module
    node: Function
    kind: ast.ClassDef | None = None


def values_by_target(tree: ast.AST) -> dict[ast.AST, ast.expr]:
    """What each name that an assignment binds comes from; the whole right side for one of several."""
    found: dict[ast.AST, ast.expr] = {}
    for part in ast.walk(tree):
        targets: list[ast.expr] = []
        value: ast.expr | None = None
        if isinstance(part, ast.Assign):
            targets, value = part.targets, part.value
        elif isinstance(part, ast.AnnAssign | ast.NamedExpr):
            targets, value = [part.target], part.value
        for target in targets if value is not None else []:
            found.update(
                (inner, value) for inner in ast.walk(target) if isinstance(inner, ast.Name) and value
            )
    return found


@dataclass(slots=True)
class Lasting:
    """The bodies that calls run, the scopes that stay, the classes whose objects are kept."""

    package: Package
    bodies: dict[ast.AST, Body] = field(default_factory=dict)
    scopes: set[int] = field(default_factory=set)
    shared: set[ast.AST] = field(default_factory=set)
    given: dict[ast.AST, set[str]] = field(default_factory=dict)
    _followed: set[tuple[str, str]] = field(default_factory=set)
    _seen: set[tuple[str, int]] = field(default_factory=set)
    _targets: dict[str, dict[ast.AST, ast.expr]] = field(default_factory=dict)
    _held: dict[ast.AST, list[tuple[Module, ast.AST]]] = field(default_factory=dict)
    _steps: int = 0

    def promise(self, module: Module, name: str) -> None:
        """Follow a name that callers use; objects of a promised class are kept by them."""
        for path in self.package.canonical(f".{module.name}.{name}" if module.name else f".{name}"):
            home, rest = self.package.split(path.removeprefix("."))
            held = self.package.module(home)
            if held is not None and rest:
                self.shared.update(
                    part for part in held.top.others.get(rest[0], []) if isinstance(part, ast.ClassDef)
                )
        self.follow(module, name)

    def targets(self, module: Module) -> dict[ast.AST, ast.expr]:
        if module.name not in self._targets:
            self._targets[module.name] = values_by_target(module.tree)
        return self._targets[module.name]

    def paths(self, node: ast.expr, scope: Scope) -> set[str]:
        """Where a chain of names leads by imports."""
        if isinstance(node, ast.Name):
            home = scope.home(node.id)
            found = home.imports.get(node.id, set()) if home is not None else set()
        elif isinstance(node, ast.Attribute):
            found = {join(base, node.attr) for base in self.paths(node.value, scope)}
        else:
            return set()
        return {target for path in found for target in self.package.canonical(path)}

    def bound(self, node: ast.expr, module: Module, scope: Scope) -> list[tuple[Module, Scope, ast.AST]]:
        """The nodes that bind a name, through the package's own imports."""
        if isinstance(node, ast.Name):
            home = scope.home(node.id)
            if home is not None and node.id in home.others:
                return [(module, home, part) for part in home.others[node.id]]
            if home is None:
                stars = [join(star, node.id) for star in module.top.stars]
                return [item for star in stars for item in self.defined(star)]
        return [item for path in self.paths(node, scope) for item in self.defined(path)]

    def defined(self, path: str) -> list[tuple[Module, Scope, ast.AST]]:
        """The nodes that a path of the package leads to."""
        if not path.startswith(".") and not self.package.is_own(path):
            return []
        home, rest = self.package.split(path.removeprefix("."))
        held = self.package.module(home)
        if held is None or len(rest) != 1:
            return []
        return [(held, held.top, part) for part in held.top.others.get(rest[0], [])]

    def follow(self, module: Module, name: str) -> None:
        """Everything that runs when what a module's name stands for is called."""
        if (module.name, name) not in self._followed:
            self._followed.add((module.name, name))
            self.value(ast.Name(name, ast.Load()), module, module.top)

    def value(self, node: ast.AST, module: Module, scope: Scope) -> None:
        """An expression that outlives the import: the functions in it run later."""
        self._steps += 1
        if (module.name, id(node)) in self._seen or self._steps > MAX_STEPS:
            return
        if not isinstance(node, ast.Name):
            self._seen.add((module.name, id(node)))
        if isinstance(node, ast.Lambda):
            self.live(module, node)
        elif isinstance(node, ast.Call):
            for home, result in self.values(node, module, scope):
                self.run(home, result)
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                self.value(argument, module, scope)
        elif isinstance(node, ast.Name | ast.Attribute):
            for home, result in self.values(node, module, scope):
                self.run(home, result)
            if isinstance(node, ast.Attribute):
                self.value(node.value, module, scope)
        else:
            for child in ast.iter_child_nodes(node):
                self.value(child, module, scope)

    def run(self, module: Module, node: ast.AST) -> None:
        """A function, or a class with its methods, that calls run."""
        if isinstance(node, FUNCTIONS):
            self.live(module, node)
        elif isinstance(node, ast.ClassDef) and (module.name, id(node)) not in self._seen:
            self._seen.add((module.name, id(node)))
            bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
            for base in node.bases:
                self.value(base, module, module.top)
            for part in node.body:
                if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                    if part.name not in _AT_IMPORT and "type" not in bases:
                        self.live(module, part, node)
                elif isinstance(part, ast.ClassDef):
                    self.run(module, part)
                else:
                    self.value(part, module, module.scopes[node])

    def live(self, module: Module, node: Function, kind: ast.ClassDef | None = None) -> None:
        if node in self.bodies:
            return
        self.bodies[node] = Body(module, node, kind)
        if not isinstance(node, ast.Lambda):
            self.decorated(module, node)
        self.inside(node.body, module, module.scopes[node])

    def decorated(self, module: Module, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """What decorators put in front of a function."""
        scope = module.scopes[node].parent or module.top
        for mark in node.decorator_list:
            for home, made in self.values(mark, module, scope):
                for further, result in self.returned(home, made):
                    self.run(further, result)

    def inside(self, node: ast.AST | list[ast.stmt], module: Module, scope: Scope) -> None:
        """Follow every name that a body uses."""
        waiting: list[tuple[ast.AST, Scope]] = [
            (part, scope) for part in (node if isinstance(node, list) else [node])
        ]
        while waiting:
            part, at = waiting.pop()
            if isinstance(part, ast.Name | ast.Attribute) and isinstance(part.ctx, ast.Load):
                for home, where, held in self.bound(part, module, at):
                    if where.kind == "module" or id(where) in self.scopes:
                        self.binding(held, home, where)
            at = module.scopes.get(part, at)
            waiting += [(child, at) for child in ast.iter_child_nodes(part)]

    def binding(self, held: ast.AST, module: Module, scope: Scope) -> None:
        if isinstance(held, (*FUNCTIONS, ast.ClassDef)):
            self.run(module, held)
        elif (value := self.targets(module).get(held)) is not None:
            self.value(value, module, scope)

    def values(self, node: ast.AST, module: Module, scope: Scope) -> list[tuple[Module, ast.AST]]:
        """The functions and classes an expression can stand for."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            return []
        if isinstance(node, ast.Lambda):
            return [(module, node)]
        if isinstance(node, ast.Call):
            called = self.values(node.func, module, scope)
            found = [item for home, part in called for item in self.returned(home, part)]
            if not called:
                self.partially(node, module, scope)
                found = [item for argument in node.args for item in self.values(argument, module, scope)]
            return found
        if not isinstance(node, ast.Name | ast.Attribute):
            return []
        found = []
        for home, where, held in self.bound(node, module, scope):
            value = self.targets(home).get(held)
            if isinstance(held, (*FUNCTIONS, ast.ClassDef)):
                found.append((home, held))
            elif value is not None:
                found += self.held(held, value, home, where)
        return found

    def partially(self, node: ast.Call, module: Module, scope: Scope) -> None:
        """The arguments that functools.partial gives to every call."""
        if "functools.partial" in self.paths(node.func, scope) and node.args:
            for _, made in self.values(node.args[0], module, scope):
                if isinstance(made, ast.FunctionDef):
                    names = [part.arg for part in (*made.args.posonlyargs, *made.args.args)]
                    named = [part.arg for part in node.keywords if part.arg is not None]
                    self.given.setdefault(made, set()).update([*names[: len(node.args) - 1], *named])

    def held(
        self, name: ast.AST, value: ast.expr, module: Module, scope: Scope
    ) -> list[tuple[Module, ast.AST]]:
        """The functions and classes that a variable holds."""
        if name not in self._held:
            self._held[name] = []
            self._held[name] = self.values(value, module, scope)
            self.value(value, module, scope)
        return self._held[name]

    def returned(self, module: Module, made: ast.AST) -> list[tuple[Module, ast.AST]]:
        """What calling it once, when the package is imported, gives."""
        if isinstance(made, ast.ClassDef):
            self.shared.add(made)
            self.run(module, made)
            return []
        if not isinstance(made, FUNCTIONS):
            return []
        scope = module.scopes[made]
        self.scopes.add(id(scope))
        return [item for part in returns_of(made) for item in self.values(part, module, scope)]


def is_cached(lasting: Lasting, module: Module, node: ast.AST) -> bool:
    """Whether a function gives the same object again and again."""
    marks = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    heads = [mark.func if isinstance(mark, ast.Call) else mark for mark in marks]
    return any(lasting.paths(head, module.top) & _CACHES for head in heads)
