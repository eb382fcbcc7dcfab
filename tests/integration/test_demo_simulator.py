"""The demo's simulator as the process it is, on a real broker."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from treaty_chassis.kafka.topics import admin, apply
from treaty_events.topics import RAW, raw_topic, topic

ROOT = Path(__file__).parents[2]


@pytest.fixture
def seed(kafka: Any, tmp_path: Path) -> dict[str, Any]:
    name = uuid.uuid4().hex[:8]
    slug = f"sim-{name}"
    seed = {
        "workspace": str(uuid.uuid4()),
        "token": "t",
        "push_url": "http://127.0.0.1:1",
        "registry_url": "http://127.0.0.1:2",
        "bootstrap_servers": kafka.bootstrap_servers,
        "gateways": [
            {
                "id": "g1",
                "slug": slug,
                "network": "chirpstack",
                "authentication": "topic",
                "topic": raw_topic(slug).name,
            },
            {
                "id": "g2",
                "slug": f"{slug}-native",
                "network": "native",
                "authentication": "signature",
                "secret": "s",
            },
        ],
        "devices": [
            {
                "id": str(uuid.uuid4()),
                "external_id": "a000000000000001",
                "model": "decentlab/dl-iam",
                "gateway": "g1",
                "network": "chirpstack",
                "corpus": "decentlab-dl-iam.chirpstack",
            },
            {
                "id": str(uuid.uuid4()),
                "external_id": f"{name}00000002",
                "model": "milesight-iot/em300-th",
                "gateway": "g2",
                "network": "native",
                "corpus": "milesight-em300-th.loriot",
            },
        ],
        "unknown": [],
    }
    (tmp_path / "demo.json").write_text(json.dumps(seed))
    apply(admin(kafka.bootstrap_servers), [raw_topic(slug), topic(RAW)])
    return seed


@pytest.fixture
def running(seed: dict[str, Any], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "treaty_cli.demo.simulator"),
            *("--seed-file", tmp_path / "demo.json"),
            *("--rate", "100", "--plugins", ROOT / "plugins"),
        ],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    yield process
    process.kill()
    process.wait()


class Reader:
    """Everything of this seed's gateways on the raw topics."""

    def __init__(self, seed: dict[str, Any]) -> None:
        self.slug = seed["gateways"][1]["slug"].encode()
        self.records: list[tuple[str, bytes, dict[str, bytes]]] = []
        self.own = seed["gateways"][0]["topic"]
        self.consumer = Consumer(
            {
                "bootstrap.servers": seed["bootstrap_servers"],
                "group.id": uuid.uuid4().hex,
                "enable.auto.commit": False,
            }
        )
        self.places = [TopicPartition(self.own, 0, 0), *(TopicPartition(RAW, p, 0) for p in range(4))]
        self.consumer.assign(self.places)

    def until(self, count: int, within_s: float = 30) -> None:
        stop = time.monotonic() + within_s
        while len(self.records) < count:
            assert time.monotonic() < stop, f"{len(self.records)} records"
            message = self.consumer.poll(0.2)
            if message is None:
                continue
            assert message.error() is None, message.error()
            headers = dict(message.headers() or [])
            if message.topic() == self.own or headers.get("treaty-gateway") == self.slug:
                self.records.append((message.topic(), message.value(), headers))


def test_it_produces_until_told_to_stop_and_delivers_all(
    seed: dict[str, Any], running: subprocess.Popen[str]
) -> None:
    reader = Reader(seed)
    reader.until(150)
    running.send_signal(signal.SIGTERM)
    _, log = running.communicate(timeout=30)
    assert running.returncode == 0, log
    stopped = json.loads(log.strip().splitlines()[-1])
    assert stopped["message"] == "simulator stopped"
    assert stopped["undelivered"] == stopped["failed"] == 0
    assert stopped["delivered"] == sum(stopped["sent"].values())
    reader.until(stopped["delivered"])
    assert {"regular", "forged", "undecodable", "repeated", "event"} <= set(stopped["sent"])
    ups = [h for t, _, h in reader.records if t == reader.own]
    assert {tuple(h) for h in ups} == {("event",)}


def test_a_seed_that_is_none_is_a_clear_error(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "treaty_cli.demo.simulator", "--seed-file", tmp_path / "none.json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert found.returncode == 2
    assert "none.json" in found.stderr
    assert "Traceback" not in found.stderr
