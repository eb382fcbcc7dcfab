"""A migrated database, tokens, and the HTTP interface over it without Kafka."""

import json
import time

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from treaty_chassis.http.bearer import Bearer
from treaty_chassis.http.tokens import TokenVerifier
from treaty_chassis.postgres.engine import create_engine
from treaty_chassis.postgres.migrations import upgrade
from treaty_contract_governance.app import api
from treaty_contract_governance.plugins.signatures import SignerPolicy, Signers
from treaty_contract_governance.tables import MIGRATIONS, SCHEMA

KEY = ed25519.Ed25519PrivateKey.generate()


@pytest.fixture
def migrated(database):
    upgrade(database.url, MIGRATIONS, SCHEMA)
    return database


@pytest.fixture
async def engine(migrated):
    engine = create_engine(migrated.url, "test")
    yield engine
    await engine.dispose()


@pytest.fixture
def jwks(tmp_path):
    public = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(KEY.public_key()))
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [{**public, "kid": "one"}]}))
    return file


@pytest.fixture
def token():
    """Tokens by platform role; none without."""

    def make(platform=None):
        now = int(time.time())
        claims = {"iss": "treaty-dev", "aud": "treaty", "sub": "ada", "iat": now, "exp": now + 600}
        if platform:
            claims["platform"] = platform
        return jwt.encode(claims, KEY, "EdDSA", headers={"kid": "one"})

    return make


@pytest.fixture
def signers():
    """Those whose verdicts are believed; unsigned ones are taken."""
    return Signers(SignerPolicy.ALLOW, None)


@pytest.fixture
async def client(engine, jwks, token, signers):
    """As a platform admin; `client.woken` counts how often a topic may have become due."""
    woken = []
    app = api(
        engine,
        Bearer(TokenVerifier(jwks, "treaty-dev", "treaty")),
        lambda: woken.append(1),
        {"part": lambda: None},
        signers,
    )
    headers = {"Authorization": f"Bearer {token('admin')}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        client.woken = woken
        yield client


@pytest.fixture
def verdict():
    """A verdict as the engine writes it, of a package told by one letter."""

    def make(plugin="decentlab", version="1.0.0", package="a", admitted=True, **changed):
        findings = [] if admitted else [{"code": "P503", "severity": "error", "message": "a vector differs"}]
        return {
            "verdict": "treaty-verdict/v1",
            "engine": "treaty-contracts/1",
            "plugin": plugin,
            "version": version,
            "digest": "sha256:" + package * 64,
            "admitted": admitted,
            "policy": {"probe": True},
            "findings": findings,
            **changed,
        }

    return make
