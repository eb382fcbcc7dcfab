"""The push gateway as a process, on the run's broker: a topic, keys and a registry of its own."""

import asyncio
import base64
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import jwt
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from treaty_chassis.kafka.topics import existing
from treaty_embedded.settling import settle

ROOT = Path(__file__).parents[3]
PARTITIONS = 4
PATIENCE_S = 120
"""How long anything may take that a quiet machine does in a second."""


class Issuer:
    """Signs tokens with a key of the run's own."""

    def __init__(self, folder):
        self.key = Ed25519PrivateKey.generate()
        raw = self.key.public_key().public_bytes_raw()
        jwk = {"kty": "OKP", "crv": "Ed25519", "kid": "k1", "alg": "EdDSA"}
        jwk["x"] = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        self.jwks = folder / "jwks.json"
        self.jwks.write_text(json.dumps({"keys": [jwk]}))

    def token(self, *workspaces, expires_in=3600, platform=None):
        now = int(time.time())
        claims = {"iss": "treaty-dev", "aud": "treaty", "sub": "someone", "iat": now, "exp": now + expires_in}
        claims["workspaces"] = dict.fromkeys(workspaces, "viewer")
        if platform is not None:
            claims["platform"] = platform
        return jwt.encode(claims, self.key, "EdDSA", {"kid": "k1"})


class Writer:
    """Writes readings as the worker does, in transactions."""

    def __init__(self, bootstrap_servers, topic, workspace):
        self.topic, self.workspace, self.committed, self._count = topic, workspace, [], 0
        self._run = uuid.uuid4()
        self.producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "transactional.id": f"writer-{self._run}",
                "linger.ms": 0,
                "retry.backoff.ms": 1,
                "retry.backoff.max.ms": 5,
            }
        )
        self.producer.init_transactions(PATIENCE_S)

    def write(self, count=1, *, workspace=None, devices=8, abort=False, **more):
        """One transaction. Returns the ids of its readings; those of committed ones are kept."""
        ids, workspace = [], workspace or self.workspace
        self.producer.begin_transaction()
        for _ in range(count):
            device = f"{workspace}/{self._count % devices}"
            ids.append(f"{self._run}:0:{self._count}:0")
            body = reading(workspace, device, self._count) | more
            headers = [("ce_id", ids[-1].encode())]
            self.producer.produce(
                self.topic,
                json.dumps(body).encode(),
                device.encode(),
                partition=self._count % devices % PARTITIONS,
                headers=headers,
            )
            self._count += 1
        if abort:
            # What an abort leaves in the log, readers must not see.
            self.producer.flush(PATIENCE_S)
            self.producer.abort_transaction(PATIENCE_S)
        else:
            self.producer.commit_transaction(PATIENCE_S)
            self.committed += ids
        return ids


def reading(workspace, device, number):
    at = f"2026-01-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.000Z"
    return {
        "device": device,
        "workspace": workspace,
        "site": "s1",
        "gateway": "g1",
        "model": "maker/one",
        "observed_at": at,
        "ordered_at": at,
        "received_at": at,
        "measurements": [{"name": "count", "value": number, "unit": "1", "quality": "good"}],
        "properties": {},
        "provenance": {"plugin": "p", "version": "1.0.0", "digest": "sha256:0", "uplink": "u"},
    }


class FakeRegistry:
    """Answers GET /v1/workspaces/{w}/state with what a test puts in `states`, to the token it expects."""

    def __init__(self):
        self.states, self.tokens = {}, []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.tokens.append(self.headers.get("authorization"))
                found = re.fullmatch("/v1/workspaces/([^/]+)/state", self.path)
                body = outer.states.get(found[1]) if found else None
                data = json.dumps(body() if callable(body) else body).encode()
                self.send_response(200 if body is not None else 404)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, daemon=True).start()


