"""The FastAPI dependency that turns an Authorization header into a Principal."""

from __future__ import annotations

from fastapi import Request

from treaty_chassis.http.problems import Problem
from treaty_chassis.http.tokens import Principal, TokenError, TokenVerifier

__all__ = ["Bearer"]


class Bearer:
    """`Depends(Bearer(verifier))` gives the Principal; 401 with WWW-Authenticate (RFC 6750) otherwise.

    The principal is also kept at `request.state.principal`, for the rate limit and the log.
    """

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    async def __call__(self, request: Request) -> Principal:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Problem(401, "a bearer token is needed", headers={"WWW-Authenticate": "Bearer"})
        try:
            principal = self._verifier.verify(token.strip())
        except TokenError as error:
            challenge = f'Bearer error="invalid_token", error_description="{error}"'
            raise Problem(401, str(error), headers={"WWW-Authenticate": challenge}) from error
        request.state.principal = principal
        return principal
