"""Signed payloads in DSSE envelopes with Ed25519 (RFC 8032).

Source of the form: the Dead Simple Signing Envelope, protocol 1.0.0 (secure-systems-lab/dsse).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

__all__ = ["ATTESTATION", "VERDICT", "Envelope", "SignatureInvalidError", "key_id", "sign", "verify"]

VERDICT = "application/vnd.treaty.verdict+json"
ATTESTATION = "application/vnd.treaty.attestation+json"


class SignatureInvalidError(ValueError):
    """The envelope is malformed, signed by another key, or not over these bytes."""


@dataclass(frozen=True, slots=True)
class Envelope:
    kind: str
    payload: bytes
    key: str
    signature: bytes

    def to_json(self) -> bytes:
        body = {
            "payloadType": self.kind,
            "payload": base64.b64encode(self.payload).decode(),
            "signatures": [{"keyid": self.key, "sig": base64.b64encode(self.signature).decode()}],
        }
        return json.dumps(body, sort_keys=True, indent=2).encode() + b"\n"


def _encoded(kind: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: type and payload with their lengths."""
    name = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def key_id(key: Ed25519PublicKey) -> str:
    """SHA-256 of the raw public key, hexadecimal."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def sign(kind: str, payload: bytes, key: Ed25519PrivateKey) -> Envelope:
    return Envelope(kind, payload, key_id(key.public_key()), key.sign(_encoded(kind, payload)))


def verify(content: bytes, key: Ed25519PublicKey) -> Envelope:
    """The envelope, its signature checked. Raises SignatureInvalidError."""
    try:
        body = json.loads(content)
        kind = body["payloadType"]
        payload = base64.b64decode(body["payload"], validate=True)
        [held] = [item for item in body["signatures"] if item["keyid"] == key_id(key)]
        signature = base64.b64decode(held["sig"], validate=True)
        key.verify(signature, _encoded(kind, payload))
    except InvalidSignature:
        raise SignatureInvalidError("the signature is not over this content") from None
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        raise SignatureInvalidError("no envelope signed by this key") from None
    return Envelope(kind, payload, key_id(key), signature)