class Node:
    """One process of the gateway; a restart keeps its port."""

    def __init__(self, environment, folder):
        self.environment, self.log = environment, folder / f"node-{uuid.uuid4().hex}.log"
        self.port, self.process = 0, None

    @property
    def http(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def stream(self):
        return f"ws://127.0.0.1:{self.port}/v1/stream"

    def start(self, until=None):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "treaty_push_gateway"],
                env={**os.environ, **self.environment, "TREATY_HTTP_PORT": str(self.port)},
                stdout=log,
                stderr=log,
            )
        self.until((lambda: until(self)) if until else self.ready)
        return self

    def until(self, done, within=PATIENCE_S):
        """What raises because the node does not answer is asked again."""
        deadline = time.monotonic() + within
        while not self._holds(done):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"exit {self.process.poll()}\n{self.log.read_text()[-4000:]}")
            time.sleep(0.02)

    @staticmethod
    def _holds(done):
        with contextlib.suppress(httpx.TransportError):
            return done()
        return False

    def listening(self):
        if not self.port:
            found = re.search(r'"port": (\d+)', self.log.read_text())
            self.port = int(found[1]) if found else 0
        return bool(self.port)

    def ready(self):
        """Whether it says so; raises httpx.TransportError where it says nothing."""
        return self.listening() and self.get("/readyz").status_code == 200

    def get(self, path, **more):
        return httpx.get(f"{self.http}{path}", timeout=PATIENCE_S, **more)

    def metric(self, name):
        """The sum over a metric's labels."""
        lines = self.get("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if re.match(rf"{name}(\{{|\s)", line))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE_S)


@pytest.fixture(scope="session")
def issuer(tmp_path_factory):
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture(scope="module")
def registry():
    found = FakeRegistry()
    yield found
    found.server.shutdown()


@pytest.fixture(scope="module")
def make_topic(kafka):
    """Creates topics of readings of their own, and deletes them in the end."""
    client, names = AdminClient({"bootstrap.servers": kafka.bootstrap_servers}), []

    def make(**config):
        names.append(f"reading.normalized.v1-{uuid.uuid4().hex}")
        client.create_topics([NewTopic(names[-1], PARTITIONS, 1, config=config)])[names[-1]].result(
            PATIENCE_S
        )
        settle(kafka.bootstrap_servers, [names[-1]])
        return names[-1]

    yield make
    for future in client.delete_topics(list(existing(client).keys() & names)).values():
        future.result(PATIENCE_S)


@pytest.fixture(scope="module")
def topic(make_topic):
    return make_topic()


@pytest.fixture
def workspace():
    """A workspace of this test's own: the topic and the node are shared."""
    return f"w-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def make_writer(kafka, topic, workspace):
    return lambda: Writer(kafka.bootstrap_servers, topic, workspace)


@pytest.fixture
def writer(make_writer):
    return make_writer()


@pytest.fixture(scope="module")
def start_node(kafka, topic, issuer, registry, tmp_path_factory):
    """Starts nodes on the topic, and waits till they are ready or `until(node)`; `SETTING=value` adds to
    their environment."""
    nodes = []

    def start(until=None, **settings):
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "TREATY_READINGS_TOPIC": topic,
            "TREATY_REGISTRY_URL": registry.url,
            "TREATY_JWKS_FILE": str(issuer.jwks),
            "TREATY_PLUGINS_DIR": str(ROOT / "plugins"),
            **{name: str(value) for name, value in settings.items()},
        }
        nodes.append(Node(environment, tmp_path_factory.mktemp("node")))
        return nodes[-1].start(until)

    yield start
    for node in nodes:
        node.stop()


@pytest.fixture(scope="module")
def node(start_node):
    return start_node()


@pytest.fixture
def token(issuer, workspace):
    """A viewer's, of the test's workspace."""
    return issuer.token(workspace)


@pytest.fixture(scope="session")
def collect():
    """Reads a Stream until `enough(messages)`, within its bound; returns the messages."""

    async def until(stream, enough):
        messages = []
        async with asyncio.timeout(PATIENCE_S):
            async for message in stream:
                messages.append(message)
                if enough(messages):
                    return messages
        raise AssertionError("the stream ended")

    return until
