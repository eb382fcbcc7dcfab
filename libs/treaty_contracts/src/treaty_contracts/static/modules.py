"""The package's modules and what their names mean across files."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from treaty_contracts.static.library_names import LIBRARY_NAMES
from treaty_contracts.static.pruning import prune
from treaty_contracts.static.safe_library import SAFE, WHY_NOT
from treaty_contracts.static.scopes import Scope, build_scopes
from treaty_contracts.static.source import Source, read_source

__all__ = ["Module", "Package"]

_LIBRARY = LIBRARY_NAMES | {name.split(".", 1)[0] for name in SAFE} | set(WHY_NOT)

MAX_REEXPORTS = 10_000
"""Steps followed from one name: a package of the size that is read at all needs far fewer."""
MAX_PARTS = 50
"""Parts of a dotted name: modules that name each other in a circle make ever longer ones."""


@dataclass(slots=True)
class Module:
    """One file of the package, pruned of what never runs, with its scopes. `name` is "" for the root."""

    name: str
    path: str
    package: str
    source: Source
    tree: ast.Module
    scopes: dict[ast.AST, Scope] = field(default_factory=dict)

    @property
    def top(self) -> Scope:
        return self.scopes[self.tree]


class Package:
    """The package's Python files by module name; each is read when it is first asked for."""

    def __init__(self, files: dict[str, bytes], versions: tuple[tuple[int, int], ...]) -> None:
        self.versions = versions
        self.files = files
        self.contents: dict[str, bytes] = {}
        self.paths: dict[str, str] = {}
        self.folders: set[str] = {""}
        for path in sorted(files):
            if not path.endswith(".py"):
                continue
            parts = path.removesuffix(".py").split("/")
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if name not in self.paths or path.endswith("__init__.py"):
                self.paths[name] = path
                self.contents[name] = files[path]
            if parts[-1] == "__init__":
                spelt = ".".join(parts)
                self.paths[spelt], self.contents[spelt] = path, files[path]
            self.folders.update(".".join(parts[:end]) for end in range(1, len(parts)))
        self.read: dict[str, Module] = {}
        self.resolved: dict[str, set[str]] = {}

    def holds(self, name: str) -> bool:
        return name in self.paths or name in self.folders

    def is_own(self, dotted: str) -> bool:
        """Whether an absolute import names one of the package's modules: the library's come first."""
        root = dotted.split(".", 1)[0]
        return root not in _LIBRARY | {"treaty", ""} and self.holds(root)

    def module(self, name: str) -> Module | None:
        """The module, parsed; None where the package has no file for it."""
        if name not in self.paths:
            return None
        if name not in self.read:
            path = self.paths[name]
            source = read_source(path, self.contents[name])
            tree = prune(source.tree, self.versions) if source.tree is not None else ast.Module([], [])
            package = name.removesuffix("__init__").rstrip(".")
            if not path.endswith("__init__.py"):
                package = name.rpartition(".")[0]
            self.read[name] = Module(name, path, package, source, tree, build_scopes(tree, package))
        return self.read[name]

    def split(self, dotted: str) -> tuple[str, list[str]]:
        """A path below the root as (longest module of the package, the names after it)."""
        parts = dotted.split(".") if dotted else []
        for end in range(len(parts), -1, -1):
            name = ".".join(parts[:end])
            if self.holds(name) and (end or not parts or "" in self.paths or self.holds(parts[0])):
                return name, parts[end:]
        return "", parts

    def canonical(self, path: str) -> set[str]:
        """The paths a path of the package leads to through re-exports; outside paths stand as they are.

        Paths of the package begin with a dot. One that ends at a definition of its own stays so.
        """
        if path not in self.resolved:
            found: set[str] = set()
            seen: set[str] = set()
            waiting = [path]
            while waiting and len(seen) < MAX_REEXPORTS:
                step = waiting.pop()
                if step in seen:
                    continue
                seen.add(step)
                targets = self._exported_from(step)
                if targets and step.count(".") < MAX_PARTS:
                    waiting += sorted(targets)
                else:
                    found.add(step if step.startswith(".") or not self.is_own(step) else "." + step)
            found.update(waiting)
            self.resolved[path] = found or {path if not self.is_own(path) else "." + path}
        return self.resolved[path]

    def _exported_from(self, path: str) -> set[str]:
        """One step of a re-export; empty where the path defines its name itself or lies outside."""
        if not path.startswith("."):
            if not self.is_own(path):
                return set()
            path = "." + path
        name, rest = self.split(path[1:])
        module = self.module(name)
        if module is None or not rest:
            return set()
        targets = module.top.imports.get(rest[0], set())
        if not targets and rest[0] not in module.top.others:
            targets = {f"{base}.{rest[0]}" for base in module.top.stars}
        return {".".join([target, *rest[1:]]) for target in targets} - {path}
