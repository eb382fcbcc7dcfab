"""The whole package without running it: files, the import closure from the promised modules, every rule."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.model import Contract
from treaty_contracts.model.structure import ModulePromise
from treaty_contracts.package import Snapshot
from treaty_contracts.static.declared import judge_returns, judge_signatures
from treaty_contracts.static.files import judge_files
from treaty_contracts.static.imports import ImportUse
from treaty_contracts.static.javascript import judge_javascript
from treaty_contracts.static.library_names import LIBRARY_NAMES
from treaty_contracts.static.modules import Module, Package
from treaty_contracts.static.permission import Permission
from treaty_contracts.static.promised import judge_bindings
from treaty_contracts.static.pruning import served_versions
from treaty_contracts.static.rules import walk
from treaty_contracts.static.source import MAX_DEPTH
from treaty_contracts.static.state import judge_state
from treaty_contracts.static.tooling import is_tooling, judge_tooling

__all__ = ["StaticFacts", "judge_source", "promised_modules"]


_CONFINED = {"X318"}
"""Findings of code that leads nowhere: it keeps state between calls, so it is still run and judged."""


class StaticFacts:
    """What the static pass knows: its findings, the package's modules and which of them can ever load."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.findings: list[Finding] = []
        self.reached: dict[str, str] = {}
        self.imports: list[ImportUse] = []

    @property
    def unsafe(self) -> bool:
        """Whether the code tries to leave its confinement: then it is not run at all."""
        errors = {finding.code for finding in self.findings if finding.severity is Severity.ERROR}
        return any(code[0] == "X" for code in errors - _CONFINED)


def promised_modules(contract: Contract) -> dict[str, list[tuple[str, ModulePromise]]]:
    """Every module the contract names, with each promise made of it and that promise's path."""
    found: dict[str, list[tuple[str, ModulePromise]]] = {}
    if contract.entry is not None:
        for entry in (contract.entry.decode, contract.entry.encode):
            if entry is not None:
                found.setdefault(entry.split(":")[0], [])
    for name, promise in contract.structure.modules.items():
        found.setdefault(name, []).append((f"structure.modules.{name}", promise))
    for deployment in contract.deployments:
        for name in deployment.structure.modules:
            found.setdefault(name, [])
    return found


def _names(contract: Contract) -> dict[str, dict[str, str]]:
    names: dict[str, dict[str, str]] = {}
    for key in ("decode", "encode"):
        entry = getattr(contract.entry, key, None)
        if entry is not None:
            module, target = entry.split(":")
            names.setdefault(module, {})[target.split(".")[0]] = f"entry.{key}"
    for module, promises in promised_modules(contract).items():
        for path, promise in promises:
            for kind in ("functions", "classes", "variables"):
                for name in getattr(promise, kind):
                    names.setdefault(module, {})[name] = f"{path}.{kind}.{name}"
    return names


def _loaded_with(package: Package, name: str) -> list[str]:
    """The modules that loading one loads first: the packages around it."""
    parts = name.split(".") if name else []
    return [".".join(parts[:end]) for end in range(len(parts) + 1)]


