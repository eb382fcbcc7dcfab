"""What names in a module mean: imports, builtins, texts that are known before anything runs."""

from __future__ import annotations

import ast

from treaty_contracts.static.folding import fold_text
from treaty_contracts.static.modules import Module, Package
from treaty_contracts.static.permission import Permission
from treaty_contracts.static.scopes import Scope, join

__all__ = ["Names"]


class Names:
    """The meaning of names at one point of a walk: `scope` and `constants` follow the walker."""

    def __init__(self, module: Module, package: Package, permission: Permission) -> None:
        self.module = module
        self.package = package
        self.permission = permission
        self.scope: Scope = module.top
        self.constants: dict[str, list[str]] = {}
        self.values: dict[ast.AST, ast.expr] | None = None

    def paths(self, node: ast.expr) -> set[str]:
        """What a chain of names leads to by imports; empty for anything else."""
        if isinstance(node, ast.Name):
            home = self.scope.home(node.id)
            if home is None:
                stars = [star for star in self.module.top.stars if self.exported(star, node.id)]
                found = {join(star, node.id) for star in stars}
            else:
                found = home.imports.get(node.id, set())
            return {target for path in found for target in self.package.canonical(path)}
        if isinstance(node, ast.Attribute):
            found = {f"{base}.{node.attr}" for base in self.paths(node.value)}
            return {target for path in found for target in self.package.canonical(path)}
        return set()

    def exported(self, star: str, name: str) -> bool:
        """Whether `from star import *` binds the name."""
        if not star.startswith(".") and not self.package.is_own(star):
            return name in self.permission.safe.get(star, ())
        inner, rest = self.package.split(star.removeprefix("."))
        module = self.package.module(inner)
        return not rest and module is not None and (name in module.top.imports or name in module.top.others)

    def is_builtin(self, name: str) -> bool:
        stars = self.module.top.stars
        return self.scope.home(name) is None and not any(self.exported(star, name) for star in stars)

    def texts(self, node: ast.expr) -> list[str] | None:
        """The texts an expression can be: a constant, a choice, a loop's constants, a field's name."""
        if (text := fold_text(node)) is not None:
            return [text]
        if isinstance(node, ast.IfExp):
            left, right = self.texts(node.body), self.texts(node.orelse)
            return left + right if left is not None and right is not None else None
        if isinstance(node, ast.Name):
            return self.constants.get(node.id)
        if isinstance(node, ast.Attribute) and node.attr == "name" and isinstance(node.value, ast.Name):
            return self.constants.get(node.value.id + ".name")
        return None

    def assigned(self, node: ast.expr) -> list[ast.expr] | None:
        """Every value given to a name, or to an attribute of this name, in the module; None if not known."""
        if isinstance(node, ast.Name):
            home = self.scope.home(node.id)
            bound = home.others.get(node.id, []) if home is not None else []
            values = [self._values().get(part) for part in bound]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            values = [
                value
                for target, value in self._values().items()
                if (isinstance(target, ast.Attribute) and target.attr == node.attr)
                or (isinstance(target, ast.Name) and target.id == node.attr)
            ]
        else:
            return None
        known = [value for value in values if value is not None]
        return known if known and len(known) == len(values) else None

    def _values(self) -> dict[ast.AST, ast.expr]:
        if self.values is None:
            self.values = {}
            for part in ast.walk(self.module.tree):
                if isinstance(part, ast.Assign):
                    self.values |= dict.fromkeys(part.targets, part.value)
                elif isinstance(part, ast.AnnAssign) and part.value is not None:
                    self.values[part.target] = part.value
        return self.values

    def is_own_class(self, node: ast.expr) -> bool:
        """Whether a name stands for a class the package defines."""
        if not isinstance(node, ast.Name):
            return False
        home = self.scope.home(node.id)
        bound = home.others.get(node.id, []) if home is not None else []
        if bound:
            return all(isinstance(part, ast.ClassDef) for part in bound)
        paths = self.paths(node)
        return bool(paths) and all(self._defines_class(path) for path in paths)

    def _defines_class(self, path: str) -> bool:
        name, rest = self.package.split(path[1:])
        module = self.package.module(name) if path.startswith(".") and len(rest) == 1 else None
        bound = module.top.others.get(rest[0], []) if module is not None else []
        return bool(bound) and all(isinstance(part, ast.ClassDef) for part in bound)

    def loop_constants(self, target: ast.expr, values: ast.expr) -> dict[str, list[str]]:
        """What a loop's variable can be, where the loop goes over constants or a dataclass's fields."""
        if not isinstance(target, ast.Name):
            return {}
        if isinstance(values, ast.Tuple | ast.List | ast.Set):
            texts = [fold_text(item) for item in values.elts]
            return {target.id: [text for text in texts if text is not None]} if None not in texts else {}
        if isinstance(values, ast.Attribute) and values.attr in {
            "__slots__",
            "_fields",
            "__dataclass_fields__",
        }:
            return {target.id: []}
        if isinstance(values, ast.Call) and "dataclasses.fields" in self.paths(values.func):
            return {target.id + ".name": []}
        return {}

    def is_logger(self, node: ast.expr) -> bool:
        """Whether an expression is a logger, or a module's variable that holds one."""
        if isinstance(node, ast.Call):
            return "logging.getLogger" in self.paths(node.func)
        return isinstance(node, ast.Name) and any(
            isinstance(statement, ast.Assign)
            and self.is_logger(statement.value)
            and any(isinstance(target, ast.Name) and target.id == node.id for target in statement.targets)
            for statement in self.module.tree.body
        )
