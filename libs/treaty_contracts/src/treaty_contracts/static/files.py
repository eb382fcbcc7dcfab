"""What lies in the package besides source: native code, compiled caches, links."""

from __future__ import annotations

import hashlib

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.model import Contract
from treaty_contracts.package import Snapshot

__all__ = ["judge_files"]

_NATIVE = (".so", ".pyd", ".dll", ".dylib", ".o", ".a", ".node", ".wasm")
_COMPILED = (".pyc", ".pyo", ".pth", ".egg", ".whl", ".pyz", ".zip", ".egg-link")
_MAGIC = {
    b"\x7fELF": "an ELF program",
    b"MZ": "a Windows program",
    b"\xcf\xfa\xed\xfe": "a Mach-O program",
    b"\xca\xfe\xba\xbe": "a Mach-O or Java program",
    b"#!": "a script with an interpreter line",
}


def _magic(path: str, content: bytes) -> str | None:
    for start, what in _MAGIC.items():
        if content.startswith(start) and not (start == b"#!" and path.endswith((".py", ".md"))):
            return what
    return None


def judge_files(snapshot: Snapshot, contract: Contract) -> list[Finding]:
    found: list[Finding] = []

    def say(
        code: str,
        message: str,
        path: str,
        hint: str | None = None,
        expected: str | None = None,
        observed: str | None = None,
    ) -> None:
        found.append(
            Finding(
                code,
                Severity.ERROR,
                message,
                place=Place(path),
                expected=expected,
                observed=observed,
                hint=hint,
            )
        )

    for path, what in snapshot.irregular.items():
        say(
            "X312",
            f"{path} is a {what}" if what.startswith("link") else f"{path} is {what}",
            path,
            hint="a package holds plain files only: what they say is what was hashed",
        )
    for path, content in snapshot.files.items():
        pinned = contract.imports.native.get(path)
        name = path.rsplit("/", 1)[-1]
        if pinned is not None:
            observed = "sha256:" + hashlib.sha256(content).hexdigest()
            if observed != pinned:
                say("X310", f"{path} is not the pinned file", path, expected=pinned, observed=observed)
        elif name.endswith(_COMPILED):
            say("X314", f"{path} holds compiled or packed code that cannot be read", path)
        elif name.endswith(_NATIVE) or ".so." in name:
            say(
                "X310",
                f"{path} is native code",
                path,
                hint="pin it by hash under imports.native, or take it out",
            )
        elif (kind := _magic(path, content)) is not None:
            say("X310", f"{path} is {kind}", path)
    for path in contract.imports.native:
        if path not in snapshot.files:
            found.append(Finding("C107", Severity.ERROR, f"the package holds no {path}", "imports.native"))
    return found
