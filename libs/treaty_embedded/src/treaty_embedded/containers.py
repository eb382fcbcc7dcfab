"""The three servers as docker-compose.yml runs them, in a Docker engine: TREATY_TEST_STACK=containers."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from treaty_embedded import ports
from treaty_embedded.errors import EmbeddedError, StartError
from treaty_embedded.process import wait_until

__all__ = ["KafkaContainer", "PostgresContainer", "ValkeyContainer"]

_COMPOSE: Final = Path(__file__).parents[4] / "docker-compose.yml"
_VARIABLE: Final = re.compile(r"\$(?:(\$)|\{(\w+):-([^}]*)\})")
_LOOPBACK: Final = "127.0.0.1"
_READY_S: Final = 300


def _service(name: str, variables: Mapping[str, str]) -> dict[str, Any]:
    """The compose file's, its variables put in as the engine does."""

    def value(found: re.Match[str]) -> str:
        dollar, variable, default = found.groups()
        return dollar or variables.get(variable) or default

    text = _COMPOSE.read_text()
    found: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(value, text))["services"][name]
    return found


class _Server(ABC):
    """One container, published on loopback alone. Its data outlives `stop` and `kill`, and goes with it at
    the end of the block. The folder is the embedded servers' affair."""

    def __init__(self, _: Path) -> None:
        self._container: Any = None

    def start(self) -> None:
        """Returns when it answers. Raises StartError with what the engine says."""
        # The engine's client is for runs that ask for it.
        from docker.errors import DockerException  # type: ignore[import-untyped]  # noqa: PLC0415
        from testcontainers.core.config import testcontainers_config  # noqa: PLC0415

        # Who starts it also takes it away; no second container has to watch it.
        testcontainers_config.ryuk_disabled = True
        try:
            if self._container is None:
                self._container = self._made()
                self._container.start()
            else:
                self._container.get_wrapped_container().start()
            self._wait()
        except (DockerException, TimeoutError, RuntimeError) as error:
            self.remove()
            raise StartError(f"{type(self).__name__}: {error}") from error

    @abstractmethod
    def _made(self) -> Any:
        """The container, not yet started."""

    @abstractmethod
    def _wait(self) -> None:
        """Returns when it answers. Raises TimeoutError."""

    def stop(self, timeout_s: float = 20) -> None:
        """In order, within the bound; `start` brings it back with its data, on the same port."""
        self._engine().stop(timeout=round(timeout_s))

    def kill(self) -> None:
        """SIGKILL, for crash tests; `start` brings it back with its data, on the same port."""
        self._engine().kill()

    def remove(self) -> None:
        """With its data."""
        if self._container is not None:
            self._container.stop()
            self._container = None

    def _engine(self) -> Any:
        if self._container is None:
            raise EmbeddedError(f"{type(self).__name__} is not running")
        return self._container.get_wrapped_container()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.remove()


class KafkaContainer(_Server):
    """One broker; clients reach it at the published port, which it has to know before it starts."""

    bootstrap_servers = ""

    def _made(self) -> Any:
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415

        port = ports.choose(None, "TREATY_KAFKA_PORT")
        self.bootstrap_servers = f"{_LOOPBACK}:{port}"
        service = _service("kafka", os.environ | {"TREATY_KAFKA_PORT": str(port)})
        made = DockerContainer(service["image"]).with_command(service["command"])
        made.ports["9092/tcp"] = (_LOOPBACK, port)  # type: ignore[assignment]
        for name, value in service["environment"].items():
            made = made.with_env(name, str(value))
        # Alone, it is the only one that has to find itself.
        return made.with_kwargs(hostname="kafka", init=True)

    def _wait(self) -> None:
        client = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})

        def seen() -> bool:
            try:
                return len(client.list_topics(timeout=1.0).brokers) == 1
            except KafkaException:
                return False

        if not wait_until(seen, _READY_S):
            raise TimeoutError(f"no broker answers at {self.bootstrap_servers} after {_READY_S} s")


class _Ready(_Server):
    """Its library waits for it."""

    inside = 0

    def _loopback(self, made: Any) -> Any:
        made.ports[f"{self.inside}/tcp"] = (_LOOPBACK, ports.choose(None, f"{type(self).__name__}'s port"))
        return made

    def _wait(self) -> None:
        """`start` came back when it answered."""

    @property
    def _address(self) -> str:
        return f"{_LOOPBACK}:{self._container.get_exposed_port(self.inside)}"


class PostgresContainer(_Ready):
    inside = 5432

    @property
    def url(self) -> str:
        made = self._container
        return f"postgresql://{made.username}:{made.password}@{self._address}/{made.dbname}"

    def _made(self) -> Any:
        from testcontainers.community.postgres import PostgresContainer as Made  # noqa: PLC0415

        # Durability is not what tests of a throw-away database wait for.
        image = _service("postgres", os.environ)["image"]
        made = Made(image, driver=None).with_command("postgres -c fsync=off -c max_connections=200")
        return self._loopback(made)


class ValkeyContainer(_Ready):
    inside = 6379

    @property
    def url(self) -> str:
        return f"redis://{self._address}/0"

    def _made(self) -> Any:
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415
        from testcontainers.core.wait_strategies import LogMessageWaitStrategy  # noqa: PLC0415

        service = _service("valkey", os.environ)
        made = DockerContainer(service["image"]).with_command(service["command"])
        # Its own class asks at the engine's address, and this one listens on loopback.
        return self._loopback(made.waiting_for(LogMessageWaitStrategy("Ready to accept connections")))
