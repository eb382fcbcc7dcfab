"""Valkey: bounded, private, and at home on its data after a stop in order."""

from __future__ import annotations

import socket

import pytest
import redis

from treaty_embedded import PortBusyError, Valkey

# One server for those that share it.
pytestmark = pytest.mark.xdist_group("embedded-valkey")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    with Valkey(tmp_path_factory.mktemp("valkey")) as found:
        yield found


def test_it_is_valkey_9_with_bounded_memory(server):
    with redis.Redis.from_url(server.url) as client:
        assert client.info("server")["valkey_version"].startswith("9.")
        assert client.config_get("maxmemory")["maxmemory"] == str(128 * 1024 * 1024)


def test_nobody_without_the_password(server):
    port = redis.Redis.from_url(server.url).connection_pool.connection_kwargs["port"]
    with redis.Redis(port=port) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_a_restart_keeps_port_and_data(server):
    before = server.url
    with redis.Redis.from_url(before) as client:
        client.set("kept", "1")
    server.restart()
    assert server.url == before
    with redis.Redis.from_url(before) as client:
        assert client.get("kept") == b"1"


def test_a_killed_one_comes_back(server):
    before = server.url
    server.kill()
    assert not server.alive()
    server.start()
    assert server.url == before
    assert server.alive()


def test_a_busy_port_names_the_port_and_the_setting(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortBusyError, match=rf"port {port} .*TREATY_VALKEY_PORT"):
            Valkey(tmp_path, port=port).start()
