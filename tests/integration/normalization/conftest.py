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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import OffsetSpec

from treaty_chassis.kafka import topics
from treaty_chassis.kafka.history import record_of
from treaty_chassis.kafka.work import Record
from treaty_contracts import digest as package_digest
from treaty_embedded import ports
from treaty_embedded.pytest_plugin import KafkaAddress
from treaty_embedded.reading import read_to_end
from treaty_embedded.settling import settle
from treaty_events.codec import decode, encode
from treaty_events.decisions import ContractDecided, PluginReported, PluginState
from treaty_events.envelope import Envelope
from treaty_events.headers import VERSION
from treaty_events.readings import ReadingNormalized
from treaty_events.topics import accepted_topic, standing_topics
from treaty_events.uplinks import UplinkAccepted

NOW_MS = 1_767_323_045_700
PATIENCE_S = 180.0
"""How long anything may take that a quiet machine does in a second."""
ANSWER_S = 30.0


def until(holds: Callable[[], Any], what: str, seconds: float = PATIENCE_S) -> float:
    """Seconds it took. A process or a broker that does not answer now may do so when it is asked again."""
    began = time.monotonic()
    while True:
        silence: Exception | None = None
        try:
            if holds():
                return time.monotonic() - began
        except (OSError, HTTPException, KafkaException) as error:
            silence = error
        waited = time.monotonic() - began
        assert waited < seconds, f"waited {seconds:.0f} s for {what} ({silence})"
        time.sleep(min(0.2, max(0.02, waited / 10)))


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
    begin: dict[tuple[str, int], int] = field(default_factory=dict)
    """Where the topics that all tests share ended before this one began."""
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
        return self.process.wait(PATIENCE_S)

    def ready(self) -> dict[str, Any]:
        """The body of /readyz, {} while nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=ANSWER_S) as answer:
                said = answer.read()
        except urllib.error.HTTPError as error:
            said = error.read()
        except (OSError, HTTPException):
            return {}
        found: dict[str, Any] = json.loads(said)
        return found

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=ANSWER_S) as answer:
            lines = answer.read().decode().splitlines()
        return sum(
            float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((name + "{", name + " "))
        )

    def logged(self, message: str) -> list[dict[str, Any]]:
        """Lines of its log with that message, one that is being written left out."""
        whole = self.log.read_text().rpartition("\n")[0]
        lines = [line for line in whole.splitlines() if line.startswith("{")]
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
        settle(self.servers, [topic.name])
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
        assert producer.flush(PATIENCE_S) == 0

    def committed(self, topic: str, devices: set[str]) -> list[Record]:
        """What read_committed shows of these devices' records in a topic."""
        return [r for r in read(self.servers, topic, self.begin) if (r.key or b"").decode() in devices]

    def readings(self, devices: set[str]) -> list[ReadingNormalized]:
        found = self.committed("reading.normalized.v1", devices)
        return [decode(ReadingNormalized, r.value or b"") for r in found]


def ends(servers: str, names: list[str]) -> dict[tuple[str, int], int]:
    """Where the partitions of these topics end now."""
    admin = topics.admin(servers)
    known = topics.existing(admin)
    places = {TopicPartition(n, p): OffsetSpec.latest() for n in names for p in range(known[n])}
    asked = admin.list_offsets(places)
    return {(place.topic, place.partition): told.result(PATIENCE_S).offset for place, told in asked.items()}


def read(servers: str, topic: str, begin: Mapping[tuple[str, int], int] | None = None) -> list[Record]:
    """All there is now, read_committed; of what stands in `begin`, from there."""
    starts = {number: offset for (name, number), offset in (begin or {}).items() if name == topic}
    return [record_of(message) for message in read_to_end(servers, topic, starts)]


@pytest.fixture
def worker(kafka: KafkaAddress, tmp_path: Path) -> Iterator[Worker]:
    """Not started; an empty plugins folder."""
    admin = topics.admin(kafka.bootstrap_servers)
    standing = standing_topics()
    topics.apply(admin, standing)
    settle(kafka.bootstrap_servers, [spec.name for spec in standing])
    folder = tmp_path / "plugins"
    folder.mkdir()
    found = Worker(
        kafka.bootstrap_servers, folder, f"normalization-{uuid.uuid4().hex[:12]}", tmp_path / "worker.log"
    )
    found.begin = ends(kafka.bootstrap_servers, [spec.name for spec in standing])
    yield found
    if found.process is not None:
        found.kill()
