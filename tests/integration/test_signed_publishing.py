"""What `treaty plugin publish --key` sends is what governance takes: the engine's documents, real tables."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from treaty_chassis.http.bearer import Bearer
from treaty_chassis.http.tokens import TokenVerifier
from treaty_chassis.postgres.engine import create_engine
from treaty_chassis.postgres.migrations import upgrade
from treaty_contract_governance.app import api
from treaty_contract_governance.plugins.signatures import SignerPolicy, Signers
from treaty_contract_governance.tables import MIGRATIONS, SCHEMA
from treaty_contracts.cli import main as contracts

ROOT = Path(__file__).parents[2]
NAME = "milesight-em300"
ISSUER = Ed25519PrivateKey.generate()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "publisher.pem"
    assert contracts(["keygen", str(file)]) == 0
    return file


@pytest.fixture
def bearer(tmp_path: Path) -> str:
    claims: dict[str, Any] = {"iss": "treaty-dev", "aud": "treaty", "sub": "ada", "platform": "admin"}
    claims |= {"iat": int(time.time()), "exp": int(time.time()) + 3600}
    return jwt.encode(claims, ISSUER, "EdDSA", headers={"kid": "one"})


@pytest.fixture
def governance(database: Any, tmp_path: Path, key: Path) -> Iterator[str]:
    """Its address; it takes signed verdicts only."""
    upgrade(database.url, MIGRATIONS, SCHEMA)
    public = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(ISSUER.public_key()))
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [{**public, "kid": "one"}]}))
    app = api(
        create_engine(database.url, "test"),
        Bearer(TokenVerifier(tmp_path / "jwks.json", "treaty-dev", "treaty")),
        lambda: None,
        {},
        Signers(SignerPolicy.REQUIRE, Path(f"{key}.pub")),
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def publish(governance: str, bearer: str, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    (tmp_path / "token").write_text(bearer)
    there = {"TREATY_GOVERNANCE_URL": governance, "TREATY_TOKEN_FILE": str(tmp_path / "token")}

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "treaty_cli", "plugin", "publish", *map(str, arguments)]
        environment = os.environ | there
        return subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
        )

    return run


def test_a_publishers_key_admits_a_package_and_shows_who_vouches_for_it(
    governance: str, bearer: str, publish: Callable[..., Any], key: Path
) -> None:
    package = ROOT / "plugins" / NAME
    refused = publish(package)
    assert refused.returncode == 1
    assert "have to be signed" in refused.stderr

    found = publish(package, "--key", key)
    assert found.returncode == 0, found.stderr
    answer = httpx.get(
        f"{governance}/v1/plugins/{NAME}", headers={"Authorization": f"Bearer {bearer}"}, timeout=60
    )
    shown = answer.json()
    assert (shown["state"], shown["decided_by"].split()[0]) == ("admitted", "ada,")
    by_kind = {one["kind"]: one for one in shown["attested"]}
    assert by_kind.keys() == {"verdict", "host"}
    assert by_kind["verdict"]["verdict"] == by_kind["host"]["verdict"], "both speak of one verdict"
    assert all(shown["decided_by"].endswith(one["by"]) for one in shown["attested"])
    assert all(one["digest"] == shown["digest"] and one["admitted"] for one in shown["attested"])
