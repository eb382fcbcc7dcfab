"""Ed25519 keys in PEM files, as `treaty-contracts keygen` writes them."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

__all__ = ["private_key", "public_key"]


def private_key(file: Path) -> Ed25519PrivateKey:
    """Raises OSError, or ValueError where the file is no such key or is behind a password."""
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except TypeError:
        raise ValueError(f"{file} is behind a password") from None
    except ValueError as error:
        raise ValueError(f"{file} is no private key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{file} is no Ed25519 private key")
    return key


def public_key(file: Path) -> Ed25519PublicKey:
    """Raises OSError, or ValueError where the file is no such key."""
    try:
        key = load_pem_public_key(file.read_bytes())
    except ValueError as error:
        raise ValueError(f"{file} is no public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{file} is no Ed25519 public key")
    return key
