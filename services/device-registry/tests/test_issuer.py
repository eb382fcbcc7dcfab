"""The development issuer: client credentials, discovery, and tokens that services believe."""

import base64
import uuid

import httpx
import pytest
from fastapi import FastAPI

from treaty_chassis.http import problems
from treaty_chassis.http.tokens import Platform, Role, TokenVerifier
from treaty_device_registry.identity.model import DevIssuer, IssuerError
from treaty_device_registry.identity.routes import router
from treaty_device_registry.ratelimit import RateLimit


@pytest.fixture
def issuer(keys):
    return DevIssuer(keys.private_file, "treaty-dev", "treaty", "dev", "p:ss wörd")


@pytest.fixture
def verifier(keys):
    return TokenVerifier(keys.jwks_file, "treaty-dev", "treaty")


@pytest.fixture
async def client(issuer, valkey, patient_limits):
    app = FastAPI()
    problems.install(app)
    app.include_router(router(issuer, RateLimit(valkey.url, 20, uuid.uuid4().hex)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


GRANT = {"grant_type": "client_credentials"}


@pytest.mark.parametrize("how", ["basic", "form"])
async def test_a_client_gets_a_platform_admins_token(client, verifier, how):
    if how == "basic":
        basic = base64.b64encode(b"dev:p%3Ass+w%C3%B6rd").decode()
        answer = await client.post("/oauth2/token", data=GRANT, headers={"Authorization": f"Basic {basic}"})
    else:
        form = {**GRANT, "client_id": "dev", "client_secret": "p:ss wörd"}
        answer = await client.post("/oauth2/token", data=form)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 86400)
    assert verifier.verify(body["access_token"]).platform is Platform.ADMIN


async def test_a_scope_narrows_the_token(client, verifier):
    workspace = str(uuid.uuid4())
    form = {
        **GRANT,
        "client_id": "dev",
        "client_secret": "p:ss wörd",
        "scope": f"workspace:{workspace}:viewer platform:viewer",
    }
    body = (await client.post("/oauth2/token", data=form)).json()
    principal = verifier.verify(body["access_token"])
    assert (principal.workspaces, principal.platform) == ({workspace: Role.VIEWER}, Platform.VIEWER)


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({}, 400, "unsupported_grant_type"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        (GRANT, 401, "invalid_client"),
        ({**GRANT, "client_id": "dev", "client_secret": "wrong"}, 401, "invalid_client"),
        ({**GRANT, "client_id": "other", "client_secret": "p:ss wörd"}, 401, "invalid_client"),
        (
            {**GRANT, "client_id": "dev", "client_secret": "p:ss wörd", "scope": "workspace:x:viewer"},
            400,
            "invalid_scope",
        ),
        (
            {**GRANT, "client_id": "dev", "client_secret": "p:ss wörd", "scope": "platform:god"},
            400,
            "invalid_scope",
        ),
    ],
)
async def test_what_is_refused_says_why(client, form, status, code):
    answer = await client.post("/oauth2/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (status, code)


async def test_bytes_that_are_no_text_are_refused(client):
    assert (await client.post("/oauth2/token", content=b"grant_type=\xff")).status_code == 400
    answer = await client.post("/oauth2/token", data=GRANT, headers={"Authorization": b"Basic \xff"})
    assert answer.status_code == 401


async def test_secrets_are_not_guessed_for_long(client):
    form = {**GRANT, "client_id": "dev", "client_secret": "wrong"}
    answers = [await client.post("/oauth2/token", data=form) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [401] * 20 + [429]


async def test_discovery_names_the_public_key_and_nothing_private(client, keys):
    found = (await client.get("/.well-known/openid-configuration")).json()
    assert found["issuer"] == "treaty-dev"
    jwks = (await client.get(found["jwks_uri"])).json()
    assert [key["kid"] for key in jwks["keys"]] == ["test"]
    assert "d" not in jwks["keys"][0]


def test_an_issuer_nobody_trusts_stops_the_start(keys, verifier, tmp_path):
    with pytest.raises(IssuerError, match="do not verify"):
        DevIssuer(keys.private_file, "another", "treaty", "dev", "x").trusted_by(verifier)
    with pytest.raises(IssuerError, match="private JWK"):
        DevIssuer(keys.jwks_file, "treaty-dev", "treaty", "dev", "x")
    public_only = tmp_path / "public.jwk"
    public_only.write_text(keys.jwks_file.read_text().removeprefix('{"keys": [').removesuffix("]}"))
    with pytest.raises(IssuerError, match="private JWK"):
        DevIssuer(public_only, "treaty-dev", "treaty", "dev", "x")
