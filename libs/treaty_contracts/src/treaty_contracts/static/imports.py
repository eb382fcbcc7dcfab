"""The import statements of a module: what each one names, and whether its failure is expected."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.static.modules import Module, Package
from treaty_contracts.static.permission import Permission
from treaty_contracts.static.scopes import absolute, join

__all__ = ["ImportUse", "read_imports"]


@dataclass(frozen=True, slots=True)
class ImportUse:
    """An import statement's target: `path` begins with a dot for the package's own."""

    path: str
    line: int
    column: int
    guarded: bool


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return all(
        isinstance(kind, ast.Name) and kind.id in {"ImportError", "ModuleNotFoundError"} for kind in kinds
    )


def _statements(tree: ast.Module) -> list[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Every import statement, wherever it stands, and whether something catches its failure."""
    found: list[tuple[ast.Import | ast.ImportFrom, bool]] = []
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, guarded = waiting.pop()
        inner: list[tuple[ast.AST, bool]] = []
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append((node, guarded))
        elif isinstance(node, ast.Try | ast.TryStar):
            catches = any(_catches_import_error(handler) for handler in node.handlers)
            inner += [(part, guarded or catches) for part in node.body]
            inner += [(part, guarded) for part in (*node.handlers, *node.orelse, *node.finalbody)]
        elif isinstance(node, ast.mod | ast.stmt | ast.excepthandler | ast.match_case):
            inner += [(part, guarded) for part in ast.iter_child_nodes(node)]
        waiting += reversed(inner)
    return found


def _names(node: ast.Import | ast.ImportFrom, module: Module, package: Package) -> Iterator[tuple[str, bool]]:
    """The paths one statement names, and whether it takes everything of one."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield "." + alias.name if package.is_own(alias.name) else alias.name, False
        return
    base = absolute(node, module.package)
    if not base.startswith(".") and package.is_own(base):
        base = "." + base
    for alias in node.names:
        everything = alias.name == "*"
        yield base if everything else join(base, alias.name), everything


def read_imports(
    module: Module, package: Package, permission: Permission
) -> tuple[list[ImportUse], list[Finding]]:
    """Every target of every import statement, in their order, and what is wrong with the statements."""
    uses: list[ImportUse] = []
    findings: list[Finding] = []
    for node, guarded in _statements(module.tree):
        for path, everything in _names(node, module, package):
            use = ImportUse(path, node.lineno, node.col_offset + 1, guarded)
            uses.append(use)
            if everything and not path.startswith(".") and path not in permission.safe:
                place = Place(module.path, use.line, use.column)
                message = f"everything of {path} is imported at once"
                findings.append(Finding("X315", Severity.ERROR, message, place=place))
    return uses, findings
