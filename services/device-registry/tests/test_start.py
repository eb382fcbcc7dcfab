"""What a start refuses, and how it says so, before anything runs."""

import pytest

from treaty_chassis.http.server import bind
from treaty_chassis.sealing import generate_key
from treaty_device_registry.__main__ import main
from treaty_device_registry.app import serve
from treaty_device_registry.settings import ApiSettings


@pytest.fixture
def environment(keys, monkeypatch):
    """A whole one, of servers that are not there: no start gets as far as to ask them."""
    given = {
        "DATABASE_URL": "postgresql://nobody:hunter2@127.0.0.1:1/none",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "REDIS_URL": "redis://127.0.0.1:1",
        "TREATY_HTTP_PORT": "0",
        "TREATY_JWKS_FILE": str(keys.jwks_file),
        "TREATY_SEALING_KEY": generate_key(),
        "TREATY_DEV_ISSUER_KEY_FILE": str(keys.private_file),
        "TREATY_DEV_CLIENT_SECRET": "secret",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.parametrize(
    "name",
    [
        "DATABASE_URL",
        "REDIS_URL",
        "KAFKA_BOOTSTRAP_SERVERS",
        "TREATY_SEALING_KEY",
        "TREATY_DEV_CLIENT_SECRET",
    ],
)
def test_a_missing_setting_is_named(environment, capsys, name):
    environment.delenv(name)
    assert main() == 2
    said = capsys.readouterr().err
    assert name in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TREATY_SEALING_KEY", "c2hvcnQ", "5 bytes, 32 needed"),
        ("TREATY_JWKS_FILE", "/nowhere/jwks.json", "No such file"),
        ("TREATY_DEV_ISSUER_KEY_FILE", "/nowhere/issuer.jwk", "private JWK"),
        ("DATABASE_URL", "mysql://nobody:hunter2@x/y", "expected postgresql://, got 'mysql'$"),
    ],
)
async def test_what_cannot_be_used_stops_the_start(environment, name, value, says):
    environment.setenv(name, value)
    with pytest.raises(ValueError, match=says):
        await serve(ApiSettings())


async def test_a_port_in_use_stops_the_start(environment):
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        environment.setenv("TREATY_HTTP_PORT", str(taken.getsockname()[1]))
        with pytest.raises(OSError, match="cannot listen on"):
            await serve(ApiSettings())


def test_settings_do_not_show_secrets(environment):
    shown = repr(ApiSettings())
    assert "hunter2" not in shown
    assert "secret'" not in shown.replace("SecretStr('**********')", "")
