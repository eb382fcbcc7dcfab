"""Iterators, generators and streams that all calls share: a later call finds less in them."""

from __future__ import annotations

import ast

from treaty_contracts.static.functions import defaults_of
from treaty_contracts.static.lasting import Lasting
from treaty_contracts.static.modules import Module
from treaty_contracts.static.scopes import Scope
from treaty_contracts.static.sharing import Sharing
from treaty_contracts.static.words import CHANGING, RUNNING_OUT

__all__ = ["runs_out"]


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


def runs_out(sharing: Sharing, node: ast.Name) -> bool:
    """Whether a name is an iterator, a generator of numbers or a stream that all calls share."""
    lasting, module, scope = sharing.lasting, sharing.module, sharing.scope
    if node.id in sharing.defaults:
        defaults = defaults_of(sharing.body.node)
        values = [(module, scope, value) for name, value in defaults if name == node.id]
    elif sharing.name_lasts(node.id):
        values = [
            (home, where, value)
            for home, where, part in lasting.bound(node, module, scope)
            if (value := lasting.targets(home).get(part)) is not None
        ]
    else:
        return False
    return any(_runs_out(lasting, home, where, value) for home, where, value in values)
