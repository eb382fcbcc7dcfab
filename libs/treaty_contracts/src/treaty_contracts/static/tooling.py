"""Files of a package that no plugin loads: tests, build scripts, tools.

What is not imported cannot be imported later, for imports by computed names are refused. So a test may use
pytest, files and clocks. What starts processes, opens sockets, runs data as code or unpickles is refused
there too: it would hurt whoever tests or installs the package.
"""

from __future__ import annotations

from treaty_contracts.findings import Finding
from treaty_contracts.static.modules import Package
from treaty_contracts.static.permission import Permission, Refusal
from treaty_contracts.static.rules import walk
from treaty_contracts.static.words import REFUSED_TOOLS, TOOLS_OF_OS

__all__ = ["is_tooling", "judge_tooling"]

_FILES = {"conftest.py", "setup.py", "noxfile.py", "__main__.py"}
_FOLDERS = {"tests", "test", "scripts", "tools", "docs", "examples", "benchmarks"}
_KEPT = {"X301", "X302", "X303", "X305", "X311", "X313"}


class _ToolPermission(Permission):
    """Everything but what starts, opens or runs something."""

    def is_module(self, path: str) -> bool:
        return False

    def refusal(self, path: str, imported: bool = False) -> Refusal | None:
        root, _, rest = path.partition(".")
        if root in REFUSED_TOOLS:
            return Refusal("X301", f"{path} has no place in a package's tests or tools")
        if root == "os" and rest and rest.split(".")[0] not in TOOLS_OF_OS:
            return Refusal("X301", f"{path} has no place in a package's tests or tools")
        return None


def is_tooling(path: str) -> bool:
    """Whether a file is a test, a build script or a tool by its name or its folder."""
    *folders, name = path.split("/")
    by_name = name in _FILES or name.startswith("test_") or name.endswith("_test.py")
    return by_name or bool(_FOLDERS & set(folders))


def judge_tooling(package: Package, name: str, permission: Permission) -> list[Finding]:
    """What is refused even in a file that no plugin loads."""
    module = package.module(name)
    if module is None:
        return []
    tools = _ToolPermission(permission.contract)
    result = walk(module, package, tools)
    found = [finding for finding in result.findings if finding.code in _KEPT]
    for use in result.imports:
        refusal = None if use.path.startswith(".") else tools.refusal(use.path)
        if refusal is not None:
            found.append(refusal.finding(module.path, use.line, use.column))
    return found
