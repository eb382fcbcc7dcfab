"""The development issuer: one client, tokens signed with one Ed25519 key. Never in production."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import jwt

from treaty_chassis.http.tokens import Platform, Role, TokenVerifier

__all__ = ["DevIssuer", "IssuerError", "ScopeError"]

LIFETIME_S: Final = 24 * 3600


class IssuerError(ValueError):
    """The issuer cannot be used: its key has another form, or nobody would trust its tokens."""


class ScopeError(ValueError):
    """The scope asked for has another form."""


class DevIssuer:
    """`scope` is a list of `workspace:<id>:<role>` and `platform:<role>`; none is platform:admin."""

    def __init__(
        self, key_file: Path, issuer: str, audience: str, client_id: str, client_secret: str
    ) -> None:
        """Raises IssuerError."""
        try:
            jwk: dict[str, Any] = json.loads(key_file.read_bytes())
            self._kid = str(jwk["kid"])
            self._key = jwt.PyJWK(jwk, "EdDSA")
        except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
            raise IssuerError(f"{key_file}: expected a private JWK of Ed25519 with a kid") from error
        if jwk.get("crv") != "Ed25519" or "d" not in jwk:
            raise IssuerError(f"{key_file}: expected a private JWK of Ed25519")
        self.public = {name: value for name, value in jwk.items() if name != "d"}
        self.issuer = issuer
        self._audience = audience
        self._client = (client_id, client_secret)

    def trusted_by(self, verifier: TokenVerifier) -> None:
        """Raises IssuerError where the verifier would refuse this issuer's tokens."""
        try:
            verifier.verify(self.issue("platform:viewer"))
        except ValueError as error:
            raise IssuerError(f"the trusted keys do not verify the issuer's tokens: {error}") from error

    def knows(self, client_id: str, client_secret: str) -> bool:
        """Compared in constant time."""
        id_ok = secrets.compare_digest(client_id.encode(), self._client[0].encode())
        return secrets.compare_digest(client_secret.encode(), self._client[1].encode()) and id_ok

    def issue(self, scope: str) -> str:
        """A token for a day. Raises ScopeError."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self._audience,
            "sub": self._client[0],
            "iat": now,
            "exp": now + LIFETIME_S,
            **_claims(scope),
        }
        return jwt.encode(claims, self._key.key, "EdDSA", headers={"kid": self._kid})


def _claims(scope: str) -> dict[str, Any]:
    workspaces: dict[str, str] = {}
    claims: dict[str, Any] = {"workspaces": workspaces}
    for part in scope.split() or ["platform:admin"]:
        match part.split(":"):
            case ["platform", role] if role.upper() in Platform.__members__:
                claims["platform"] = role
            case ["workspace", workspace, role] if role.upper() in Role.__members__:
                try:
                    workspaces[str(UUID(workspace))] = role
                except ValueError as error:
                    raise ScopeError(f"{workspace[:40]} is no workspace id") from error
            case _:
                raise ScopeError(f"{part[:80]}: expected workspace:<id>:<role> or platform:<role>")
    return claims
