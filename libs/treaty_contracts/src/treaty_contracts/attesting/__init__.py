"""Verdicts and attestations signed, so that others need not repeat the judgement to trust it.

The names load on first use: who attests without signing needs no cryptography.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from treaty_contracts.attesting.envelope import Envelope, SignatureInvalidError, sign, verify
    from treaty_contracts.attesting.statement import attestation

__all__ = ["Envelope", "SignatureInvalidError", "attestation", "sign", "verify"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "statement" if name == "attestation" else "envelope"
    return getattr(import_module(f"{__name__}.{home}"), name)
