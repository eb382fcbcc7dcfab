"""What a rule sees of the walk it is called from."""

from __future__ import annotations

import ast
from typing import Any, Protocol

from treaty_contracts.findings import Severity
from treaty_contracts.static.naming import Names

__all__ = ["Report"]


class Report(Protocol):
    """Where findings go, and where the walk is: the walker.

    `functions` counts the functions around the node at hand, `in_hash` those of them called __hash__;
    `classes` are the classes around it, outermost first.
    """

    names: Names
    functions: int
    in_hash: int
    classes: list[ast.ClassDef]

    def say(
        self,
        code: str,
        message: str,
        node: ast.AST,
        hint: str | None = None,
        severity: Severity = Severity.ERROR,
    ) -> None: ...

    def used(self, paths: set[str], node: ast.expr) -> None: ...

    def visit(self, node: ast.AST) -> Any: ...
