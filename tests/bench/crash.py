"""kill -9 of a worker's child, of the worker, and of Kafka, under load: what is lost, and what comes twice.

A worker hosts the shipped Decentlab plugin on an embedded Kafka of its own, and is started again whenever it
ends. Uplinks are produced all the while. After each kill the round waits for readings to flow again. In the
end every uplink that Kafka acknowledged must have one outcome under read_committed, a reading or a dead
letter. `--rounds N` kills each N times (20), `--kill child,worker` some of them alone; the last line of
standard output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition

from treaty_chassis.kafka import topics
from treaty_contracts import digest
from treaty_embedded import Kafka
from treaty_events.codec import encode
from treaty_events.decisions import ContractDecided, PluginState
from treaty_events.envelope import Envelope
from treaty_events.headers import VERSION, header
from treaty_events.topics import (
    CONTRACT_DECIDED,
    DEADLETTER,
    READING_NORMALIZED,
    accepted_topic,
    standing_topics,
)
from treaty_events.uplinks import UplinkAccepted

ROOT = Path(__file__).parents[2]
PLUGIN = "decentlab"
DEVICES = [str(uuid.uuid4()) for _ in range(50)]
RATE = 400
FLOWING = 200
PATIENCE_S = 300.0


class StuckError(RuntimeError):
    """Something that was to happen did not."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S) -> float:
    """Seconds it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > timeout_s:
            raise StuckError(f"waited {timeout_s:.0f} s for {what}")
        time.sleep(0.02)
    return time.monotonic() - began


class Load(threading.Thread):
    """Uplinks at a steady rate, each with an identity of its own."""

    def __init__(self, servers: str) -> None:
        super().__init__(daemon=True)
        case = json.loads((ROOT / "plugins" / PLUGIN / "vectors/golden.json").read_text())["cases"][0]
        self._case = case
        self._raw = str(uuid.uuid4())
        self._stopping = threading.Event()
        self._producer = Producer(
            {
                "bootstrap.servers": servers,
                "enable.idempotence": True,
                "delivery.timeout.ms": 600_000,
                "reconnect.backoff.max.ms": 200,
                "log_level": 0,
            }
        )
        self.sent = 0
        self.acknowledged: set[str] = set()
        self.uncertain: set[str] = set()

    def run(self) -> None:
        while not self._stopping.wait(0.02):
            for _ in range(RATE // 50):
                self._send(self.sent)
                self.sent += 1
            self._producer.poll(0)
        if self._producer.flush(PATIENCE_S):
            raise StuckError("what was produced was not acknowledged")

    def stop(self) -> None:
        self._stopping.set()
        self.join(PATIENCE_S + 10)

    def id_of(self, number: int) -> str:
        return f"{self._raw}:0:{number}:0"

    def _send(self, number: int) -> None:
        id, device = self.id_of(number), DEVICES[number % len(DEVICES)]
        uplink = UplinkAccepted(
            device, "w", "s", "g", self._case["model"], "native", "70b3d57ba0000001",
            time.time_ns() // 1_000_000, bytes.fromhex(self._case["payload"]),
            f_port=self._case["f_port"], counter=number, dedup_id=id,
        )  # fmt: skip

        def told(error: KafkaError | None, _: Any) -> None:
            (self.acknowledged if error is None else self.uncertain).add(id)

        headers = Envelope(id, "/treaty/ingestion", UplinkAccepted.TYPE).headers()
        self._producer.produce(
            accepted_topic(PLUGIN).name, encode(uplink), device.encode(), headers=headers, on_delivery=told
        )


class Outcomes(threading.Thread):
    """Follows readings and dead letters, read_committed, through whatever the broker goes through."""

    def __init__(self, servers: str) -> None:
        super().__init__(daemon=True)
        self._servers = servers
        self._stopping = threading.Event()
        self.events: Counter[str] = Counter()
        self.uplinks: set[str] = set()
        self.letters: Counter[str] = Counter()

    def run(self) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self._servers,
                "group.id": f"outcomes-{uuid.uuid4()}",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "reconnect.backoff.max.ms": 200,
                "log_level": 0,
            }
        )
        known = consumer.list_topics(timeout=30).topics
        consumer.assign(
            [
                TopicPartition(t, p, OFFSET_BEGINNING)
                for t in (READING_NORMALIZED, DEADLETTER)
                for p in known[t].partitions
            ]
        )
        while not self._stopping.is_set():
            for message in consumer.consume(1000, 0.05):
                if message.error() is None:
                    self._count(message.topic() or "", message.headers() or [])
        consumer.close()

    def _count(self, topic: str, headers: Any) -> None:
        id = (header(headers, "ce_id") or b"").decode()
        self.events[id] += 1
        # A reading's identity is its uplink's, with the index counting the readings.
        self.uplinks.add(id.rsplit(":", 1)[0] + ":0")
        if topic == DEADLETTER:
            self.letters[(header(headers, "treaty-reason") or b"").decode()] += 1

    def stop(self) -> None:
        self._stopping.set()
        self.join(10)


class Worker(threading.Thread):
    """The process, started again whenever it ends, as any supervisor does."""

    def __init__(self, servers: str, log: Path) -> None:
        super().__init__(daemon=True)
        self._environment = {
            **{n: v for n, v in os.environ.items() if not n.startswith(("TREATY_", "KAFKA_"))},
            "KAFKA_BOOTSTRAP_SERVERS": servers,
            "TREATY_PLUGINS_DIR": str(ROOT / "plugins"),
            "TREATY_PLUGINS": PLUGIN,
            "TREATY_SANDBOX": "best-effort",
            "TREATY_HTTP_PORT": "0",
        }
        self._log = log
        self._stopping = threading.Event()
        self.process: subprocess.Popen[bytes] | None = None
        self.codes: Counter[int] = Counter()

    def run(self) -> None:
        while not self._stopping.is_set():
            with self._log.open("ab") as log:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "treaty_normalization"],
                    env=self._environment,
                    stdout=log,
                    stderr=log,
                )
            self.codes[self.process.wait()] += 1

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def kill_child(self) -> None:
        """The processes that decode: those below the worker that have none below them."""
        if self.process is not None:
            for pid in _leaves(self.process.pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue

    def stop(self) -> None:
        self._stopping.set()
        if self.process is not None:
            self.process.terminate()
        self.join(30)
        self.kill()


def _leaves(pid: int) -> list[int]:
    found = []
    for child in _children(pid):
        found += _leaves(child) or [child]
    return found


def _children(pid: int) -> list[int]:
    try:
        tasks = [t.read_text() for t in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [int(child) for text in tasks for child in text.split()]


def admit(servers: str) -> None:
    """As governance does."""
    admin = topics.admin(servers)
    topics.apply(admin, [*standing_topics(), accepted_topic(PLUGIN)])
    wait_for(lambda: accepted_topic(PLUGIN).name in topics.existing(admin), "the topics")
    decision = ContractDecided(
        PLUGIN, "1.0.0", digest(ROOT / "plugins" / PLUGIN), PluginState.ADMITTED, "bench", "bench",
        "2026-01-02T03:04:05.678Z", 1, accepted_topic(PLUGIN).name,
    )  # fmt: skip
    producer = Producer({"bootstrap.servers": servers})
    headers = [
        *Envelope(str(uuid.uuid4()), "/bench", ContractDecided.TYPE).headers(),
        (VERSION, b"1"),
    ]
    producer.produce(CONTRACT_DECIDED, encode(decision), PLUGIN.encode(), headers=headers)
    producer.flush(30)


def spread(seconds: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(seconds), 2), "max": round(max(seconds), 2)}


def run(rounds: int, chosen: list[str], home: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {"rounds": rounds, "rate": RATE}
    rng = random.Random(uuid.uuid4().int)
    with Kafka(home / "kafka") as kafka:
        servers = kafka.bootstrap_servers
        admit(servers)
        outcomes, worker, load = Outcomes(servers), Worker(servers, home / "worker.log"), Load(servers)
        try:
            for thread in (outcomes, worker, load):
                thread.start()
            wait_for(lambda: len(outcomes.uplinks) > FLOWING, "the first readings")

            restarts: list[float] = []

            def kill_kafka() -> None:
                kafka.kill()
                began = time.monotonic()
                kafka.start()
                restarts.append(time.monotonic() - began)

            every = {"child": worker.kill_child, "worker": worker.kill, "kafka": kill_kafka}
            kills = {what: every[what] for what in chosen}
            for what, kill in kills.items():
                recovered = []
                for number in range(rounds):
                    time.sleep(rng.uniform(0, 0.3))
                    began = time.monotonic()
                    kill()
                    later = load.id_of(load.sent + FLOWING)
                    wait_for(lambda later=later: later in outcomes.uplinks, "readings to flow again")  # type: ignore[misc]
                    recovered.append(time.monotonic() - began)
                    say(f"{what} {number + 1}/{rounds}: readings flow again after {recovered[-1]:.1f} s")
                figures[f"{what}_recovery_s"] = spread(recovered)
                if what == "kafka":
                    # What of it is the broker's own start: no client can be quicker.
                    figures["kafka_restart_s"] = spread(restarts)
                    figures["kafka_recovery_once_it_is_back_s"] = spread(
                        [whole - own for whole, own in zip(recovered, restarts, strict=True)]
                    )
            load.stop()
            missing = load.acknowledged
            try:
                wait_for(lambda: missing <= outcomes.uplinks, "every uplink's outcome")
            except StuckError as error:
                say(str(error))
        except StuckError:
            say((home / "worker.log").read_text()[-4000:])
            raise
        finally:
            worker.stop()
            outcomes.stop()
    figures |= {
        "kills": dict.fromkeys(kills, rounds),
        "uplinks": len(load.acknowledged),
        "uncertain": len(load.uncertain),
        "outcomes": len(outcomes.uplinks),
        "dead_letters": dict(outcomes.letters),
        "worker_exit_codes": {str(code): count for code, count in sorted(worker.codes.items())},
        "lost": len(load.acknowledged - outcomes.uplinks),
        "duplicated": sum(count - 1 for count in outcomes.events.values()),
        "strangers": len(outcomes.uplinks - load.acknowledged - load.uncertain),
    }
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true", help="only the last line is for machines anyway")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--kill", default="child,worker,kafka")
    given = parser.parse_args()
    with TemporaryDirectory() as home:
        figures = run(given.rounds, given.kill.split(","), Path(home))
    bars = [
        {"what": f"{what} under read_committed", "value": figures[what], "unit": "events", "bar": 0,
         "holds": figures[what] == 0}
        for what in ("lost", "duplicated")
    ]  # fmt: skip
    print(json.dumps({"figures": figures, "bars": bars}))
    return 0 if all(bar["holds"] for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
