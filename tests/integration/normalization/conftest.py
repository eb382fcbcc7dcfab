from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from treaty_chassis.kafka import topics
from treaty_chassis.kafka.history import record_of
from treaty_chassis.kafka.work import Record
from treaty_contracts import digest as package_digest
from treaty_embedded import ports
from treaty_embedded.pytest_plugin import KafkaAddress
from treaty_events.codec import decode, encode
from treaty_events.decisions import ContractDecided, PluginReported, PluginState
from treaty_events.envelope import Envelope
from treaty_events.headers import VERSION
from treaty_events.readings import ReadingNormalized
from treaty_events.topics import accepted_topic, standing_topics
from treaty_events.uplinks import UplinkAccepted

NOW_MS = 1_767_323_045_700


def until(holds: Callable[[], Any], what: str, seconds: float = 60.0) -> float:
    """Seconds it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.02)
    return time.monotonic() - began


@dataclass
class Worker:
    """A worker process on its own plugins folder, group and plugin names, and what surrounds it."""

    servers: str
    folder: Path
    group: str
    log: Path
    program: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    _decided: int = 0
    _offset: int = 0
    _made: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.port = ports.choose(None, "TREATY_HTTP_PORT")
        environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": self.servers,
            "TREATY_PLUGINS_DIR": str(self.folder),
            "TREATY_NORMALIZATION_GROUP": self.group,
            "TREATY_HTTP_PORT": str(self.port),
            **self.environment,
        }
        program = ["-m", "treaty_normalization"] if self.program is None else [str(self.program)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, *program], env=environment, stderr=log)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def ready(self) -> dict[str, Any]:
        """The body of /readyz, {} while nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            found = json.load(error)
        except OSError:
            return {}
        return found

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return sum(
            float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((name + "{", name + " "))
        )

    def logged(self, message: str) -> list[dict[str, Any]]:
        """Lines of its log with that message."""
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [entry for line in lines if (entry := json.loads(line)).get("message") == message]

    def check(self, name: str) -> str:
        """What readiness says of one part; empty while nothing is said."""
        found: str = self.ready().get("checks", {}).get(name, "")
        return found

    def reports(self, plugin: str) -> list[PluginReported]:
        found = self.committed("plugin.reported.v1", {plugin})
        return [decode(PluginReported, r.value or b"") for r in found]

    def topic(self, plugin: str) -> str:
        """The plugin's accepted topic, created if it is not there."""
        topic = accepted_topic(plugin)
        admin = topics.admin(self.servers)
        topics.apply(admin, [topic])
        until(lambda: topic.name in topics.existing(admin), "the topic")
        return topic.name

    def decide(
        self, plugin: str, state: PluginState, digest: str | None = None, *, used: bool = True
    ) -> None:
        """As governance does."""
        self._decided += 1
        digest = package_digest(self.folder / plugin) if digest is None else digest
        decision = ContractDecided(
            plugin, "1.0.0", digest, state, "test", "test", "2026-01-02T03:04:05.678Z", self._decided,
            self.topic(plugin) if used else None,
        )  # fmt: skip
        headers = [
            *Envelope(str(uuid.uuid4()), "/test", ContractDecided.TYPE).headers(),
            (VERSION, str(self._decided).encode()),
        ]
        self._produce("contract.decided.v1", [(plugin.encode(), encode(decision), headers)])

    def accept(self, plugin: str, uplinks: list[UplinkAccepted]) -> list[str]:
        """Produces them as ingestion does; their ids."""
        raw = str(uuid.uuid4())
        ids = [f"{raw}:0:{offset}:0" for offset in range(len(uplinks))]
        self._produce(
            accepted_topic(plugin).name,
            [
                (
                    u.device.encode(),
                    encode(u),
                    Envelope(i, "/treaty/ingestion", UplinkAccepted.TYPE).headers(),
                )
                for u, i in zip(uplinks, ids, strict=True)
            ],
        )
        return ids

    def _produce(self, topic: str, records: list[tuple[bytes, bytes, Any]]) -> None:
        producer = Producer({"bootstrap.servers": self.servers, "enable.idempotence": True})
        for key, value, headers in records:
            producer.produce(topic, value, key, headers=headers)
        assert producer.flush(30) == 0

    def committed(self, topic: str, devices: set[str]) -> list[Record]:
        """What read_committed shows of these devices' records in a topic."""
        return [r for r in read(self.servers, topic) if (r.key or b"").decode() in devices]

    def readings(self, devices: set[str]) -> list[ReadingNormalized]:
        found = self.committed("reading.normalized.v1", devices)
        return [decode(ReadingNormalized, r.value or b"") for r in found]


def read(servers: str, topic: str) -> list[Record]:
    """All there is now, read_committed."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": f"reader-{uuid.uuid4()}",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
        }
    )
    found: list[Record] = []
    try:
        partitions = set(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
        end = time.monotonic() + 60
        while partitions:
            assert time.monotonic() < end, "the topic could not be read to its end"
            message = consumer.poll(1)
            if message is None:
                continue
            error = message.error()
            if error is None:
                found.append(record_of(message))
            else:
                assert error.code() == KafkaError._PARTITION_EOF, error
                partitions.discard(message.partition())
    finally:
        consumer.close()
    return found


@pytest.fixture
def worker(kafka: KafkaAddress, tmp_path: Path) -> Iterator[Worker]:
    """Not started; an empty plugins folder."""
    admin = topics.admin(kafka.bootstrap_servers)
    topics.apply(admin, standing_topics())
    folder = tmp_path / "plugins"
    folder.mkdir()
    found = Worker(
        kafka.bootstrap_servers, folder, f"normalization-{uuid.uuid4().hex[:12]}", tmp_path / "worker.log"
    )
    yield found
    if found.process is not None:
        found.kill()
