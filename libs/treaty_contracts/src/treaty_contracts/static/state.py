"""Whether calls leave something behind for later calls: what a decoder gives follows from its input alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.static.idioms import is_lazy_constant, memo_tables
from treaty_contracts.static.lasting import Body, Lasting, is_cached
from treaty_contracts.static.modules import Module, Package
from treaty_contracts.static.scopes import Scope
from treaty_contracts.static.words import CHANGING, CHANGING_FIRST, RUNNING_OUT

__all__ = ["judge_state"]

_HINT = "a decoder's output follows from its input alone; functools.lru_cache remembers results safely"
_SHARED = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp, ast.GeneratorExp)
_MAKING = {"__init__", "__new__", "__post_init__"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def _own(node: ast.AST) -> list[ast.arg]:
    given = node.args if isinstance(node, _FUNCTIONS) else ast.arguments([], [], None, [], [], None, [])
    return [*given.posonlyargs, *given.args]


def _lasting_defaults(node: ast.AST) -> set[str]:
    """The arguments whose default is one object for all calls."""
    if not isinstance(node, _FUNCTIONS):
        return set()
    given = node.args
    ordered = [*given.posonlyargs, *given.args]
    pairs = list(zip(reversed(ordered), reversed(given.defaults), strict=False))
    pairs += [
        (part, value)
        for part, value in zip(given.kwonlyargs, given.kw_defaults, strict=True)
        if value is not None
    ]
    return {
        part.arg for part, value in pairs if isinstance(value, (*_SHARED, ast.Call, ast.Name, ast.Attribute))
    }


class _Judge:
    """One body: `scope` follows the walk, `above` holds the statements around the node at hand."""

    def __init__(self, lasting: Lasting, body: Body) -> None:
        self.lasting = lasting
        self.module = body.module
        self.body = body
        self.scope: Scope = body.module.scopes[body.node]
        self.home = self.scope
        self.above: list[ast.AST] = []
        self.found: list[Finding] = []
        self.aliases: set[str] = set()
        self.defaults = _lasting_defaults(body.node) | lasting.given.get(body.node, set())
        self.exempt = memo_tables(body.node)
        own = _own(body.node)
        static = isinstance(body.node, ast.FunctionDef) and any(
            isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in body.node.decorator_list
        )
        self.me = own[0].arg if body.kind is not None and own and not static else None

    def say(self, message: str, node: ast.AST) -> None:
        place = Place(self.module.path, getattr(node, "lineno", None), getattr(node, "col_offset", -1) + 1)
        self.found.append(
            Finding("X318", Severity.ERROR, f"{message} from call to call", place=place, hint=_HINT)
        )

    # What lasts

    def lasts(self, node: ast.expr) -> bool:
        """Whether an expression is an object that later calls see too."""
        if isinstance(node, ast.Name):
            return self.name_lasts(node.id)
        if isinstance(node, ast.Subscript):
            return not isinstance(node.slice, ast.Slice) and self.lasts(node.value)
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id == self.me:
                return self.attribute_lasts(node.attr)
            return node.attr == "__class__" or self.lasts(node.value)
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id == "type" and len(node.args) == 1:
                return True
            if isinstance(node.func, ast.Attribute) and node.func.attr in {
                "get",
                "setdefault",
                "values",
                "items",
            }:
                return self.lasts(node.func.value)
            made = self.lasting.bound(node.func, self.module, self.scope)
            return any(is_cached(self.lasting, home, held) for home, _, held in made)
        return isinstance(node, ast.IfExp) and (self.lasts(node.body) or self.lasts(node.orelse))

    def name_lasts(self, name: str) -> bool:
        if name in self.exempt:
            return False
        if name == self.me:
            return isinstance(self.body.node, ast.FunctionDef) and any(
                isinstance(mark, ast.Name) and mark.id == "classmethod"
                for mark in self.body.node.decorator_list
            )
        home = self.scope.home(name)
        if home is None:
            return bool(self.lasting.bound(ast.Name(name, ast.Load()), self.module, self.scope))
        if home.kind == "module":
            imported = home.imports.get(name, set())
            return name in home.others or any(
                path.startswith(".") or self.lasting.package.is_own(path) for path in imported
            )
        if home is self.home:
            return name in self.aliases or name in self.defaults
        return id(home) in self.lasting.scopes and not self.within(home)

    def within(self, scope: Scope) -> bool:
        """Whether a scope is made anew by the call that runs."""
        at: Scope | None = self.scope
        while at is not None and at is not self.home:
            if at is scope:
                return True
            at = at.parent
        return scope is self.home

    def attribute_lasts(self, name: str) -> bool:
        """Whether self.name is the class's, or an object's that is kept, and only changed, never set."""
        kind = self.body.kind
        if kind is None or isinstance(self.body.node, ast.Lambda):
            return False
        if (
            name in _set_in(kind, {"__init__", "__new__", "__post_init__"})
            and kind not in self.lasting.shared
        ):
            return False
        if name in _set_in(kind, None) - _set_in(kind, _MAKING):
            return False
        shared = kind in self.lasting.shared and self.body.node.name not in _MAKING
        return shared or name in _class_objects(kind)

    # What changes it

    def run(self) -> list[Finding]:
        self.find_aliases()
        body = self.body.node.body
        for part in body if isinstance(body, list) else [body]:
            self.visit(part)
        return self.found

    def find_aliases(self) -> None:
        for part in ast.walk(self.body.node):
            match part:
                case ast.Assign(
                    targets=[ast.Name(id=name)],
                    value=ast.Name() | ast.Attribute() | ast.Subscript() | ast.Call() as value,
                ) if self.lasts(value) and self.scope.home(name) is self.home:
                    self.aliases.add(name)

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.expr | ast.stmt):
            self.judge(node)
        outer = self.scope
        self.scope = self.module.scopes.get(node, outer)
        self.above.append(node)
        for child in ast.iter_child_nodes(node):
            self.visit(child)
        self.above.pop()
        self.scope = outer

    def judge(self, node: ast.expr | ast.stmt) -> None:
        match node:
            case ast.Name(ctx=ast.Store() | ast.Del()):
                self.stored_name(node)
            case ast.Name():
                if self.runs_out(node):
                    self.say(f"{node.id} is used up", node)
                elif node.id == "print" and self.scope.home("print") is None:
                    place = Place(self.module.path, node.lineno, node.col_offset + 1)
                    message, hint = "print writes where nobody reads", "log with logging.getLogger(__name__)"
                    self.found.append(Finding("X304", Severity.ERROR, message, place=place, hint=hint))
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                self.stored_part(node)
            case ast.Attribute() if node.attr in CHANGING and self.changes(node):
                self.say(f"{ast.unparse(node.value)} is changed", node)
            case ast.Call():
                self.call(node)

    def lazily(self, target: ast.expr) -> bool:
        return is_lazy_constant(self.body.node, self.above, target)

    def stored_name(self, node: ast.Name) -> None:
        home = self.scope.home(node.id)
        declared = self.scope.outer.get(node.id)
        if declared == "global" or (home is not None and declared == "nonlocal"):
            outer = home or self.scope.top()
            if declared == "nonlocal":
                at = self.scope.parent
                outer = next((s for s in _upward(at) if s.kind == "function" and s.binds(node.id)), outer)
                if id(outer) not in self.lasting.scopes or self.within(outer):
                    return
            if not self.lazily(node):
                self.say(f"{node.id} is kept", node)

    def stored_part(self, node: ast.Attribute | ast.Subscript) -> None:
        held = node.value
        if isinstance(held, ast.Name) and held.id == self.me and isinstance(node, ast.Attribute):
            if self.set_on_self(node):
                self.say(f"{ast.unparse(node)} is kept", node)
        elif self.lasts(held) and not self.lazily(held):
            self.say(f"{ast.unparse(held)} is changed", node)

    def set_on_self(self, node: ast.Attribute) -> bool:
        """Whether self.x = ... leaves something behind: on the class, or on an object that is kept."""
        if self.me is not None and self.name_lasts(self.me):
            return not self.lazily(node)
        kind = self.body.kind
        if kind not in self.lasting.shared or isinstance(self.body.node, ast.Lambda):
            return False
        if self.body.node.name in _MAKING or self.lazily(node):
            return False
        plain = any(isinstance(part, ast.Assign | ast.AnnAssign) for part in self.above[-2:])
        return not (plain and len(self.above) <= 2) and node.attr not in _plainly_set(kind)

    def changes(self, node: ast.Attribute) -> bool:
        """Whether an attribute that changes its object is taken of one that lasts."""
        held = node.value
        if isinstance(held, ast.Name) and held.id == self.me:
            return False
        if not self.lasts(held) or self.lazily(held):
            return False
        if isinstance(held, ast.Name | ast.Attribute):
            bound = self.lasting.bound(held, self.module, self.scope)
            if bound and all(self.is_own(home, where, part) for home, where, part in bound):
                return False
        return True

    def is_own(self, module: Module, scope: Scope, part: ast.AST) -> bool:
        """Whether a name is a function, a class or an object of a class of the package."""
        value = self.lasting.targets(module).get(part)
        if isinstance(value, ast.Call):
            made = self.lasting.bound(value.func, module, scope)
            return bool(made) and all(isinstance(held, ast.ClassDef) for _, _, held in made)
        return isinstance(part, (*_FUNCTIONS, ast.ClassDef))

    def call(self, node: ast.Call) -> None:
        if not node.args or isinstance(node.args[0], ast.Starred):
            return
        names = self.lasting.paths(node.func, self.scope)
        if isinstance(node.func, ast.Name):
            names = names | {node.func.id}
        unbound = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
        if unbound and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
            unbound = isinstance(node.func.value, ast.Name) and self.scope.home(node.func.value.id) is None
        else:
            unbound = False
        first = node.args[0]
        if isinstance(first, ast.Name) and self.runs_out(first):
            return
        if (names & CHANGING_FIRST or unbound) and self.lasts(first) and not self.lazily(first):
            self.say(f"{ast.unparse(first)} is changed", node)
            return
        for home, _, held in self.lasting.bound(node.func, self.module, self.scope):
            if isinstance(held, ast.FunctionDef):
                changed = _changed_arguments(self.lasting, home, held)
                for argument, part in zip(_own(held), node.args, strict=False):
                    if argument.arg in changed and self.lasts(part) and not self.lazily(part):
                        self.say(f"{ast.unparse(part)} is changed by {held.name}", node)

    def runs_out(self, node: ast.Name) -> bool:
        """Whether a name is an iterator, a generator of numbers or a stream that all calls share."""
        if node.id in self.defaults:
            values = [(self.module, self.scope, default) for default in self.default_values(node.id)]
        elif self.name_lasts(node.id):
            values = [
                (home, where, value)
                for home, where, part in self.lasting.bound(node, self.module, self.scope)
                if (value := self.lasting.targets(home).get(part)) is not None
            ]
        else:
            return False
        return any(_runs_out(self.lasting, home, where, value) for home, where, value in values)

    def default_values(self, name: str) -> Iterator[ast.expr]:
        given = self.body.node.args
        ordered = [*given.posonlyargs, *given.args]
        for part, value in zip(reversed(ordered), reversed(given.defaults), strict=False):
            if part.arg == name:
                yield value
        for part, held in zip(given.kwonlyargs, given.kw_defaults, strict=True):
            if part.arg == name and held is not None:
                yield held


def _upward(scope: Scope | None) -> Iterator[Scope]:
    while scope is not None:
        yield scope
        scope = scope.parent


def _runs_out(lasting: Lasting, module: Module, scope: Scope, value: ast.expr) -> bool:
    if isinstance(value, ast.GeneratorExp):
        return True
    if isinstance(value, ast.Attribute):
        own = any(isinstance(part, ast.ClassDef) for _, _, part in lasting.bound(value.value, module, scope))
        return (value.attr in CHANGING and not own) or _runs_out(lasting, module, scope, value.value)
    if not isinstance(value, ast.Call):
        return False
    names = lasting.paths(value.func, scope)
    if isinstance(value.func, ast.Name) and scope.home(value.func.id) is None:
        names = names | {value.func.id}
    if names & RUNNING_OUT:
        return True
    if names & {"collections.defaultdict", "functools.partial"} or not names:
        inner = any(_runs_out(lasting, module, scope, part) for part in value.args)
        if inner and names:
            return True
    return any(
        isinstance(held, ast.FunctionDef)
        and any(isinstance(part, ast.Yield | ast.YieldFrom) for part in ast.walk(held))
        and not held.decorator_list
        for _, _, held in lasting.bound(value.func, module, scope)
    )


def _set_in(kind: ast.ClassDef, methods: set[str] | None) -> set[str]:
    """The attributes that methods set on their object; `methods` None: any method."""
    found: set[str] = set()
    for method in kind.body:
        if not isinstance(method, ast.FunctionDef) or not (methods is None or method.name in methods):
            continue
        me = {part.arg for part in _own(method)[:1]}
        for part in ast.walk(method):
            targets = part.targets if isinstance(part, ast.Assign) else []
            targets = [part.target] if isinstance(part, ast.AnnAssign) else targets
            found.update(
                inner.attr
                for target in targets
                for inner in ast.walk(target)
                if isinstance(inner, ast.Attribute)
                and isinstance(inner.value, ast.Name)
                and inner.value.id in me
            )
    return found


def _plainly_set(kind: ast.ClassDef) -> set[str]:
    """The attributes that some method sets anew, whatever they were, before anything else can be read."""
    found: set[str] = set()
    for method in kind.body:
        if isinstance(method, ast.FunctionDef) and method.name not in _MAKING:
            for statement in method.body:
                if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                    read = {
                        part.attr for part in ast.walk(statement.value) if isinstance(part, ast.Attribute)
                    }
                    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                    found |= {part.attr for part in targets if isinstance(part, ast.Attribute)} - read
    return found


def _class_objects(kind: ast.ClassDef) -> set[str]:
    """The class's own attributes that are objects which can change."""
    return {
        target.id
        for part in kind.body
        if isinstance(part, ast.Assign | ast.AnnAssign) and isinstance(part.value, (*_SHARED, ast.Call))
        for target in (part.targets if isinstance(part, ast.Assign) else [part.target])
        if isinstance(target, ast.Name)
    }


def _changed_arguments(lasting: Lasting, module: Module, held: ast.FunctionDef) -> set[str]:
    """The arguments whose objects a function changes itself."""
    judge = _Judge(lasting, Body(module, held))
    judge.aliases = {part.arg for part in _own(held)}
    judge.defaults = set()
    names: set[str] = set()
    for part in ast.walk(held):
        root: ast.expr | None = None
        if isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(part.ctx, ast.Load):
            root = part.value
        elif (
            isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr in CHANGING
        ):
            root = part.func.value
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.args:
            root = part.args[0] if part.func.id in CHANGING_FIRST else None
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        if isinstance(root, ast.Name):
            names.add(root.id)
    return names & judge.aliases


def judge_state(package: Package, promised: dict[str, list[str]]) -> list[Finding]:
    """Findings for what calls of the promised names ({module: names}) leave behind or print."""
    lasting = Lasting(package)
    for name, targets in promised.items():
        module = package.module(name)
        if module is not None:
            for target in targets:
                lasting.promise(module, target)
    found: list[Finding] = []
    for body in list(lasting.bodies.values()):
        found += _Judge(lasting, body).run()
    return found
