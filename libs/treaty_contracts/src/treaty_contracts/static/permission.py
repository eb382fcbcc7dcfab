"""Whether plugin code may use what a path leads to."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.model import Contract
from treaty_contracts.static.safe_library import SAFE, WHY_NOT
from treaty_contracts.static.words import CLASSES, DUNDERS, REACHING

__all__ = ["DANGEROUS", "UNMISTAKABLE", "Permission", "Refusal"]

UNMISTAKABLE = frozenset(
    {
        "os",
        "sys",
        "subprocess",
        "builtins",
        "importlib",
        "ctypes",
        "shutil",
        "pickle",
        "marshal",
        "posix",
        "_os",
        "_sys",
        "multiprocessing",
        "_thread",
        "runpy",
        "pkgutil",
    }
)
"""Modules whose names are refused as attributes of anything at all."""

DANGEROUS = UNMISTAKABLE | frozenset(
    {
        "socket",
        "inspect",
        "gc",
        "nt",
        "pty",
        "threading",
        "imp",
        "signal",
        "tempfile",
        "urllib",
        "http",
        "ssl",
        "asyncio",
    }
)
"""Modules that are refused as attributes of allowed modules: a way round through their imports."""

_CLOCKS = {
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "uuid.uuid1",
    "uuid.uuid4",
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
    "time.perf_counter_ns",
    "time.process_time",
    "time.thread_time",
    "time.localtime",
    "time.ctime",
    "time.asctime",
    "time.sleep",
}
_SDK = (
    "treaty",
    "treaty.action",
    "treaty.errors",
    "treaty.quantities",
    "treaty.reading",
    "treaty.units",
    "treaty.uplink",
)


@dataclass(frozen=True, slots=True)
class Refusal:
    code: str
    message: str
    hint: str | None = None

    def finding(self, path: str, line: int, column: int) -> Finding:
        place = Place(path, line, column)
        return Finding(self.code, Severity.ERROR, self.message, place=place, hint=self.hint)


@cache
def _sdk() -> dict[str, frozenset[str]]:
    names = {name: frozenset(getattr(importlib.import_module(name), "__all__", ())) for name in _SDK}
    submodules = frozenset(name.split(".", 1)[1] for name in _SDK if "." in name)
    return {**names, "treaty": names["treaty"] | submodules}


def _under(path: str, roots: Iterable[str]) -> bool:
    return any(path == root or path.startswith(root + ".") for root in roots)


def _leads_out(part: str) -> bool:
    """Whether an attribute of something allowed is a way round."""
    special = part.startswith("__") and part.endswith("__")
    closed = part in REACHING | CLASSES | UNMISTAKABLE | {"__dict__", "__get__", "manager"}
    return closed or (special and part not in DUNDERS)


class Permission:
    """The contract's allow-list: the safe set, `treaty`, and what the contract names beyond them."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.allowed = list(contract.imports.allow)
        packages = contract.packages_in_full()
        denied = [name.replace("-", "_") for name, rule in packages.items() if not rule.allowed]
        self.allowed += [name.replace("-", "_") for name, rule in packages.items() if rule.allowed]
        self.denied = [*contract.imports.deny, *denied]
        environment = contract.runtime.environment
        self.environment = set(environment) | set(contract.runtime.secrets)
        self.safe = {**SAFE, **_sdk()}
        if self.environment:
            self.safe["os"] = frozenset({"environ", "getenv", "path"})
        self.packages = {
            name.rsplit(".", end)[0] for name in self.safe for end in range(1, name.count(".") + 1)
        }

    def is_module(self, path: str) -> bool:
        return path in self.safe or path in self.packages or path in self.allowed

    def refusal(self, path: str, imported: bool = False) -> Refusal | None:
        """Why plugin code may not have `path`; None when it may. `imported`: an import statement names it."""
        if _under(path, self.denied):
            return Refusal("X301", f"{path} is denied by the contract", "take the import out, or the denial")
        if _under(path, self.allowed):
            rest = (
                next(path[len(root) :] for root in self.allowed if _under(path, [root])).strip(".").split(".")
            )
            if bad := DANGEROUS & set(rest[:-1] if imported else rest):
                return Refusal("X305", f"{path} leads to {sorted(bad)[0]} through an allowed module")
            return None
        if path in _CLOCKS or (path.startswith("random.") and not path.startswith("random.Random")):
            return Refusal(
                "X319", f"{path} gives another value each time", "take time from uplink.received_at"
            )
        module, rest = self._split(path)
        if module is None:
            if path in self.packages:
                return None
            return self._not_allowed(path)
        if not rest:
            return None
        if rest[0] in self.safe[module]:
            further = [part for part in rest[1:] if _leads_out(part)]
            return Refusal("X305", f"{path} reaches the interpreter's own objects") if further else None
        if path in self.packages:
            return None
        if module in self.packages and imported and not self.safe[module]:
            return self._not_allowed(path)
        if rest[0].startswith("__"):
            return Refusal("X305", f"{path} reaches into the module itself")
        hint = WHY_NOT.get(rest[0]) or WHY_NOT.get(module)
        if rest[0] in WHY_NOT or DANGEROUS & set(rest) or rest[0].startswith("_"):
            return Refusal("X305", f"{path} leads out of an allowed module", hint)
        return Refusal("X301", f"{path} is not in the safe set", hint)

    def _split(self, path: str) -> tuple[str | None, list[str]]:
        parts = path.split(".")
        for end in range(len(parts), 0, -1):
            if (module := ".".join(parts[:end])) in self.safe:
                return module, parts[end:]
        return None, parts

    @staticmethod
    def _not_allowed(path: str) -> Refusal:
        root = path.split(".", 1)[0]
        hint = (
            WHY_NOT.get(path)
            or WHY_NOT.get(root)
            or "name it under imports.allow if the plugin cannot do without it"
        )
        return Refusal("X301", f"the import of {path} is not allowed", hint)
