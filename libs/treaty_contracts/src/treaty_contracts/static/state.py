"""Whether calls leave something behind for later calls: what a decoder gives follows from its input alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.static.exhaustion import runs_out
from treaty_contracts.static.functions import FUNCTIONS, positional
from treaty_contracts.static.idioms import is_lazy_constant
from treaty_contracts.static.lasting import Body, Lasting
from treaty_contracts.static.members import MAKING, plainly_set
from treaty_contracts.static.modules import Module, Package
from treaty_contracts.static.scopes import Scope
from treaty_contracts.static.sharing import Sharing
from treaty_contracts.static.words import CHANGING, CHANGING_FIRST

__all__ = ["judge_state"]

_HINT = "a decoder's output follows from its input alone; functools.lru_cache remembers results safely"


def _upward(scope: Scope | None) -> Iterator[Scope]:
    while scope is not None:
        yield scope
        scope = scope.parent


def _changed_arguments(held: ast.FunctionDef) -> set[str]:
    """The arguments whose objects a function changes itself."""
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
    return names & {part.arg for part in positional(held)}


class _Judge:
    """One body: `sharing.scope` follows the walk, `above` holds the statements around the node at hand."""

    def __init__(self, lasting: Lasting, body: Body) -> None:
        self.lasting = lasting
        self.module = body.module
        self.body = body
        self.sharing = Sharing(lasting, body)
        self.above: list[ast.AST] = []
        self.found: list[Finding] = []

    def say(self, message: str, node: ast.AST) -> None:
        place = Place(self.module.path, getattr(node, "lineno", None), getattr(node, "col_offset", -1) + 1)
        self.found.append(
            Finding("X318", Severity.ERROR, f"{message} from call to call", place=place, hint=_HINT)
        )

    def run(self) -> list[Finding]:
        body = self.body.node.body
        for part in body if isinstance(body, list) else [body]:
            self.visit(part)
        return self.found

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.expr | ast.stmt):
            self.judge(node)
        outer = self.sharing.scope
        self.sharing.scope = self.module.scopes.get(node, outer)
        self.above.append(node)
        for child in ast.iter_child_nodes(node):
            self.visit(child)
        self.above.pop()
        self.sharing.scope = outer

    def judge(self, node: ast.expr | ast.stmt) -> None:
        match node:
            case ast.Name(ctx=ast.Store() | ast.Del()):
                self.stored_name(node)
            case ast.Name():
                if runs_out(self.sharing, node):
                    self.say(f"{node.id} is used up", node)
                elif node.id == "print" and self.sharing.scope.home("print") is None:
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
        home = self.sharing.scope.home(node.id)
        declared = self.sharing.scope.outer.get(node.id)
        if declared == "global" or (home is not None and declared == "nonlocal"):
            outer = home or self.sharing.scope.top()
            if declared == "nonlocal":
                at = self.sharing.scope.parent
                outer = next((s for s in _upward(at) if s.kind == "function" and s.binds(node.id)), outer)
                if id(outer) not in self.lasting.scopes or self.sharing.within(outer):
                    return
            if not self.lazily(node):
                self.say(f"{node.id} is kept", node)

    def stored_part(self, node: ast.Attribute | ast.Subscript) -> None:
        held = node.value
        if isinstance(held, ast.Name) and held.id == self.sharing.me and isinstance(node, ast.Attribute):
            if self.set_on_self(node):
                self.say(f"{ast.unparse(node)} is kept", node)
        elif self.sharing.lasts(held) and not self.lazily(held):
            self.say(f"{ast.unparse(held)} is changed", node)

    def set_on_self(self, node: ast.Attribute) -> bool:
        """Whether self.x = ... leaves something behind: on the class, or on an object that is kept."""
        if self.sharing.me is not None and self.sharing.name_lasts(self.sharing.me):
            return not self.lazily(node)
        kind = self.body.kind
        if kind not in self.lasting.shared or isinstance(self.body.node, ast.Lambda):
            return False
        if self.body.node.name in MAKING or self.lazily(node):
            return False
        plain = any(isinstance(part, ast.Assign | ast.AnnAssign) for part in self.above[-2:])
        return not (plain and len(self.above) <= 2) and node.attr not in plainly_set(kind)

    def changes(self, node: ast.Attribute) -> bool:
        """Whether an attribute that changes its object is taken of one that lasts."""
        held = node.value
        if isinstance(held, ast.Name) and held.id == self.sharing.me:
            return False
        if not self.sharing.lasts(held) or self.lazily(held):
            return False
        if isinstance(held, ast.Name | ast.Attribute):
            bound = self.lasting.bound(held, self.module, self.sharing.scope)
            if bound and all(self.ispositional(home, where, part) for home, where, part in bound):
                return False
        return True

    def ispositional(self, module: Module, scope: Scope, part: ast.AST) -> bool:
        """Whether a name is a function, a class or an object of a class of the package."""
        value = self.lasting.targets(module).get(part)
        if isinstance(value, ast.Call):
            made = self.lasting.bound(value.func, module, scope)
            return bool(made) and all(isinstance(held, ast.ClassDef) for _, _, held in made)
        return isinstance(part, (*FUNCTIONS, ast.ClassDef))

    def call(self, node: ast.Call) -> None:
        if not node.args or isinstance(node.args[0], ast.Starred):
            return
        names = self.lasting.paths(node.func, self.sharing.scope)
        if isinstance(node.func, ast.Name):
            names = names | {node.func.id}
        match node.func:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if attribute in CHANGING:
                unbound = self.sharing.scope.home(name) is None
            case _:
                unbound = False
        first = node.args[0]
        if isinstance(first, ast.Name) and runs_out(self.sharing, first):
            return
        if (names & CHANGING_FIRST or unbound) and self.sharing.lasts(first) and not self.lazily(first):
            self.say(f"{ast.unparse(first)} is changed", node)
            return
        for _, _, held in self.lasting.bound(node.func, self.module, self.sharing.scope):
            if isinstance(held, ast.FunctionDef):
                changed = _changed_arguments(held)
                for argument, part in zip(positional(held), node.args, strict=False):
                    if argument.arg in changed and self.sharing.lasts(part) and not self.lazily(part):
                        self.say(f"{ast.unparse(part)} is changed by {held.name}", node)


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
