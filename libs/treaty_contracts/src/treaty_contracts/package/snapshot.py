"""Read a package folder whole into memory and name it by its content."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["IGNORED_FOLDERS", "MAX_FILES", "MAX_PACKAGE_BYTES", "PackageTooLargeError", "Snapshot", "take"]

MAX_FILES = 4096
MAX_PACKAGE_BYTES = 64 * 1024 * 1024
IGNORED_FOLDERS = frozenset({"__pycache__", ".git", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
"""Caches: never shown to the child, so what they hold cannot change what the plugin does."""


class PackageTooLargeError(ValueError):
    """The folder holds more files or bytes than a plugin package may."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a package folder held at one moment.

    `files` maps POSIX paths relative to the folder to content. `irregular` names what is no plain
    file (links, sockets, devices) with what it is; nothing of that is ever opened or followed.
    """

    root: Path
    files: dict[str, bytes]
    irregular: dict[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """`sha256:` over (path, content) of every file, in path order, each part length-prefixed."""
        whole = hashlib.sha256(b"treaty-package/1\0")
        for path in sorted(self.files):
            name = path.encode("utf-8", "surrogateescape")
            content = self.files[path]
            whole.update(b"F%d:%b%d:" % (len(name), name, len(content)))
            whole.update(content)
        for path in sorted(self.irregular):
            name = path.encode("utf-8", "surrogateescape")
            kind = self.irregular[path].encode("utf-8", "surrogateescape")
            whole.update(b"L%d:%b%d:%b" % (len(name), name, len(kind), kind))
        return "sha256:" + whole.hexdigest()

    def code_files(self) -> dict[str, bytes]:
        """The source the child is given."""
        return {path: content for path, content in self.files.items() if path.endswith((".py", ".js"))}

    def python_files(self) -> dict[str, bytes]:
        return {path: content for path, content in self.files.items() if path.endswith(".py")}


def _entries(folder: str, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            path = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in IGNORED_FOLDERS:
                    yield from _entries(entry.path, path + "/")
            else:
                yield path, entry


def _read(path: str, limit: int) -> bytes | None:
    """The file's bytes, or None when it is no plain file (it may have been swapped for a link)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        if status.st_size > limit:
            raise PackageTooLargeError(f"more than {MAX_PACKAGE_BYTES} bytes in one package")
        content = os.read(descriptor, status.st_size + 1)
        while len(content) < status.st_size:
            part = os.read(descriptor, status.st_size - len(content))
            if not part:
                break
            content += part
        return content
    finally:
        os.close(descriptor)


def take(root: Path) -> Snapshot:
    """Read every file below `root`, caches aside.

    Raises FileNotFoundError or NotADirectoryError where there is no such folder, PackageTooLargeError
    past MAX_FILES or MAX_PACKAGE_BYTES, OSError for what cannot be read.
    """
    files: dict[str, bytes] = {}
    irregular: dict[str, str] = {}
    left = MAX_PACKAGE_BYTES
    for path, entry in _entries(os.fspath(root), ""):
        if len(files) + len(irregular) >= MAX_FILES:
            raise PackageTooLargeError(f"more than {MAX_FILES} files in one package")
        if entry.is_symlink():
            irregular[path] = "link to " + os.readlink(entry.path)
            continue
        content = _read(entry.path, left) if entry.is_file(follow_symlinks=False) else None
        if content is None:
            irregular[path] = "not a plain file"
            continue
        left -= len(content)
        files[path] = content
    return Snapshot(Path(root), files, irregular)
