"""Verdicts and attestations signed by those whom the operator trusts: DSSE envelopes with Ed25519, as
`treaty-contracts sign` writes them."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from treaty_chassis.http.problems import Problem
from treaty_contract_governance.plugins.attestations import AttestationKind, Attested, Statement
from treaty_contract_governance.plugins.model import Verdict
from treaty_contracts.attesting import Envelope, SignatureInvalidError, verify
from treaty_contracts.attesting.envelope import ATTESTATION, VERDICT, key_id

__all__ = ["KeysError", "Signed", "SignerPolicy", "Signers"]

T = TypeVar("T", bound=BaseModel)
END = b"-----END PUBLIC KEY-----"


class KeysError(ValueError):
    """The trusted keys cannot be used; the message says why."""


class SignerPolicy(StrEnum):
    """ALLOW takes verdicts of whoever may govern, signed or not; REQUIRE signed ones only."""

    ALLOW = "allow"
    REQUIRE = "require"


class _Signature(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    keyid: Annotated[str, Field(max_length=200)]
    sig: Annotated[str, Field(max_length=1000)]


class Signed(BaseModel):
    """A DSSE envelope; its payload is a verdict or an attestation, base64."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    kind: Annotated[str, Field(alias="payloadType", max_length=200)]
    payload: str
    signatures: Annotated[list[_Signature], Field(min_length=1, max_length=10)]


class Signers:
    """Whose signatures hold. A signature that is given has to hold, whatever the policy."""

    def __init__(self, policy: SignerPolicy, keys: Path | None) -> None:
        """`keys` is a file of one or several public keys in PEM. Raises KeysError."""
        self.policy = policy
        self._keys = _load(keys) if keys is not None else {}
        if policy is SignerPolicy.REQUIRE and not self._keys:
            raise KeysError("TREATY_VERDICT_SIGNATURES=require needs TREATY_VERDICT_KEYS_FILE")

    def admit_unsigned(self) -> None:
        """Raises a 422 problem where signatures are required."""
        if self.policy is SignerPolicy.REQUIRE:
            detail = "verdicts have to be signed here: post the envelope to verdicts/signed"
            raise Problem(422, detail, code="signature_required")

    def verdict(self, signed: Signed) -> tuple[Verdict, Attested]:
        """The verdict, and who signed it. Raises a 422 problem."""
        envelope = self._open(signed, VERDICT)
        verdict = _payload(Verdict, envelope, "verdict")
        digest = "sha256:" + hashlib.sha256(envelope.payload).hexdigest()
        return verdict, _attested(verdict, envelope, AttestationKind.VERDICT, digest, verdict.admitted)

    def attestation(self, signed: Signed) -> Attested:
        """Raises a 422 problem."""
        envelope = self._open(signed, ATTESTATION)
        said = _payload(Statement, envelope, "attestation")
        return _attested(said, envelope, AttestationKind.HOST, said.verdict, said.admitted_here)

    def _open(self, signed: Signed, kind: str) -> Envelope:
        known = [one.keyid for one in signed.signatures if one.keyid in self._keys]
        if not known:
            raise Problem(422, "signed by no key that is trusted here", code="signer_unknown")
        try:
            envelope = verify(signed.model_dump_json(by_alias=True).encode(), self._keys[known[0]])
        except SignatureInvalidError as error:
            raise Problem(422, str(error), code="signature_invalid") from error
        if envelope.kind != kind:
            raise Problem(422, f"payloadType is not {kind}", code="signature_invalid")
        return envelope


def _payload(model: type[T], envelope: Envelope, what: str) -> T:
    try:
        return model.model_validate_json(envelope.payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "/".join(str(part) for part in first["loc"])
        raise Problem(422, f"the signed payload is no {what}: {where}: {first['msg']}") from error


def _attested(
    of: Verdict | Statement, envelope: Envelope, kind: AttestationKind, verdict: str, admitted: bool
) -> Attested:
    # Only the signature that was found to hold is kept: of the others nothing is known.
    body = envelope.to_json().decode()
    return Attested(of.plugin, of.version, of.digest, kind, envelope.key, verdict, admitted, body)


def _load(file: Path) -> dict[str, Ed25519PublicKey]:
    try:
        parts = [part + END for part in file.read_bytes().split(END)[:-1]]
        keys = [load_pem_public_key(part.strip()) for part in parts]
    except (OSError, ValueError) as error:
        raise KeysError(f"{file}: {error}") from error
    if not keys or not all(isinstance(key, Ed25519PublicKey) for key in keys):
        raise KeysError(f"{file}: expected Ed25519 public keys in PEM")
    return {key_id(key): key for key in keys if isinstance(key, Ed25519PublicKey)}
