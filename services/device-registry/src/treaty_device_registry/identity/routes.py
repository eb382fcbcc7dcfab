"""The development issuer over HTTP: client credentials (RFC 6749 section 4.4) and discovery."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from treaty_device_registry.identity.model import LIFETIME_S, DevIssuer, ScopeError
from treaty_device_registry.ratelimit import RateLimit

__all__ = ["router"]

FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"const": "client_credentials"},
                        "client_id": {"type": "string", "description": "or HTTP Basic"},
                        "client_secret": {"type": "string"},
                        "scope": {
                            "type": "string",
                            "description": "workspace:<id>:<role> and platform:<role>, by spaces",
                        },
                    },
                }
            }
        },
    }
}


def router(issuer: DevIssuer, limit: RateLimit) -> APIRouter:
    """`limit` bounds requests for tokens by client address: secrets are not to be guessed."""
    routes = APIRouter(tags=["development issuer"])

    @routes.post("/oauth2/token", openapi_extra=FORM)
    async def issue_token(request: Request) -> Response:
        await limit.admit(request.client.host if request.client else "")
        body = (await request.body()).decode("utf-8", "replace")
        form = {name: values[-1] for name, values in parse_qs(body).items()}
        if form.get("grant_type") != "client_credentials":
            return _error("unsupported_grant_type", "grant_type: expected client_credentials")
        client = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
        if not issuer.knows(*client):
            return _error("invalid_client", "client id and secret do not match", 401)
        scope = form.get("scope", "")
        try:
            token = issuer.issue(scope)
        except ScopeError as error:
            return _error("invalid_scope", str(error))
        granted = {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME_S}
        granted["scope"] = scope or "platform:admin"
        return JSONResponse(granted, headers={"Cache-Control": "no-store"})

    @routes.get("/.well-known/jwks.json")
    async def jwks() -> dict[str, Any]:
        return {"keys": [issuer.public]}

    @routes.get("/.well-known/openid-configuration")
    async def openid_configuration(request: Request) -> dict[str, Any]:
        base = str(request.base_url).rstrip("/")
        return {
            "issuer": issuer.issuer,
            "token_endpoint": f"{base}/oauth2/token",
            "jwks_uri": f"{base}/.well-known/jwks.json",
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "response_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA"],
        }

    return routes


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(id), unquote_plus(secret)


def _error(code: str, description: str, status: int = 400) -> Response:
    """RFC 6749 section 5.2."""
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = "Basic"
    return JSONResponse({"error": code, "error_description": description}, status, headers)
