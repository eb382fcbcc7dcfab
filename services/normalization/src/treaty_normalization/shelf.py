"""The folder of packages a worker takes its plugins from, told apart by name and digest alone.

Looking costs a read of each contract's first lines, and nothing of what is not in use is judged: hundreds
of plugins may lie there. Several folders may hold versions of one plugin side by side.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import structlog

from treaty_contracts import digest
from treaty_contracts.model import CONTRACT_NAMES
from treaty_contracts.package import PackageTooLargeError
from treaty_normalization.plugins import Judge, Plugin, Rejected, judged

__all__ = ["Shelf", "ShelfError"]

log = structlog.get_logger(__name__)
_HEAD_BYTES: Final = 16_384
_NAME: Final = re.compile(rb"""(?m)^plugin:[ \t]*["']?([a-z][a-z0-9-]{1,62})["']?[ \t]*(?:#.*)?\r?$""")


class ShelfError(ValueError):
    """What the worker was told to host is not there."""


class Shelf:
    """Packages directly below `folder`, of plugins whose names match one of the shell patterns."""

    def __init__(self, folder: Path, patterns: Collection[str] = ("*",)) -> None:
        self._folder = folder
        self._patterns = tuple(patterns)
        self._paths: dict[str, list[Path]] = {}
        self._rejected: dict[str, str] = {}
        self._looked_at = 0

    @property
    def names(self) -> frozenset[str]:
        """As of the last look."""
        return frozenset(self._paths)

    def _hosts(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self._patterns)

    def look(self) -> None:
        """Sees which packages are there now. Raises OSError without the folder."""
        found: dict[str, list[Path]] = {}
        self._looked_at = self._folder.stat().st_mtime_ns
        for path in sorted(self._folder.iterdir()):
            if path.name.startswith((".", "_")) or not path.is_dir():
                continue
            name = _name_in(path)
            if name is not None and self._hosts(name):
                found.setdefault(name, []).append(path)
        self._paths = found

    def changed(self) -> bool:
        """Whether packages have come or gone since the last look, or the folder has."""
        try:
            return self._folder.stat().st_mtime_ns != self._looked_at
        except OSError:
            return True

    def require(self) -> None:
        """Raises ShelfError for a pattern that matches nothing, `*` aside: a worker may wait for plugins."""
        for pattern in self._patterns:
            if pattern != "*" and not any(fnmatchcase(name, pattern) for name in self._paths):
                there = ", ".join(sorted(_names_below(self._folder))) or "no plugin at all"
                raise ShelfError(f"no plugin below {self._folder} matches {pattern!r}; there is: {there}")

    def take(self, name: str, wanted: str, judge: Judge) -> Plugin | str:
        """The plugin of that very digest, judged here; or in words why it cannot be had. What was refused
        once is not judged again."""
        others = []
        for path in self._paths.get(name, ()):
            try:
                found = digest(path)
            except (OSError, PackageTooLargeError) as error:
                others.append(f"{path.name}: {error}")
                continue
            if found == wanted:
                return self._judged(path, wanted, judge)
            others.append(found)
        there = " and ".join(others) or "no package of it is here"
        return f"{wanted} is admitted, not {there}" if others else f"{wanted} is admitted, {there}"

    def holds(self, name: str, wanted: str) -> bool:
        """Whether a folder of the plugin has that digest now."""
        for path in self._paths.get(name, ()):
            try:
                if digest(path) == wanted:
                    return True
            except (OSError, PackageTooLargeError):
                continue
        return False

    def _judged(self, path: Path, wanted: str, judge: Judge) -> Plugin | str:
        if wanted in self._rejected:
            return self._rejected[wanted]
        found = judged(path, judge)
        if isinstance(found, Rejected):
            log.error("plugin rejected", folder=found.folder, why=found.why)
            if found.digest == wanted:
                self._rejected[wanted] = found.why
            return found.why
        if found.digest != wanted:
            return f"{wanted} is admitted, not {found.digest}"
        log.info("plugin taken", plugin=found.name, version=found.version, digest=found.digest)
        return found


def _name_in(path: Path) -> str | None:
    """The name the package's contract gives itself; what is not written plainly, the folder's."""
    for contract in CONTRACT_NAMES:
        try:
            with (path / contract).open("rb") as file:
                match = _NAME.search(file.read(_HEAD_BYTES))
        except OSError:
            continue
        return path.name if match is None else match[1].decode()
    return None


def _names_below(folder: Path) -> set[str]:
    return {name for path in folder.iterdir() if (name := _name_in(path)) is not None}
