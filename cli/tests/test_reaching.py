"""A Kafka, PostgreSQL or Redis elsewhere that does not let the platform in is said to, within seconds."""

from __future__ import annotations

import threading
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from treaty_cli.addresses import AddressError
from treaty_cli.up.reaching import RefusedError, await_server
from treaty_embedded import EmbeddedError, Valkey, ports

SETTINGS = {"kafka": "KAFKA_BOOTSTRAP_SERVERS", "postgres": "DATABASE_URL", "valkey": "REDIS_URL"}
NOBODY = {
    "kafka": "127.0.0.1:{}",
    "postgres": "postgresql://treaty:hidden@127.0.0.1:{}/treaty",
    "valkey": "redis://:hidden@127.0.0.1:{}/0",
}


def reach(name: str, address: str, within_s: float = 60.0) -> list[str]:
    """What was said meanwhile."""
    said: list[str] = []
    await_server(name, SETTINGS[name], address, said.append, within_s)
    return said


def with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    user = parts.username or ""
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.hostname}:{parts.port}"))


@pytest.fixture
def nobody() -> int:
    """A port that nobody listens on."""
    return ports.choose(None, "TREATY_KAFKA_PORT")


def test_those_that_answer_are_not_waited_for(kafka, postgres, valkey):
    addresses = {"kafka": kafka.bootstrap_servers, "postgres": postgres.url, "valkey": valkey.url}
    assert [reach(name, address) for name, address in addresses.items()] == [[], [], []]


@pytest.mark.parametrize("name", NOBODY)
def test_one_that_does_not_listen_is_waited_for_and_said_so_and_given_up_by_name(name, nobody):
    said: list[str] = []
    with pytest.raises(
        RefusedError, match=f"{SETTINGS[name]}: 127.0.0.1:{nobody} has not answered"
    ) as given_up:
        await_server(name, SETTINGS[name], NOBODY[name].format(nobody), said.append, 0.5)
    assert len(said) == 1
    assert said[0].startswith(f"127.0.0.1:{nobody} does not answer: ")
    assert "refused" in f"{said[0]}{given_up.value}"
    assert "hidden" not in f"{said[0]}{given_up.value}"


def test_one_that_comes_up_meanwhile_is_found(nobody, tmp_path: Path):
    server, started = Valkey(tmp_path / "valkey", nobody), threading.Event()

    def start(_: str) -> None:
        """In place of the person who reads it."""
        started.set()
        server.start()

    # It asks for a password that the first address has not: it answers, and refuses.
    try:
        with pytest.raises(RefusedError, match="refuses: "):
            await_server("valkey", "REDIS_URL", f"redis://127.0.0.1:{nobody}/0", start, 120)
        assert started.is_set()
        assert reach("valkey", server.url) == []
    finally:
        server.stop()


def test_a_password_that_is_wrong_is_said_at_once(postgres, valkey):
    for name, url in (("postgres", postgres.url), ("valkey", valkey.url)):
        with pytest.raises(RefusedError, match=rf"{SETTINGS[name]}: 127\.0\.0\.1:\d+ refuses: ") as refused:
            reach(name, with_password(url, "mistaken"))
        assert "mistaken" not in str(refused.value)


def test_a_kafka_that_speaks_otherwise_is_said_at_once_with_the_setting(kafka, monkeypatch):
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SSL")
    with pytest.raises(RefusedError, match="KAFKA_SECURITY_PROTOCOL"):
        reach("kafka", kafka.bootstrap_servers)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("kafka", "nosuchhost.invalid:9092"),
        ("postgres", "postgresql://u:hidden@nosuchhost.invalid/treaty"),
        ("valkey", "redis://:hidden@nosuchhost.invalid"),
    ],
)
def test_a_host_that_nobody_knows_is_said_at_once(name, address):
    with pytest.raises(EmbeddedError, match=r"nosuchhost\.invalid") as refused:
        reach(name, address)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("postgres", "mysql://db/treaty"),
        ("postgres", "postgresql://["),
        ("valkey", "somewhere"),
        ("valkey", "redis://["),
    ],
)
def test_what_is_no_address_is_said_with_the_form_of_one(name, address):
    with pytest.raises(AddressError, match=f"{SETTINGS[name]} is no URL: .*://"):
        reach(name, address)


def test_a_kafka_without_the_names_it_needs_is_a_mistake_of_the_settings(monkeypatch):
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.delenv("KAFKA_SASL_USERNAME", raising=False)
    with pytest.raises(AddressError, match=r"^KAFKA_SECURITY_PROTOCOL=SASL_SSL needs KAFKA_SASL_USERNAME"):
        reach("kafka", "127.0.0.1:9092")
