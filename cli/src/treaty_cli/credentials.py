"""The development installation's own keys, made once and kept under the home with mode 0600."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from treaty_cli.home import Home
from treaty_contracts.attesting.keys import private_key

__all__ = ["Credentials", "ensure"]

CLIENT_ID = "treaty-dev"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Files of the issuer's private key (JWK, Ed25519, RFC 8037) and of the public keys (JWK set, RFC 7517),
    the key that seals secrets for ingestion, and the client that may ask for tokens. Where verdicts have to
    be signed and no other key is named, this pair signs them: files in PEM, Ed25519."""

    issuer_key: Path
    jwks: Path
    sealing_key: str
    client_id: str
    client_secret: str
    publisher_key: Path
    publisher_public: Path


def ensure(home: Home) -> Credentials:
    """Those of an earlier start, or new ones."""
    folder = home.folder("keys")
    issuer, jwks = folder / "issuer.jwk", folder / "jwks.json"
    if not issuer.exists():
        private = _new_key()
        home.write(issuer, json.dumps(private))
    public = {name: value for name, value in json.loads(issuer.read_text()).items() if name != "d"}
    home.write(jwks, json.dumps({"keys": [public]}))
    publisher, trusted = folder / "publisher.pem", folder / "publisher.pem.pub"
    if not publisher.exists():
        made = Ed25519PrivateKey.generate()
        home.write(publisher, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    known = private_key(publisher).public_key()
    home.write(trusted, known.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    return Credentials(
        issuer_key=issuer,
        jwks=jwks,
        sealing_key=_kept(home, folder / "sealing"),
        client_id=CLIENT_ID,
        client_secret=_kept(home, folder / "client-secret"),
        publisher_key=publisher,
        publisher_public=trusted,
    )


def _kept(home: Home, path: Path) -> str:
    """32 random bytes in base64url."""
    if not path.exists():
        home.write(path, _base64url(secrets.token_bytes(32)))
    return path.read_text()


def _new_key() -> dict[str, str]:
    key = Ed25519PrivateKey.generate()
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
        "kid": secrets.token_hex(8),
        "x": _base64url(key.public_key().public_bytes_raw()),
        "d": _base64url(key.private_bytes_raw()),
    }


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
