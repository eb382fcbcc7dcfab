"""Reads files of a checkout, and of nothing else: what it holds was written by strangers."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from treaty_cli.lorawan.refusal import CheckoutError, RefusedError

__all__ = ["DEFINITION_BYTES", "SCRIPT_BYTES", "Checkout"]

DEFINITION_BYTES = 2 * 1024 * 1024
SCRIPT_BYTES = 2 * 1024 * 1024
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_VENDOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")


class Checkout:
    """A checkout of TheThingsNetwork/lorawan-devices by its folder. Links are followed within it only."""

    def __init__(self, root: Path) -> None:
        """Raises CheckoutError where the folder has no vendor/."""
        self.root = root.resolve()
        if not (self.root / "vendor").is_dir():
            raise CheckoutError(f"{root} holds no folder vendor/: is it a checkout of lorawan-devices?")

    def vendors(self) -> list[str]:
        """The folders below vendor/, by name."""
        with os.scandir(self.root / "vendor") as entries:
            return sorted(
                e.name for e in entries if e.is_dir(follow_symlinks=False) and _VENDOR.fullmatch(e.name)
            )

    def definitions(self, vendor: str) -> list[str]:
        """The names of the vendor's YAML files, without the ending.

        Bytes that are no UTF-8 are told with a backslash, and by such a name no file is read.
        """
        with os.scandir(self.root / "vendor" / vendor) as entries:
            names = [e.name.removesuffix(".yaml") for e in entries if e.name.endswith(".yaml")]
        return sorted(name.encode("utf-8", "backslashreplace").decode() for name in names)

    def read(self, path: str, limit: int) -> bytes:
        """A file by its POSIX path. Raises RefusedError: L802 missing, L803 not within, L804 larger."""
        parts = path.split("/")
        if any(part in {"", ".", ".."} or "\0" in part or "\\" in part for part in parts):
            raise RefusedError("L803", f"{path!r} is no path within the checkout")
        place = self.root.joinpath(*parts)
        try:
            real = place.resolve(strict=True)
        except (OSError, RuntimeError):
            raise RefusedError("L802", f"the checkout holds no {path}") from None
        if not real.is_relative_to(self.root):
            raise RefusedError("L803", f"{path} is a link out of the checkout")
        return self._read(real, path, limit)

    def _read(self, real: Path, path: str, limit: int) -> bytes:
        """The folders are entered one by one and no link followed any more: nothing can change in between."""
        folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        *folders, name = real.relative_to(self.root).parts
        try:
            for part in folders:
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                os.close(folder)
                folder = inner
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        except OSError as error:
            raise RefusedError("L803", f"{path}: {error.strerror}") from None
        finally:
            os.close(folder)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise RefusedError("L803", f"{path} is not a plain file")
            if status.st_size > limit:
                raise RefusedError("L804", f"{path} has more than {limit} bytes")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read(limit)
        finally:
            os.close(descriptor)

    def commit(self) -> str | None:
        """What HEAD points to, read from .git's files: git itself would obey the checkout's configuration."""
        head = self._git("HEAD")
        if head is None or not head.startswith("ref: "):
            return head if head and _COMMIT.fullmatch(head) else None
        name = head.removeprefix("ref: ")
        found = self._git(name)
        if found is None:
            packed = (self._git("packed-refs") or "").splitlines()
            found = next((line.split(" ")[0] for line in packed if line.endswith(f" {name}")), None)
        return found if found and _COMMIT.fullmatch(found) else None

    def _git(self, name: str) -> str | None:
        try:
            return self.read(f".git/{name}", DEFINITION_BYTES).decode("ascii", "replace").strip()
        except RefusedError:
            return None
