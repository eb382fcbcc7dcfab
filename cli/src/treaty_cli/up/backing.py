"""Kafka, PostgreSQL and Valkey: embedded, or wherever the environment points."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from treaty_cli.home import Home
from treaty_cli.up.reaching import await_server
from treaty_cli.up.services import asked_port
from treaty_embedded import Kafka, Postgres, Valkey

__all__ = ["Backing", "Server"]

Server = Kafka | Postgres | Valkey

_NAMES = {"kafka": "KAFKA_BOOTSTRAP_SERVERS", "postgres": "DATABASE_URL", "valkey": "REDIS_URL"}


class Backing:
    """Each of the three, by name; an address from the environment wins over an embedded server."""

    def __init__(
        self,
        home: Home,
        environment: Mapping[str, str] = os.environ,
        say: Callable[[str, str], None] = lambda name, text: None,
    ) -> None:
        """`say(name, text)` is told of a wait for what a killed start has left behind."""
        self._given = {name: environment[key] for name, key in _NAMES.items() if environment.get(key)}
        kinds: dict[str, type[Server]] = {"kafka": Kafka, "postgres": Postgres, "valkey": Valkey}
        self.servers: dict[str, Server] = {
            name: kind(self._folder(home, name), asked_port(kind.PORT_SETTING), say=partial(say, name))
            for name, kind in kinds.items()
            if name not in self._given
        }

    @staticmethod
    def _folder(home: Home, name: str) -> Path:
        home.make()
        return home.path / name

    def embedded(self, name: str) -> bool:
        return name in self.servers

    def await_elsewhere(self, name: str, say: Callable[[str], None]) -> None:
        """Returns once the one elsewhere lets the platform in. Raises AddressError, EmbeddedError."""
        await_server(name, _NAMES[name], self._given[name], say)

    def names(self) -> Iterator[str]:
        yield from _NAMES

    def start(self, name: str) -> None:
        """Returns when it answers; at once where it is elsewhere. Raises EmbeddedError."""
        if name in self.servers:
            self.servers[name].start()

    def address(self, name: str) -> str:
        """bootstrap servers or a URL, password included."""
        if name in self._given:
            return self._given[name]
        server = self.servers[name]
        return server.bootstrap_servers if isinstance(server, Kafka) else server.url

    def environment(self) -> dict[str, str]:
        return {key: self.address(name) for name, key in _NAMES.items()}

    def stop(self) -> None:
        """Kafka last: the others have nothing to say to it, and services are gone by then."""
        for name in ("valkey", "postgres", "kafka"):
            if name in self.servers:
                self.servers[name].stop()
