"""What a class keeps: the attributes its methods set on an object, and the objects that are its own."""

from __future__ import annotations

import ast

from treaty_contracts.static.functions import positional

__all__ = ["MAKING", "SHARED", "class_objects", "plainly_set", "set_in"]

MAKING = {"__init__", "__new__", "__post_init__"}
"""The methods that run once an object."""
SHARED = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp, ast.GeneratorExp)
"""Expressions whose object can change."""


def set_in(kind: ast.ClassDef, methods: set[str] | None) -> set[str]:
    """The attributes that methods set on their object; `methods` None: any method."""
    found: set[str] = set()
    for method in kind.body:
        if not isinstance(method, ast.FunctionDef) or not (methods is None or method.name in methods):
            continue
        me = {part.arg for part in positional(method)[:1]}
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


def plainly_set(kind: ast.ClassDef) -> set[str]:
    """The attributes that some method sets anew, whatever they were, before anything else can be read."""
    found: set[str] = set()
    for method in kind.body:
        if isinstance(method, ast.FunctionDef) and method.name not in MAKING:
            for statement in method.body:
                if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                    read = {
                        part.attr for part in ast.walk(statement.value) if isinstance(part, ast.Attribute)
                    }
                    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                    found |= {part.attr for part in targets if isinstance(part, ast.Attribute)} - read
    return found


def class_objects(kind: ast.ClassDef) -> set[str]:
    """The class's own attributes that are objects which can change."""
    return {
        target.id
        for part in kind.body
        if isinstance(part, ast.Assign | ast.AnnAssign) and isinstance(part.value, (*SHARED, ast.Call))
        for target in (part.targets if isinstance(part, ast.Assign) else [part.target])
        if isinstance(target, ast.Name)
    }
