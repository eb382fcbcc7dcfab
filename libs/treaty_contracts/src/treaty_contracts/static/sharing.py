"""Which objects a body shares with later calls."""

from __future__ import annotations

import ast

from treaty_contracts.static.functions import defaults_of, positional
from treaty_contracts.static.idioms import memo_tables
from treaty_contracts.static.lasting import Body, Lasting, is_cached
from treaty_contracts.static.members import MAKING, SHARED, class_objects, set_in
from treaty_contracts.static.scopes import Scope

__all__ = ["Sharing"]


def _marked(node: ast.AST, word: str) -> bool:
    marks = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return any(isinstance(mark, ast.Name) and mark.id == word for mark in marks)


class Sharing:
    """What the names of one body stand for: `scope` follows who reads it, `me` is its word for self."""

    def __init__(self, lasting: Lasting, body: Body) -> None:
        self.lasting = lasting
        self.body = body
        self.module = body.module
        self.scope: Scope = body.module.scopes[body.node]
        self.home = self.scope
        self.defaults = lasting.given.get(body.node, set()) | {
            name
            for name, value in defaults_of(body.node)
            if isinstance(value, (*SHARED, ast.Call, ast.Name, ast.Attribute))
        }
        self.exempt = memo_tables(body.node)
        own = positional(body.node)
        is_method = body.kind is not None and not _marked(body.node, "staticmethod")
        self.me = own[0].arg if is_method and own else None
        self.aliases: set[str] = set()
        self._find_aliases()

    def _find_aliases(self) -> None:
        """The body's own names for objects that last."""
        for part in ast.walk(self.body.node):
            match part:
                case ast.Assign(
                    targets=[ast.Name(id=name)],
                    value=ast.Name() | ast.Attribute() | ast.Subscript() | ast.Call() as value,
                ) if self.lasts(value) and self.scope.home(name) is self.home:
                    self.aliases.add(name)

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
            return _marked(self.body.node, "classmethod")
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
        if name in set_in(kind, {"__init__", "__new__", "__post_init__"}) and kind not in self.lasting.shared:
            return False
        if name in set_in(kind, None) - set_in(kind, MAKING):
            return False
        shared = kind in self.lasting.shared and self.body.node.name not in MAKING
        return shared or name in class_objects(kind)
