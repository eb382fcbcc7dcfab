"""An attestation: a verdict bound to the host that made it and to what confined the probe there."""

from __future__ import annotations

import json
from typing import Any

from treaty_contracts.environment import Host
from treaty_contracts.model import Contract
from treaty_contracts.verdict import Verdict

__all__ = ["attestation"]


def attestation(verdict: Verdict, host: Host, contract: Contract | None) -> bytes:
    """Canonical JSON: the verdict's digest, the package's, this host, its packages, what was applied.

    `sandbox` is null where the package was not run in this process's lifetime, for its source is refused.
    """
    applied = verdict.applied
    packages = contract.packages_in_full() if contract is not None else {}
    installed = {name: found.version for name in packages if (found := host.installed(name)) is not None}
    body: dict[str, Any] = {
        "attestation": "treaty-attestation/v1",
        "plugin": verdict.plugin,
        "version": verdict.version,
        "digest": verdict.digest,
        "verdict": verdict.verdict_digest,
        "admitted": verdict.admitted,
        "admitted_here": verdict.admitted_here,
        "host": host.public(),
        "host_findings": [finding.as_dict() for finding in verdict.host],
        "packages": installed,
        "sandbox": None
        if applied is None
        else {
            "kernel": applied.kernel,
            "architecture": applied.architecture,
            "policy": applied.policy,
            "applied": applied.applied,
            "missing": applied.missing,
        },
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
