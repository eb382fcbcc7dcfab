"""A broker, plugin folders, decisions and uplinks, and a worker on them, measured from outside."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from confluent_kafka import Producer

from treaty_chassis.kafka import topics
from treaty_contracts import digest
from treaty_embedded import Kafka, ports
from treaty_events.codec import encode
from treaty_events.decisions import ContractDecided, PluginState
from treaty_events.envelope import Envelope
from treaty_events.headers import VERSION
from treaty_events.topics import accepted_topic, standing_topics
from treaty_events.uplinks import UplinkAccepted

__all__ = ["Stage", "Worker", "broker", "say", "until"]

CREDULOUS = Path(__file__).parents[2] / "integration" / "normalization" / "credulous.py"
NOW_MS = 1_767_323_045_700


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def until(holds: Callable[[], Any], what: str, seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.01)


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """The address of a broker of the benchmark's own, with the platform's topics."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    kafka = Kafka(folder, optimise=True)
    kafka.start()
    try:
        topics.apply(topics.admin(kafka.bootstrap_servers), standing_topics())
        yield kafka.bootstrap_servers
    finally:
        kafka.stop()


class Stage:
    """One broker and one folder of plugins. Each worker is a group of its own and reads all there is."""

    def __init__(self, servers: str, folder: Path) -> None:
        self.servers = servers
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._decided = 0

    def decide(self, plugins: Sequence[str], *, used: bool = True) -> None:
        """Admits them; topics are made for those in use."""
        if used:
            topics.apply(topics.admin(self.servers), [accepted_topic(plugin) for plugin in plugins])
        records = []
        for plugin in plugins:
            self._decided += 1
            decision = ContractDecided(
                plugin, "1.0.0", digest(self.folder / plugin), PluginState.ADMITTED, "bench", "bench",
                "2026-01-02T03:04:05.678Z", self._decided, accepted_topic(plugin).name if used else None,
            )  # fmt: skip
            headers = [
                *Envelope(str(uuid.uuid4()), "/bench", ContractDecided.TYPE).headers(),
                (VERSION, str(self._decided).encode()),
            ]
            records.append((plugin.encode(), encode(decision), headers))
        self._produce("contract.decided.v1", records)

    def accept(self, plugin: str, model: str, payloads: Sequence[tuple[bytes, int | None]]) -> None:
        """Uplinks (payload, port) of twenty devices, as ingestion writes them."""
        devices = [str(uuid.uuid4()) for _ in range(20)]
        raw = str(uuid.uuid4())
        records = []
        for number, (payload, port) in enumerate(payloads):
            uplink = UplinkAccepted(
                devices[number % 20], "w", "s", "g", model, "native", "x", NOW_MS + number, payload,
                f_port=port, counter=number, dedup_id=f"{raw}-{number}",
            )  # fmt: skip
            envelope = Envelope(f"{raw}:0:{number}:0", "/treaty/ingestion", UplinkAccepted.TYPE)
            records.append((uplink.device.encode(), encode(uplink), envelope.headers()))
        self._produce(accepted_topic(plugin).name, records)

    def _produce(self, topic: str, records: Sequence[tuple[bytes, bytes, Any]]) -> None:
        producer = Producer({"bootstrap.servers": self.servers, "enable.idempotence": True, "linger.ms": 5})
        for key, value, headers in records:
            while True:
                try:
                    producer.produce(topic, value, key, headers=headers)
                    break
                except BufferError:
                    producer.poll(0.1)
        if producer.flush(120):
            raise TimeoutError(f"{topic} was not written")


class Worker:
    """A worker process; used as a context manager it is killed at the end."""

    def __init__(
        self, stage: Stage, *, plugins: str = "*", credulous: bool = False, **environment: str
    ) -> None:
        self._port = ports.choose(None, "TREATY_HTTP_PORT")
        told = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": stage.servers,
            "TREATY_PLUGINS_DIR": str(stage.folder),
            "TREATY_PLUGINS": plugins,
            "TREATY_NORMALIZATION_GROUP": f"bench-{uuid.uuid4().hex[:12]}",
            "TREATY_HTTP_PORT": str(self._port),
            "TREATY_LOG_LEVEL": "ERROR",
            **environment,
        }
        program = [str(CREDULOUS)] if credulous else ["-m", "treaty_normalization"]
        self.began = time.monotonic()
        self._process = subprocess.Popen([sys.executable, *program], env=told, stderr=subprocess.DEVNULL)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def _get(self, path: str) -> bytes:
        if self._process.poll() is not None:
            raise RuntimeError(f"the worker ended with {self._process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=10) as answer:
                found: bytes = answer.read()
        except urllib.error.HTTPError as error:
            found = error.read()
        except OSError:
            return b""
        return found

    def ready(self) -> bool:
        return bool(json.loads(self._get("/readyz") or b"{}").get("ready"))

    def metric(self, name: str, plugin: str | None = None) -> float:
        """The sum of a metric's series, of one plugin where one is named."""
        wanted = name if plugin is None else f'{name}{{plugin="{plugin}"'
        lines = self._get("/metrics").decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(wanted))

    def memory_mib(self) -> float:
        """Of the worker, its template and its children: their proportional shares (Pss), summed."""
        tree, parents = [self._process.pid], _parents()
        for pid in tree:
            tree += [child for child, parent in parents.items() if parent == pid]
        return sum(_pss_kib(pid) for pid in tree) / 1024

    def children(self) -> int:
        """Children of the template."""
        parents = _parents()
        mine = {pid for pid, parent in parents.items() if parent == self._process.pid}
        return sum(parent in mine for parent in parents.values())


def _parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
    return found


def _pss_kib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith("Pss:")), 0.0)
