"""The home keeps keys and addresses from one start to the next, for its owner's eyes only."""

from __future__ import annotations

import base64
import json

import jwt
import pytest

from treaty_chassis.sealing import SealingKey
from treaty_cli import credentials
from treaty_cli.home import Home, NotRunningError, Running


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path / ".treaty")


def test_where_the_platform_runs_is_remembered(home):
    running = Running(1, "127.0.0.1:9092", "postgresql://x", "redis://x", {"push": "http://127.0.0.1:8080"})
    home.remember(running)
    assert home.running() == running
    assert (home.path / "platform.json").stat().st_mode & 0o077 == 0


def test_nothing_brought_up_says_what_to_do(home):
    with pytest.raises(NotRunningError, match="run `treaty up` or `treaty demo` first"):
        home.running()


def test_a_record_of_another_version_says_what_to_do(home):
    home.make()
    (home.path / "platform.json").write_text('{"pid": 1}')
    with pytest.raises(NotRunningError, match="run `treaty up` again"):
        home.running()


def test_credentials_are_made_once(home):
    assert credentials.ensure(home) == credentials.ensure(home)


def test_every_key_is_its_owners_alone(home):
    credentials.ensure(home)
    for path in (home.path / "keys").iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


def test_what_the_issuer_signs_the_public_set_verifies(home):
    made = credentials.ensure(home)
    private = jwt.PyJWK(json.loads(made.issuer_key.read_text()), "EdDSA")
    public = jwt.PyJWKSet.from_dict(json.loads(made.jwks.read_text())).keys[0]
    token = jwt.encode({"sub": "x"}, private, "EdDSA", headers={"kid": private.key_id})
    assert jwt.decode(token, public, ["EdDSA"]) == {"sub": "x"}


def test_the_public_set_holds_nothing_private(home):
    assert '"d"' not in credentials.ensure(home).jwks.read_text()


def test_the_sealing_key_is_one_that_services_take(home):
    made = credentials.ensure(home)
    SealingKey.parse(made.sealing_key)
    assert len(base64.urlsafe_b64decode(made.sealing_key + "=")) == 32
