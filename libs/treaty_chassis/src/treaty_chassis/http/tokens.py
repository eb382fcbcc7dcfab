"""Bearer tokens: JSON Web Tokens (RFC 7519) verified against a set of public keys (RFC 7517).

The algorithm follows from the key, never from the token: Ed25519 is EdDSA, P-256 is ES256, RSA of
2,048 bits or more is RS256. Symmetric keys are refused when the set loads. `exp`, `nbf` where
present, `iss`, `aud`, `sub` and `iat` are checked with ten seconds' leeway.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from treaty_chassis.http.problems import Problem

__all__ = ["KeySetError", "Platform", "Principal", "Role", "TokenError", "TokenVerifier"]

LEEWAY_S = 10
LONGEST = 8192
ALGORITHMS = {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256", ("RSA", None): "RS256"}


class TokenError(ValueError):
    """The token does not prove who speaks; the message is safe to show to its bearer."""


class KeySetError(ValueError):
    """The key set cannot be used; the message says which key and why."""


class Role(IntEnum):
    """What a principal may do in a workspace; a greater role includes the lesser."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3


class Platform(IntEnum):
    """What a principal may do beyond workspaces. An admin acts as admin in every workspace; a viewer
    reads what belongs to no workspace (plugins, schemas)."""

    VIEWER = 1
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Principal:
    """Who speaks, until `expires_at` (seconds since 1970-01-01 UTC)."""

    subject: str
    workspaces: Mapping[str, Role] = field(default_factory=dict)
    platform: Platform | None = None
    expires_at: int = 0

    def may(self, workspace: str, role: Role = Role.VIEWER) -> bool:
        """Whether this principal has at least the role in the workspace."""
        return self.platform is Platform.ADMIN or self.workspaces.get(workspace, 0) >= role

    def require(self, workspace: str, role: Role = Role.VIEWER) -> None:
        """Raises a 404 problem where the workspace may not even be seen, 403 where the role is too low."""
        if not self.may(workspace):
            raise Problem(404, "no such workspace")
        if not self.may(workspace, role):
            raise Problem(403, f"the role {role.name.lower()} is needed in this workspace")

    def require_platform(self, role: Platform = Platform.ADMIN) -> None:
        """Raises a 403 problem unless the principal has the platform role."""
        if self.platform is None or self.platform < role:
            raise Problem(403, f"the platform role {role.name.lower()} is needed")


class TokenVerifier:
    """Verifies tokens of one issuer for one audience. A key set that changed on disk is read again
    when a token names a key it does not hold, so keys rotate without a restart."""

    def __init__(self, jwks_file: Path, issuer: str, audience: str) -> None:
        """Raises KeySetError where the file cannot be used."""
        self._file = jwks_file
        self._issuer = issuer
        self._audience = audience
        self._keys, self._stamp = _load(jwks_file)

    def verify(self, token: str) -> Principal:
        """Raises TokenError."""
        if len(token) > LONGEST:
            raise TokenError("the token is too long")
        try:
            key = self._key(jwt.get_unverified_header(token).get("kid"))
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub", "iat"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenError("the token has expired") from error
        except jwt.MissingRequiredClaimError as error:
            raise TokenError(f"the token lacks the claim {error.claim}") from error
        except jwt.InvalidIssuerError as error:
            raise TokenError("the token is of another issuer") from error
        except jwt.InvalidAudienceError as error:
            raise TokenError("the token is for another audience") from error
        except jwt.ImmatureSignatureError as error:
            raise TokenError("the token is not valid yet") from error
        except jwt.PyJWTError as error:
            raise TokenError("the token is not valid") from error
        return _principal(claims)

    def _key(self, kid: str | None) -> jwt.PyJWK:
        if kid not in self._keys and _stamp(self._file) != self._stamp:
            self._keys, self._stamp = _load(self._file)
        if kid in self._keys:
            return self._keys[kid]
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        raise TokenError("the token names no key this service trusts")


def _stamp(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError as error:
        raise KeySetError(f"{file}: {error.strerror}") from error
    return found.st_mtime_ns, found.st_size


def _load(file: Path) -> tuple[dict[str | None, jwt.PyJWK], tuple[int, int]]:
    stamp = _stamp(file)
    try:
        listed = json.loads(file.read_bytes())["keys"]
        if not isinstance(listed, list) or not listed:
            raise KeySetError(f"{file}: no keys")
        keys = [_public(file, number, entry) for number, entry in enumerate(listed)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise error if isinstance(error, KeySetError) else KeySetError(f"{file}: not a JWK set") from error
    found = {key.key_id: key for key in keys}
    if len(found) != len(keys):
        raise KeySetError(f"{file}: two keys have one kid")
    return found, stamp


def _public(file: Path, number: int, entry: Mapping[str, Any]) -> jwt.PyJWK:
    where = f"{file}: key {number}"
    kind, curve = entry.get("kty"), entry.get("crv")
    algorithm = ALGORITHMS.get((str(kind), None if kind == "RSA" else curve))
    if algorithm is None:
        raise KeySetError(f"{where}: kty {kind!r}, crv {curve!r} is not one of Ed25519, P-256, RSA")
    if entry.get("alg", algorithm) != algorithm:
        raise KeySetError(f"{where}: alg is {entry['alg']!r}, the key's is {algorithm}")
    if "d" in entry:
        raise KeySetError(f"{where}: this is a private key")
    try:
        key = jwt.PyJWK(dict(entry), algorithm)
    except jwt.PyJWTError as error:
        raise KeySetError(f"{where}: {error}") from error
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < 2048:
        raise KeySetError(f"{where}: RSA of {key.key.key_size} bits, 2048 needed")
    return key


def _principal(claims: Mapping[str, Any]) -> Principal:
    listed, platform = claims.get("workspaces", {}), claims.get("platform")
    try:
        return Principal(
            subject=claims["sub"],
            workspaces={str(workspace): Role[role.upper()] for workspace, role in listed.items()},
            platform=None if platform is None else Platform[platform.upper()],
            expires_at=int(claims["exp"]),
        )
    except (KeyError, AttributeError) as error:
        raise TokenError("the token's workspaces or platform claim has another form") from error
