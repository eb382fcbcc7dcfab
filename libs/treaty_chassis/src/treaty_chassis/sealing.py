"""Secrets at rest and in transit between services: AES-256-GCM (NIST SP 800-38D).

Sealed text is `v1.<key id>.<base64url of nonce, ciphertext and tag>`: a random 96-bit nonce, and as
associated data what the secret is about, so that a sealed value moved to another row does not open.
The key id, eight hex digits of the key's SHA-256, tells which of several keys sealed it: rotate by
putting the new key first and leaving the old one behind it until nothing sealed with it is left.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["SealError", "SealingKey", "generate_key", "seal", "unseal"]

NONCE = 12


class SealError(ValueError):
    """A key has another form, or a sealed value does not open; the message never carries the secret."""


@dataclass(frozen=True, slots=True)
class SealingKey:
    """One or more keys; the first seals, all of them open."""

    ids: tuple[str, ...]
    _ciphers: tuple[AESGCM, ...] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> SealingKey:
        """From base64url of 32 bytes; several are separated by commas, the sealing one first.

        Raises SealError.
        """
        keys = [_key(part.strip()) for part in text.split(",")]
        return cls(tuple(_id(key) for key in keys), tuple(AESGCM(key) for key in keys))

    def cipher(self, key_id: str) -> AESGCM:
        """Raises SealError where the key is not held."""
        if key_id not in self.ids:
            raise SealError(f"sealed with key {key_id[:8]}, which this service does not hold")
        return self._ciphers[self.ids.index(key_id)]


def generate_key() -> str:
    """A new key in the form SealingKey.parse reads."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


def seal(key: SealingKey, plaintext: bytes, about: str) -> str:
    """Opens only with the same `about` (an id the secret belongs to)."""
    nonce = os.urandom(NONCE)
    sealed = nonce + key.cipher(key.ids[0]).encrypt(nonce, plaintext, about.encode())
    return f"v1.{key.ids[0]}.{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"


def unseal(key: SealingKey, sealed: str, about: str) -> bytes:
    """Raises SealError where the text, the key or what it is about does not match."""
    version, _, rest = sealed.partition(".")
    key_id, _, body = rest.partition(".")
    if version != "v1" or not body:
        raise SealError("not a sealed value of version v1")
    cipher = key.cipher(key_id)
    try:
        raw = _base64url(body)
        return cipher.decrypt(raw[:NONCE], raw[NONCE:], about.encode())
    except (InvalidTag, ValueError) as error:
        raise SealError("the sealed value does not open for what it is said to be about") from error


def _base64url(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _key(text: str) -> bytes:
    try:
        found = _base64url(text)
    except (binascii.Error, ValueError) as error:
        raise SealError("a sealing key is not base64url") from error
    if len(found) != 32:
        raise SealError(f"a sealing key has {len(found)} bytes, 32 needed")
    return found


def _id(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:8]
