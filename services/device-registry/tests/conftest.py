"""The API over a real PostgreSQL and Valkey, in this process; every test has workspaces of its own."""

import asyncio
import json
import time
import uuid
from types import SimpleNamespace
from urllib.parse import urlsplit, urlunsplit

import httpx
import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import async_sessionmaker

from treaty_chassis.http.bearer import Bearer
from treaty_chassis.http.tokens import TokenVerifier
from treaty_chassis.kafka.topics import admin, apply
from treaty_chassis.postgres.engine import create_engine
from treaty_chassis.postgres.migrations import upgrade
from treaty_chassis.postgres.outbox import unpack_headers
from treaty_chassis.sealing import SealingKey, generate_key
from treaty_device_registry import ratelimit
from treaty_device_registry.access import Resources
from treaty_device_registry.app import api
from treaty_device_registry.ratelimit import RateLimit
from treaty_device_registry.schema import MIGRATIONS, SCHEMA
from treaty_events.topics import raw_topic


@pytest.fixture(scope="session")
def migrated(postgres):
    """A database of this test process with the registry's schema; its URL."""
    name = f"registry_{uuid.uuid4().hex}"
    url = urlunsplit(urlsplit(postgres.url)._replace(path=f"/{name}"))
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        upgrade(url, MIGRATIONS, SCHEMA)
        yield url
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def query(migrated):
    """One statement's rows."""
    with psycopg.connect(migrated, autocommit=True, row_factory=psycopg.rows.dict_row) as connection:
        yield lambda sql, *given: connection.execute(sql, given).fetchall()


class Keys:
    """An issuer's key pair on disk, as services are given it."""

    def __init__(self, folder):
        key = Ed25519PrivateKey.generate()
        private = {**json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(key)), "kid": "test"}
        self.private_file, self.jwks_file = folder / "issuer.jwk", folder / "jwks.json"
        self.private_file.write_text(json.dumps(private))
        public = {name: value for name, value in private.items() if name != "d"}
        self.jwks_file.write_text(json.dumps({"keys": [public]}))
        self._key = key

    def token(self, subject="ada", workspaces=None, platform=None, expires_in=600):
        now = int(time.time())
        claims = {"iss": "treaty-dev", "aud": "treaty", "sub": subject, "iat": now, "exp": now + expires_in}
        claims["workspaces"] = workspaces or {}
        if platform:
            claims["platform"] = platform
        return jwt.encode(claims, self._key, "EdDSA", headers={"kid": "test"})


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def sealing_key():
    return SealingKey.parse(generate_key())


@pytest.fixture
def patient_limits(monkeypatch):
    """Limits that wait for Redis: a service lets a request pass that a busy machine held up."""
    monkeypatch.setattr(ratelimit, "TIMEOUT_S", 60.0)


@pytest.fixture
async def app(migrated, valkey, keys, sealing_key, request):
    """`create_topic` asks for the broker when a test makes a gateway with a topic of its own."""

    def create_topic(slug):
        apply(admin(request.getfixturevalue("kafka").bootstrap_servers), [raw_topic(slug)])

    engine = create_engine(migrated, "test")
    resources = Resources(
        sessions=async_sessionmaker(engine, expire_on_commit=False),
        bearer=Bearer(TokenVerifier(keys.jwks_file, "treaty-dev", "treaty")),
        limit=RateLimit(valkey.url, 100_000, uuid.uuid4().hex),
        sealing_key=sealing_key,
        create_topic=create_topic,
    )
    yield api(resources, {}, origins=["http://console.test"])
    await engine.dispose()


@pytest.fixture
async def client(app, keys):
    """A platform admin."""
    async with _client(app, keys.token("root", platform="admin")) as client:
        yield client


@pytest.fixture
async def stranger(app):
    """Somebody without a token."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry.test") as stranger:
        yield stranger


@pytest.fixture
async def as_member(app, keys):
    """`await as_member({workspace: role})` is a client of such a member."""
    opened = []

    async def open_client(workspaces, subject="member"):
        client = _client(app, keys.token(subject, workspaces))
        opened.append(client)
        return await client.__aenter__()

    yield open_client
    await asyncio.gather(*(client.__aexit__(None, None, None) for client in opened))


def _client(app, token):
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://registry.test",
        headers={"Authorization": f"Bearer {token}"},
    )


@pytest.fixture(scope="session")
def unique():
    """A name that no other test has."""
    return lambda prefix: f"{prefix}-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def make():
    """POSTs a document that has to be made; its JSON."""

    async def post(client, path, body, **headers):
        answer = await client.post(path, json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return post


@pytest.fixture
async def fleet(client, make, unique):
    """A workspace with a site, a signing native gateway, a model and one device; their JSON, and `path`."""
    workspace = await make(client, "/v1/workspaces", {"name": unique("workspace")})
    path = f"/v1/workspaces/{workspace['id']}"
    site = await make(client, f"{path}/sites", {"name": "Roof", "latitude": 47.37, "longitude": 8.54})
    gateway = await make(
        client,
        f"{path}/gateways",
        {"slug": unique("g"), "network": "native", "authentication": "signature", "site_id": site["id"]},
    )
    model = await make(
        client,
        "/v1/device-models",
        {"id": f"acme/{unique('m')}", "name": "M", "plugin": unique("acme"), "late_after_s": 60},
    )
    device = await make(
        client,
        f"{path}/devices",
        {"external_id": unique("dev"), "gateway_id": gateway["id"], "model": model["id"], "name": "Meter"},
    )
    return SimpleNamespace(
        path=path, workspace=workspace, site=site, gateway=gateway, model=model, device=device
    )


@pytest.fixture
def events_of(query):
    """What the outbox holds of an entity, oldest first: topic, value as JSON (None: a tombstone), headers."""

    def find(id):
        sql = "SELECT topic, value, headers FROM device_registry.outbox WHERE key = %s ORDER BY id"
        return [
            SimpleNamespace(
                topic=row["topic"],
                value=None if row["value"] is None else json.loads(row["value"]),
                headers=dict(unpack_headers(row["headers"])),
            )
            for row in query(sql, str(id).encode())
        ]

    return find


@pytest.fixture
def audited(query):
    def find(entity):
        sql = "SELECT subject, action, changes FROM device_registry.audit WHERE entity = %s ORDER BY id"
        return query(sql, str(entity))

    return find
