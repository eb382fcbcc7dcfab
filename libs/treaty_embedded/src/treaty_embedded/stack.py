"""What a test run's servers are: child processes, or with TREATY_TEST_STACK=containers a Docker engine's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from treaty_embedded.containers import KafkaContainer, PostgresContainer, ValkeyContainer
from treaty_embedded.errors import EmbeddedError
from treaty_embedded.kafka import Kafka
from treaty_embedded.postgres import Postgres
from treaty_embedded.valkey import Valkey

__all__ = ["Broker", "Server", "broker", "server"]


class Server(Protocol):
    """`with` starts it and takes it away; in between it can be stopped or killed, and started again on the
    same port with its data."""

    def start(self) -> None: ...

    def stop(self, timeout_s: float = ...) -> None: ...

    def kill(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None: ...


class Broker(Server, Protocol):
    @property
    def bootstrap_servers(self) -> str: ...


def broker(data_dir: Path) -> Broker:
    """A Kafka for one test alone, which may stop and kill it. Raises EmbeddedError."""
    return KafkaContainer(data_dir) if _in_containers() else Kafka(data_dir)


def server(name: str, data_dir: Path) -> tuple[Server, Callable[[], str]]:
    """kafka, postgres or valkey, not yet started, and what its address will be. Raises EmbeddedError."""
    if name == "kafka":
        kafka = broker(data_dir)
        return kafka, lambda: kafka.bootstrap_servers
    if name == "postgres":
        postgres = PostgresContainer(data_dir) if _in_containers() else Postgres(data_dir, durable=False)
        return postgres, lambda: postgres.url
    valkey = ValkeyContainer(data_dir) if _in_containers() else Valkey(data_dir)
    return valkey, lambda: valkey.url


_STACKS: Final = ("embedded", "containers")


def _in_containers() -> bool:
    """Raises EmbeddedError for a stack that there is none of."""
    stack = os.environ.get("TREATY_TEST_STACK", "embedded")
    if stack not in _STACKS:
        raise EmbeddedError(f"TREATY_TEST_STACK: expected one of {', '.join(_STACKS)}, got {stack!r}")
    return stack == "containers"
