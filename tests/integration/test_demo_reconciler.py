"""The reconciler as the process it is, over a real broker that a faultless platform has written to."""

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import msgspec
import pytest
from confluent_kafka import Message, Producer

from treaty_chassis.kafka.topics import admin, apply, topic_ids
from treaty_cli.demo import corpora
from treaty_cli.demo.journal import Journal
from treaty_cli.demo.traffic import Traffic
from treaty_embedded import stack
from treaty_embedded.settling import settle
from treaty_events.topics import accepted_topic, raw_topic, standing_topics

ROOT = Path(__file__).parents[2]
UPLINKS = 120
PATIENCE_S = 180
# One broker for all of them.
pytestmark = pytest.mark.xdist_group("demo-reconciler")


def helper(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"demo_{name}", ROOT / f"cli/tests/demo/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


SEED = helper("conftest").SEED
Honest = helper("honest").Honest


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of its own: the reconciler reads whole topics."""
    with stack.broker(tmp_path_factory.mktemp("kafka")) as kafka:
        own = [raw_topic(g.slug) for g in SEED.gateways if g.topic is not None]
        specs = [*standing_topics(), *own, accepted_topic("demo")]
        apply(admin(kafka.bootstrap_servers), specs)
        settle(kafka.bootstrap_servers, [spec.name for spec in specs])
        yield kafka.bootstrap_servers


class Broker:
    def __init__(self, bootstrap_servers: str, **settings: Any) -> None:
        self.producer = Producer({"bootstrap.servers": bootstrap_servers, **settings})

    def write(self, records: list[Any]) -> list[int]:
        """The times at which they were appended."""
        times: list[int] = []

        def on_delivery(error: object, message: Message) -> None:
            assert error is None
            times.append(message.timestamp()[1])

        for record in records:
            self.producer.produce(
                record.topic,
                key=record.key,
                value=record.value,
                headers=list(record.headers),
                partition=0,
                on_delivery=on_delivery,
            )
        assert self.producer.flush(PATIENCE_S) == 0
        return times


def reconciler(command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "treaty_cli.demo.reconciler", command, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        cwd=ROOT,
    )


@pytest.fixture
def run(own_kafka: str, tmp_path: Path) -> dict[str, Any]:
    """A run that went well: its files, and the platform that made it."""
    (tmp_path / "demo.json").write_bytes(msgspec.json.encode(replace(SEED, bootstrap_servers=own_kafka)))
    found = reconciler("offsets", "--seed-file", tmp_path / "demo.json", "--out", tmp_path / "since.json")
    assert found.returncode == 0, found.stderr
    raw = sorted({g.topic or "uplink.raw.v1" for g in SEED.gateways})
    uplinks = corpora.load(
        {d.corpus for d in SEED.devices} | {u.corpus for u in SEED.unknown}, ROOT / "plugins"
    )
    since = json.loads((tmp_path / "since.json").read_text())
    platform = Honest(SEED, uplinks, topic_ids=topic_ids(admin(own_kafka), raw))
    platform.first = {topic: offset for topic, number, offset in since if number == 0}
    traffic = Traffic(SEED, uplinks, Random(5))
    broker = Broker(own_kafka)
    start = time.time_ns() // 1_000_000
    for n in range(UPLINKS):
        sending = traffic.next(start + n * 20)
        (appended,) = broker.write([sending])
        platform.take(sending, appended)
    journal = Journal(tmp_path / "journal.jsonl")
    journal.mark(start, "live")
    for delivery in platform.account.deliveries:
        journal.readings(delivery.received_ms, (delivery.reading,))
    journal.close()
    for name in ("accepted", "readings", "refused", "dead_letters", "reported"):
        broker.write(list(getattr(platform.account, name)))
    return {"folder": tmp_path, "platform": platform, "broker": broker, "servers": own_kafka}


def report(run: dict[str, Any], patience_s: float = 0) -> tuple[int, dict[str, Any], str]:
    folder = run["folder"]
    found = reconciler(
        "report",
        *("--seed-file", folder / "demo.json", "--log", folder / "journal.jsonl"),
        *("--since", folder / "since.json", "--ready-s", "7.5", "--patience", patience_s),
    )
    assert found.returncode in (0, 1), found.stderr
    return found.returncode, json.loads(found.stdout.splitlines()[-1]), found.stderr


def test_a_run_that_went_well_is_clean(run: dict[str, Any]) -> None:
    code, told, faults = report(run)
    assert code == 0, faults
    assert told["missing"] == told["duplicates"] == told["wrong_values"] == 0
    assert told["readings"] == told["delivered"] == len(run["platform"].account.readings)
    assert told["uplinks"] > 100
    assert told["ready_s"] == 7.5


def test_what_an_aborted_transaction_left_is_not_there(run: dict[str, Any]) -> None:
    broker = Broker(run["servers"], **{"transactional.id": "aborting"})
    broker.producer.init_transactions(PATIENCE_S)
    broker.producer.begin_transaction()
    broker.write([run["platform"].account.readings[0]])
    broker.producer.abort_transaction(PATIENCE_S)
    assert report(run)[0] == 0


def test_a_reading_written_twice_is_said_and_fails(run: dict[str, Any]) -> None:
    run["broker"].write([run["platform"].account.readings[0]])
    code, told, faults = report(run)
    assert code == 1
    assert told["duplicates"] == 1
    assert "2 times" in faults


def test_it_waits_for_what_is_under_way(run: dict[str, Any]) -> None:
    """The last delivery is logged while the report is being made."""
    path = run["folder"] / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    assert report(run)[1]["missing"] == 1
    process = subprocess.Popen(
        [sys.executable, "-c", f"import time; time.sleep(1); open({str(path)!r}, 'ab').write({lines[-1]!r})"]
    )
    try:
        assert report(run, patience_s=PATIENCE_S)[0] == 0
    finally:
        process.wait(PATIENCE_S)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    found = reconciler(
        "report", "--seed-file", tmp_path / "x", "--log", tmp_path / "l", "--since", tmp_path / "s"
    )
    assert found.returncode == 2
    assert "Traceback" not in found.stderr
    assert found.stderr
