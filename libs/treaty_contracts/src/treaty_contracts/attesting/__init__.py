"""Verdicts and attestations signed, so that others need not repeat the judgement to trust it."""

from treaty_contracts.attesting.envelope import Envelope, SignatureInvalidError, sign, verify
from treaty_contracts.attesting.statement import attestation

__all__ = ["Envelope", "SignatureInvalidError", "attestation", "sign", "verify"]
