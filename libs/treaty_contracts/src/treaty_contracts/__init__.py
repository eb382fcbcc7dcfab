"""The contract model and the one engine that judges plugin packages.

`check(path, policy)` judges a package folder, `load(path)` reads its contract, `digest(path)` names
its content. Nothing of a package ever runs in the caller's process. The names load on first use, so
that the confined child can import its own part of this package without the engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from treaty_contracts.engine import Engine, check, digest
    from treaty_contracts.findings import Finding, Place, Severity
    from treaty_contracts.model import Contract, ContractError, load
    from treaty_contracts.policy import Policy
    from treaty_contracts.verdict import Verdict

__all__ = [
    "Contract",
    "ContractError",
    "Engine",
    "Finding",
    "Place",
    "Policy",
    "Severity",
    "Verdict",
    "check",
    "digest",
    "load",
]

_HOMES = {
    "Contract": "model",
    "ContractError": "model",
    "Engine": "engine",
    "Finding": "findings",
    "Place": "findings",
    "Policy": "policy",
    "Severity": "findings",
    "Verdict": "verdict",
    "check": "engine",
    "digest": "engine",
    "load": "model",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
