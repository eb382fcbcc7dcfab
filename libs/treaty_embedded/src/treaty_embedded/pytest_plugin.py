"""Fixtures that give tests the real servers: `kafka`, `postgres`, `valkey`, and a fresh `database` a test.

One of each serves the whole run, pytest-xdist's workers included, so tests name their topics, schemas
and keys uniquely. KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL and REDIS_URL point them elsewhere.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import pytest

if TYPE_CHECKING:
    from treaty_embedded.steward import Steward

__all__ = ["Address", "Database", "KafkaAddress"]


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    bootstrap_servers: str


@dataclass(frozen=True, slots=True)
class Address:
    """A server by its URL, password included."""

    url: str


@dataclass(frozen=True, slots=True)
class Database:
    """An empty database of this test's own, dropped after it."""

    url: str


_STEWARD = "treaty_steward"
_steward = pytest.StashKey["Steward"]()


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _own_steward(config: pytest.Config) -> Steward:
    from treaty_embedded.steward import Steward  # noqa: PLC0415 - a run that needs no server pays for none

    if _steward not in config.stash:
        config.stash[_steward] = Steward()
    return config.stash[_steward]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """pytest-xdist: tells a worker, before it starts, whom to ask."""
    steward = _own_steward(node.config)
    node.workerinput[_STEWARD] = (steward.address, steward.key.hex())


def pytest_unconfigure(config: pytest.Config) -> None:
    if _steward in config.stash:
        config.stash[_steward].close()
        del config.stash[_steward]


def _address(config: pytest.Config, variable: str, name: str) -> str:
    given = os.environ.get(variable)
    if given:
        return given
    if not _is_worker(config):
        return _own_steward(config).start(name)
    from treaty_embedded.steward import ask  # noqa: PLC0415

    address, key = config.workerinput[_STEWARD]  # type: ignore[attr-defined]
    return ask(address, bytes.fromhex(key), name)


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> KafkaAddress:
    """The run's broker."""
    return KafkaAddress(_address(pytestconfig, "KAFKA_BOOTSTRAP_SERVERS", "kafka"))


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Address:
    """The run's PostgreSQL, as a superuser."""
    return Address(_address(pytestconfig, "DATABASE_URL", "postgres"))


@pytest.fixture(scope="session")
def valkey(pytestconfig: pytest.Config) -> Address:
    """The run's Valkey."""
    return Address(_address(pytestconfig, "REDIS_URL", "valkey"))


@pytest.fixture
def database(postgres: Address) -> Iterator[Database]:
    """An empty database of the run's PostgreSQL."""
    import psycopg  # noqa: PLC0415

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield Database(urlunsplit(urlsplit(postgres.url)._replace(path=f"/{name}")))
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
