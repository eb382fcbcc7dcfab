"""The demo's simulator as the process it is, on a real broker."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from treaty_chassis.kafka.topics import admin, apply
from treaty_embedded.settling import settle
from treaty_embedded.stack import broker
from treaty_events.topics import RAW, raw_topic, topic

ROOT = Path(__file__).parents[2]
PATIENCE_S = 180


def furnish(bootstrap_servers: str, path: Path) -> dict[str, Any]:
    """A seed of two gateways and two devices, written to the path, and the topics it needs."""
    name = uuid.uuid4().hex[:8]
    slug = f"sim-{name}"
    seed = {
        "workspace": str(uuid.uuid4()),
        "token": "t",
        "push_url": "http://127.0.0.1:1",
        "registry_url": "http://127.0.0.1:2",
        "bootstrap_servers": bootstrap_servers,
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
    path.write_text(json.dumps(seed))
    apply(admin(bootstrap_servers), [raw_topic(slug), topic(RAW)])
    settle(bootstrap_servers, [raw_topic(slug).name, RAW])
    return seed


@contextmanager
def simulator(seed_file: Path, rate: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "treaty_cli.demo.simulator"),
            *("--seed-file", seed_file, "--rate", str(rate), "--plugins", ROOT / "plugins"),
        ],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
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

    def until(self, count: int, within_s: float = PATIENCE_S) -> None:
        stop = time.monotonic() + within_s
        while len(self.records) < count:
            assert time.monotonic() < stop, f"{len(self.records)} records"
            message = self.consumer.poll(0.2)
            if message is None:
                continue
            if message.error() is not None:
                assert not message.error().fatal()
                continue
            headers = dict(message.headers() or [])
            if message.topic() == self.own or headers.get("treaty-gateway") == self.slug:
                self.records.append((message.topic(), message.value(), headers))


def stop(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The last line it logs."""
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, log
    found: dict[str, Any] = json.loads(log.strip().splitlines()[-1])
    return found


def test_it_produces_until_told_to_stop_and_delivers_all(kafka: Any, tmp_path: Path) -> None:
    seed = furnish(kafka.bootstrap_servers, tmp_path / "demo.json")
    reader = Reader(seed)
    with simulator(tmp_path / "demo.json", 100) as running:
        reader.until(150)
        stopped = stop(running)
    assert stopped["message"] == "simulator stopped"
    assert stopped["undelivered"] == stopped["failed"] == 0
    assert stopped["delivered"] == sum(stopped["sent"].values())
    reader.until(stopped["delivered"])
    assert {"regular", "forged", "undecodable", "repeated", "event"} <= set(stopped["sent"])
    ups = [h for t, _, h in reader.records if t == reader.own]
    assert {tuple(h) for h in ups} == {("event",)}


def test_it_pauses_while_kafka_is_away_and_goes_on_after(tmp_path: Path) -> None:
    with broker(tmp_path / "kafka") as kafka:
        seed = furnish(kafka.bootstrap_servers, tmp_path / "demo.json")
        reader = Reader(seed)
        with simulator(tmp_path / "demo.json", 100) as running:
            reader.until(50)
            kafka.kill()
            assert running.stderr is not None
            # Returns when the line is there; the process that never pauses ends in the test's own timeout.
            assert next(line for line in running.stderr if "pausing" in line)
            kafka.start()
            reader.until(len(reader.records) + 400)
            stopped = stop(running)
    assert stopped["undelivered"] == stopped["failed"] == 0
    assert len(reader.records) <= stopped["delivered"] == sum(stopped["sent"].values())


def test_a_seed_that_is_none_is_a_clear_error(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "treaty_cli.demo.simulator", "--seed-file", tmp_path / "none.json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert found.returncode == 2
    assert "none.json" in found.stderr
    assert "Traceback" not in found.stderr
