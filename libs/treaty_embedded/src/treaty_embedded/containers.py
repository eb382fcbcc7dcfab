"""The same three servers from their public images, in a Docker engine: TREATY_TEST_STACK=containers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from treaty_embedded import ports
from treaty_embedded.errors import StartError

__all__ = ["KafkaContainer", "PostgresContainer", "ValkeyContainer"]

_KAFKA = "apache/kafka:4.3.1"
_POSTGRES = "postgres:18"
_VALKEY = "valkey/valkey:9"
_READY_S = 300


class _Server(ABC):
    """One container, gone with its data when it stops. The folder is the embedded servers' affair."""

    def __init__(self, _: Path) -> None:
        self._container: Any = None

    def start(self) -> None:
        """Returns when it answers. Raises StartError with what the engine says."""
        # The engine's client is for runs that ask for it.
        from docker.errors import DockerException  # type: ignore[import-untyped]  # noqa: PLC0415
        from testcontainers.core.config import testcontainers_config  # noqa: PLC0415

        # The steward outlives every test and stops what it started; no second container has to watch it.
        testcontainers_config.ryuk_disabled = True
        try:
            self._container = self._made()
            self._container.start()
        except (DockerException, TimeoutError, RuntimeError) as error:
            self.stop()
            raise StartError(f"{type(self).__name__}: {error}") from error

    @abstractmethod
    def _made(self) -> Any:
        """The container, not yet started."""

    def stop(self, _: float = 0) -> None:
        if self._container is not None:
            self._container.stop()
            self._container = None


class KafkaContainer(_Server):
    """One broker; clients reach it at the published port, which it has to know before it starts."""

    bootstrap_servers = ""

    def _made(self) -> Any:
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415
        from testcontainers.core.wait_strategies import LogMessageWaitStrategy  # noqa: PLC0415

        port = ports.choose(None, "TREATY_KAFKA_PORT")
        self.bootstrap_servers = f"127.0.0.1:{port}"
        environment = {
            "KAFKA_NODE_ID": "1",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://localhost:9093",
            "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{self.bootstrap_servers}",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
            "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "4",
            "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
            "KAFKA_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS": "1000",
            "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        }
        made = DockerContainer(_KAFKA)
        made.ports["9092/tcp"] = ("127.0.0.1", port)  # type: ignore[assignment]  # loopback alone
        for name, value in environment.items():
            made = made.with_env(name, value)
        return made.waiting_for(LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(_READY_S))


class PostgresContainer(_Server):
    @property
    def url(self) -> str:
        return str(self._container.get_connection_url(driver=None))

    def _made(self) -> Any:
        from testcontainers.community.postgres import PostgresContainer as Made  # noqa: PLC0415

        # Durability is not what tests of a throw-away database wait for.
        return Made(_POSTGRES, driver=None).with_command("postgres -c fsync=off -c max_connections=200")


class ValkeyContainer(_Server):
    @property
    def url(self) -> str:
        host, port = self._container.get_container_host_ip(), self._container.get_exposed_port(6379)
        return f"redis://{host}:{port}/0"

    def _made(self) -> Any:
        from testcontainers.community.redis import RedisContainer  # noqa: PLC0415

        return RedisContainer(_VALKEY)
