"""Kafka, PostgreSQL and Valkey: embedded unless the environment points elsewhere; ports free unless set."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from treaty_cli.credentials import Credentials
from treaty_cli.home import Home
from treaty_cli.up import services
from treaty_cli.up.backing import Backing
from treaty_embedded import EmbeddedError, PortBusyError


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path / ".treaty")


ELSEWHERE = {
    "KAFKA_BOOTSTRAP_SERVERS": "broker.example:9092",
    "DATABASE_URL": "postgresql://db.example/treaty",
    "REDIS_URL": "redis://cache.example:6379/0",
}


@pytest.mark.parametrize(
    ("name", "variable"),
    [("kafka", "KAFKA_BOOTSTRAP_SERVERS"), ("postgres", "DATABASE_URL"), ("valkey", "REDIS_URL")],
)
def test_each_may_be_elsewhere_and_the_others_stay_embedded(home, name, variable):
    backing = Backing(home, {variable: ELSEWHERE[variable]})
    assert [n for n in backing.names() if not backing.embedded(n)] == [name]
    assert backing.address(name) == ELSEWHERE[variable]


def test_with_all_elsewhere_nothing_is_started_and_nothing_to_stop(home):
    backing = Backing(home, ELSEWHERE)
    for name in backing.names():
        backing.start(name)
    assert backing.servers == {}
    assert backing.environment() == ELSEWHERE
    backing.stop()


def test_an_embedded_one_is_where_services_are_told_it_is(home):
    backing = Backing(home, ELSEWHERE | {"REDIS_URL": ""})
    backing.start("valkey")
    try:
        assert backing.environment()["REDIS_URL"].startswith("redis://:")
        assert (home.path / "valkey" / "port").exists()
    finally:
        backing.stop()


def test_a_busy_port_that_was_insisted_on_is_an_error_that_names_it(home, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("TREATY_VALKEY_PORT", str(port))
        with pytest.raises(PortBusyError, match=rf"port {port} .*TREATY_VALKEY_PORT"):
            Backing(home, {}).start("valkey")
        monkeypatch.setenv("TREATY_PUSH_PORT", str(port))
        with pytest.raises(PortBusyError, match=rf"port {port} .*TREATY_PUSH_PORT"):
            services.addresses()


def test_a_port_that_is_none_is_an_error_that_names_the_setting(home, monkeypatch):
    monkeypatch.setenv("TREATY_KAFKA_PORT", "ninety")
    with pytest.raises(EmbeddedError, match=r"TREATY_KAFKA_PORT: expected a port .*'ninety'"):
        Backing(home, {})


def test_a_busy_port_that_is_only_preferred_is_passed_over(monkeypatch):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        preferred = services.Service("push", "treaty_push_gateway", taken.getsockname()[1])
        monkeypatch.setattr(services, "SERVICES", (preferred,))
        assert services.addresses()["push"] != preferred.port


def test_services_are_told_of_each_other_and_what_the_caller_says_wins(monkeypatch):
    keys = Credentials(
        Path("issuer"), Path("jwks"), "seal", "client", "secret", Path("key.pem"), Path("key.pem.pub")
    )
    ports = {service.name: 9000 + n for n, service in enumerate(services.SERVICES)}
    monkeypatch.setenv("TREATY_SANDBOX", "strict")
    monkeypatch.setenv("TREATY_SEALING_KEY", "of another platform")
    told = services.environment(keys, ELSEWHERE, ports, Path("/plugins"))
    assert told["TREATY_REGISTRY_URL"] == f"http://127.0.0.1:{ports['registry']}"
    assert f"http://127.0.0.1:{ports['push']}" in told["TREATY_CORS_ORIGINS"].split(",")
    assert told["TREATY_SANDBOX"] == "strict"
    assert told["TREATY_SEALING_KEY"] == "seal"
    assert told["KAFKA_BOOTSTRAP_SERVERS"] == "broker.example:9092"


def test_every_service_is_stopped_once():
    stopped = [name for step in services.STOPPING for name in step]
    assert sorted(stopped) == sorted(service.name for service in services.SERVICES)