class _Closure:
    def __init__(self, package: Package, permission: Permission, facts: StaticFacts) -> None:
        self.package = package
        self.permission = permission
        self.facts = facts
        self.waiting: deque[str] = deque()

    def reach(self, name: str, chain: str) -> None:
        for part in _loaded_with(self.package, name):
            if part not in self.facts.reached and part in self.package.paths:
                self.facts.reached[part] = chain
                self.waiting.append(part)

    def run(self) -> None:
        while self.waiting:
            name = self.waiting.popleft()
            module = self.package.module(name)
            if module is None:
                continue
            result = walk(module, self.package, self.permission)
            self.facts.findings += result.findings
            self.facts.imports += result.imports
            for use in result.imports:
                self.imported(module, use)

    def imported(self, module: Module, use: ImportUse) -> None:
        chain = self.facts.reached[module.name]
        here = f"{chain} -> " if chain else ""
        step = f"{here}{module.path}:{use.line}"
        place = Place(module.path, use.line, use.column)
        if not use.path.startswith("."):
            refusal = self.permission.refusal(use.path, imported=True)
            if refusal is not None:
                message = refusal.message + (f" ({step})" if chain else "")
                self.facts.findings.append(
                    Finding(
                        refusal.code, Severity.ERROR, message, "imports.allow", None, place, hint=refusal.hint
                    )
                )
            return
        inner, rest = self.package.split(use.path[1:])
        known = self.package.module(inner)
        outside = "<outside>" in use.path
        if outside or len(rest) > 1 or (rest and not self.offers(inner, rest[0])):
            if not (use.guarded and not outside):
                self.facts.findings.append(
                    Finding(
                        "X316",
                        Severity.ERROR,
                        f"the package holds no {use.path.lstrip('.')}",
                        None,
                        None,
                        place,
                    )
                )
            return
        self.reach(inner, step)
        if known is None:
            return
        for path in sorted(self.package.canonical(use.path)):
            if path.startswith("."):
                self.reach(self.package.split(path[1:])[0], step)

    def offers(self, name: str, attribute: str) -> bool:
        module = self.package.module(name)
        if module is None:
            return False
        top = module.top
        return (
            attribute in top.imports
            or attribute in top.others
            or bool(top.stars)
            or attribute.startswith("__")
        )


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Room for the deepest tree that is read: a walk takes several frames a level."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 60 * MAX_DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def judge_source(snapshot: Snapshot, contract: Contract) -> StaticFacts:
    """The source's findings, in whichever language it is."""
    if contract.language == "python":
        with _deep_recursion():
            return judge_python(snapshot, contract)
    facts = StaticFacts(Package({}, served_versions(None)))
    facts.findings += judge_javascript(snapshot, contract)
    return facts


def _ambiguous(package: Package, facts: StaticFacts) -> list[Finding]:
    """Names that mean one thing here and another where the path is another."""
    found = [
        Finding("X316", Severity.ERROR, f"{path} stands both as a file and as a folder", place=Place(path))
        for path in sorted(path for path in package.files if path.endswith(".py"))
        if path.removesuffix(".py") + "/__init__.py" in package.files
    ]
    imported = {use.path.split(".")[0] for use in facts.imports}
    for name, path in sorted(package.paths.items()):
        if name in LIBRARY_NAMES and name in imported:
            message = f"{path} has the name of a standard module that the package imports"
            found.append(Finding("X316", Severity.ERROR, message, place=Place(path)))
    return found


def judge_python(snapshot: Snapshot, contract: Contract) -> StaticFacts:
    """Findings of files, imports, rules and bindings; chains say how a module came to be imported."""
    versions = served_versions(contract.runtime.python) or served_versions(None)
    package = Package(snapshot.files, versions)
    facts = StaticFacts(package)
    facts.findings += judge_files(snapshot, contract)
    closure = _Closure(package, Permission(contract), facts)
    for name, promises in promised_modules(contract).items():
        if package.holds(name) and name:
            closure.reach(name, "")
        else:
            promise = promises[0][0] if promises else "entry.decode"
            facts.findings.append(
                Finding("S201", Severity.ERROR, f"the package holds no module {name}", promise)
            )
    closure.run()
    permission = Permission(contract)
    for name, path in sorted(package.paths.items()):
        if name in facts.reached:
            continue
        if is_tooling(path):
            facts.findings += judge_tooling(package, name, permission)
        else:
            closure.reach(name, "")
            closure.run()
    facts.findings += _ambiguous(package, facts)
    promised = _names(contract)
    wanted = promised_modules(contract)
    facts.findings += judge_returns(package, wanted)
    facts.findings += judge_state(package, {name: list(names) for name, names in promised.items()})
    told = {(finding.code, finding.place) for finding in facts.findings if finding.severity is Severity.ERROR}
    facts.findings = [
        finding
        for finding in facts.findings
        if finding.severity is Severity.ERROR or (finding.code, finding.place) not in told
    ]
    facts.findings += judge_bindings(package, promised)
    if facts.unsafe:
        facts.findings += judge_signatures(package, wanted)
    return facts
