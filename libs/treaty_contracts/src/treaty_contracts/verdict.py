"""The judgement of one package: portable, and the same bytes wherever it is made."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from treaty_contracts.findings import Finding, Severity
from treaty_sandbox import Applied

__all__ = ["ENGINE", "Verdict"]

ENGINE = "treaty-contracts/3"
"""The judging rules' version: it changes whenever the same package may be judged differently."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the engine found of a package and its contract.

    `to_json` is canonical and holds only what follows from package, contract, policy and engine.
    `host` holds what follows from this machine (missing variables, other Python, packages); it is
    no part of the canonical bytes, nor is `applied`, which says what confined the probe. `admitted` is
    the portable judgement, `admitted_here` adds the host's.
    """

    plugin: str | None
    version: str | None
    digest: str
    findings: tuple[Finding, ...] = ()
    host: tuple[Finding, ...] = ()
    policy: dict[str, Any] = field(default_factory=dict)
    contract_error: bool = False
    applied: Applied | None = None

    @property
    def admitted(self) -> bool:
        return not any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def admitted_here(self) -> bool:
        return self.admitted and not any(finding.severity is Severity.ERROR for finding in self.host)

    @property
    def verdict_digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.to_json()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        return {
            "verdict": "treaty-verdict/v1",
            "engine": ENGINE,
            "plugin": self.plugin,
            "version": self.version,
            "digest": self.digest,
            "admitted": self.admitted,
            "policy": self.policy,
            "findings": [finding.as_dict() for finding in self.findings],
        }

    def to_json(self) -> bytes:
        """Canonical JSON: sorted keys, no spaces, UTF-8, a line feed at the end."""
        text = json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8", "backslashreplace") + b"\n"
