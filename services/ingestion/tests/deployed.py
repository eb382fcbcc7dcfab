"""Ingestion as a process on a broker of its own, and the outside world around it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException, Producer

from treaty_chassis.kafka import topics as kafka_topics
from treaty_chassis.kafka.history import record_of
from treaty_chassis.kafka.work import Record
from treaty_chassis.sealing import SealingKey, generate_key, seal
from treaty_embedded.reading import read_to_end
from treaty_events import codec, topics
from treaty_events.decisions import ContractDecided, PluginState
from treaty_events.envelope import Envelope
from treaty_events.fleet import Authentication, DeviceChanged, GatewayChanged, Lifecycle

from .fleet import SECRET

SEALING_KEY = generate_key()
PLUGIN = "decentlab"
ACCEPTED = topics.accepted_topic(PLUGIN).name


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = 120.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"waited {timeout_s:.0f} s for {what}"
        time.sleep(0.02)


class World:
    """Writes as registry, governance and devices do, and reads what comes out."""

    def __init__(self, servers: str) -> None:
        self.servers = servers
        self._admin = kafka_topics.admin(servers)
        self._producer = Producer({"bootstrap.servers": servers})

    def create(self, *wanted: topics.Topic) -> None:
        kafka_topics.apply(self._admin, wanted)
        wait_for(lambda: {t.name for t in wanted} <= kafka_topics.existing(self._admin).keys(), "the topics")

    def uuid_of(self, topic: str) -> uuid.UUID:
        wait_for(lambda: topic in kafka_topics.topic_ids(self._admin, [topic]), "the topic's UUID")
        return kafka_topics.topic_ids(self._admin, [topic])[topic]

    def produce(
        self, topic: str, value: bytes | None, key: str = "", headers: Any = (), timestamp: int = 0
    ) -> None:
        self._producer.produce(topic, value, key, headers=list(headers), timestamp=timestamp)
        assert self._producer.flush(60) == 0

    def _changed(self, topic: str, key: str, event: Any) -> None:
        headers = [*Envelope(str(uuid.uuid4()), "/test", event.TYPE).headers()]
        headers.append(("treaty-version", str(event.version).encode()))
        self.produce(topic, codec.encode(event), key, headers)

    def admit(self) -> None:
        self.create(topics.accepted_topic(PLUGIN))
        decided = ContractDecided(
            PLUGIN,
            "1.0.0",
            "sha256:00",
            PluginState.ADMITTED,
            "",
            "ci",
            "2026-01-02T03:04:05.678Z",
            1,
            ACCEPTED,
        )
        self._changed(topics.CONTRACT_DECIDED, PLUGIN, decided)

    def gateway(
        self, authentication: Authentication, workspace: str, network: str = "chirpstack"
    ) -> GatewayChanged:
        found = self.unregistered(authentication, workspace, network)
        if found.topic is not None:
            self.create(topics.raw_topic(found.slug))
        self.register(found)
        return found

    def unregistered(
        self, authentication: Authentication, workspace: str, network: str = "chirpstack"
    ) -> GatewayChanged:
        """A gateway nobody has been told of, without its topic."""
        id, slug = str(uuid.uuid4()), f"g{uuid.uuid4().hex[:12]}"
        by_topic = authentication is Authentication.TOPIC
        return GatewayChanged(
            id,
            slug,
            workspace,
            str(uuid.uuid4()),
            network,
            authentication,
            Lifecycle.ACTIVE,
            1,
            topics.raw_topic(slug).name if by_topic else None,
            None if by_topic else seal(SealingKey.parse(SEALING_KEY), SECRET, id),
        )

    def register(self, gateway: GatewayChanged) -> None:
        self._changed(topics.GATEWAY_CHANGED, gateway.gateway, gateway)

    def delete(self, topic: str) -> None:
        self._admin.delete_topics([topic])[topic].result(60)
        wait_for(lambda: topic not in kafka_topics.existing(self._admin), "the topic to be gone")

    def device(self, gateway: GatewayChanged, external_id: str) -> DeviceChanged:
        found = DeviceChanged(
            str(uuid.uuid4()),
            gateway.workspace,
            gateway.site,
            gateway.gateway,
            external_id,
            "decentlab/dl-iam",
            PLUGIN,
            Lifecycle.ACTIVE,
            1,
        )
        self._changed(topics.DEVICE_CHANGED, found.device, found)
        return found

    def members(self, group: str) -> dict[str, set[tuple[str, int]]]:
        """Which partitions each instance has, by the coordinator's account; none while it has no account."""
        try:
            described = self._admin.describe_consumer_groups([group])[group].result(60)
        except KafkaException:
            return {}
        return {
            m.group_instance_id: {(p.topic, p.partition) for p in m.assignment.topic_partitions}
            for m in described.members
        }

    def read(self, topic: str) -> list[Record]:
        """All committed records of one partition after the other, to their ends."""
        found = [record_of(message) for message in read_to_end(self.servers, topic)]
        return sorted(found, key=lambda record: (record.partition, record.offset))


class Ingestion:
    """The process."""

    def __init__(self, servers: str, log: Path, **environment: str) -> None:
        self.log = log
        settings = {
            "KAFKA_BOOTSTRAP_SERVERS": servers,
            "TREATY_SEALING_KEY": SEALING_KEY,
            "TREATY_HTTP_PORT": "0",
        }
        inherited = {n: v for n, v in os.environ.items() if not n.startswith(("TREATY_", "KAFKA_"))}
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "treaty_ingestion"],
                env=inherited | settings | environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def get(self, path: str) -> tuple[int, str]:
        """Status and body; 0 while nothing listens yet."""
        port = next((line["port"] for line in self.lines() if line["message"] == "probes"), None)
        if port is None:
            return 0, ""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def lines(self) -> list[dict[str, Any]]:
        """Those that are written whole."""
        written = self.log.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in written if line.startswith("{") and line.endswith("\n")]

    def wait_ready(self) -> None:
        wait_for(
            lambda: self.process.poll() is not None or self.get("/readyz")[0] == 200, "ingestion to be ready"
        )
        assert self.process.poll() is None, self.log.read_text()[-3000:]
