"""From a device's record to a subscriber's WebSocket, through every service and the broker, 300 a second.

The whole platform runs as `treaty up` runs it, on an empty home, but for the broker's JVM, which compiles at
full strength as Kafka's own scripts have it; nothing is measured until it has done so under this load
(`--warm`). One process sends the demo fleet's real
uplinks at an even pace and holds one subscription, so both ends read one clock: an uplink's time begins when
it is due, be it sent late, and ends when the frame with its reading has been read. Readings are matched by
the place of the raw record.

Beside the percentiles: the CPU of every process, what the machine's other tenants took (steal), transactions.
Progress goes to standard error; the last line of standard output is one JSON object with figures and bars.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from confluent_kafka import KafkaError, Message, Producer

from treaty_chassis.kafka.topics import admin, existing, topic_ids
from treaty_chassis.telemetry import configure_logging
from treaty_cli.demo import corpora
from treaty_cli.demo.seed import Seed
from treaty_cli.demo.seeding import seed
from treaty_cli.demo.traffic import Kind, Traffic
from treaty_cli.home import Home, Running
from treaty_cli.progress import Progress
from treaty_cli.up.bringing_up import bring_up
from treaty_cli.up.platform import Platform
from treaty_embedded import Kafka
from treaty_push_gateway.client import Filter, Live, Readings, Stream

PLUGINS = Path(__file__).parents[2] / "plugins"
P50_BAR_MS, P99_BAR_MS = 25.0, 120.0
SETTLED_S = 10.0
TICKS = os.sysconf("SC_CLK_TCK")


class Sender:
    """An even pace of uplinks; when each was due, by the place it got in its topic."""

    def __init__(self, told: Seed, rate: float) -> None:
        needed = {device.corpus for device in told.devices} | {one.corpus for one in told.unknown}
        self._traffic = Traffic(told, corpora.load(needed, PLUGINS), Random())
        self._rate = rate
        self._producer = Producer(
            {"bootstrap.servers": told.bootstrap_servers, "linger.ms": 0, "enable.idempotence": True}
        )
        self._producer.list_topics(timeout=10)
        self.places: dict[tuple[str, int, int], float] = {}
        self.sent = 0

    async def run(self, until: float) -> None:
        due = time.perf_counter()
        while due < until:
            wait = due - time.perf_counter()
            self._producer.poll(0)
            if wait > 0:
                await asyncio.sleep(wait)
            self._send(due)
            due += 1 / self._rate
            await asyncio.sleep(0)

    def finish(self) -> None:
        if self._producer.flush(30):
            raise RuntimeError("uplinks were left undelivered")

    def _send(self, due: float) -> None:
        sending = self._traffic.next(time.time_ns() // 1_000_000)
        self.sent += 1

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                raise RuntimeError(str(error))
            if sending.kind is Kind.REGULAR:
                place = (message.topic() or "", message.partition() or 0, message.offset() or 0)
                self.places[place] = due

        self._producer.produce(
            sending.topic,
            key=sending.key,
            value=sending.value,
            headers=list(sending.headers),
            on_delivery=delivered,
        )


class Subscriber:
    """When each uplink's first reading came, by the id the reading names."""

    def __init__(self, told: Seed) -> None:
        url = f"ws://{urlsplit(told.push_url).netloc}/v1/stream"
        self._stream = Stream(url, told.token, filter=Filter(workspaces=(told.workspace,)), patience_s=60)
        self.live = asyncio.Event()
        self.came: dict[str, float] = {}

    async def run(self) -> None:
        async for message in self._stream:
            now = time.perf_counter()
            match message:
                case Readings(readings=readings):
                    for reading in readings:
                        self.came.setdefault(reading["provenance"]["uplink"], now)
                case Live():
                    self.live.set()


def cpu_s(platform: Platform) -> dict[str, float]:
    """Of each part and its children, seconds so far."""
    children: dict[int, list[int]] = {}
    used: dict[int, int] = {}
    names: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                rest = (entry / "stat").read_text().rpartition(")")[2].split()
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            pid = int(entry.name)
            children.setdefault(int(rest[1]), []).append(pid)
            used[pid], names[pid] = int(rest[11]) + int(rest[12]), line
    found: dict[str, float] = {}
    for pid in children.get(os.getpid(), []):
        words = names[pid].split("\0")
        name = words[words.index("-m") + 1] if "-m" in words else Path(words[0]).name
        below, total = [pid], 0
        while below:
            one = below.pop()
            total += used.get(one, 0)
            below += children.get(one, [])
        found[name] = found.get(name, 0.0) + total / TICKS
    return found


def steal() -> tuple[int, int]:
    """Ticks that other machines took, and all."""
    numbers = [int(n) for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return numbers[7], sum(numbers)


def transactions(running: Running) -> dict[str, float]:
    found = {}
    for name in ("ingestion", "normalization"):
        with urllib.request.urlopen(f"{running.urls[name]}/metrics", timeout=5) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("treaty_runner_transactions_total "):
                    found[name] = float(line.split()[1])
    return found


def matched(
    places: Mapping[tuple[str, int, int], float],
    came: Mapping[str, float],
    ids: Mapping[str, UUID],
    since: float,
) -> tuple[list[float], int]:
    """Milliseconds of each uplink that was due after `since`, and how many never came."""
    took, missing = [], 0
    for (topic, partition, offset), due in places.items():
        if due < since:
            continue
        at = came.get(f"{ids[topic]}:{partition}:{offset}:0")
        if at is None:
            missing += 1
        else:
            took.append((at - due) * 1000)
    return took, missing


async def measure(
    platform: Platform, running: Running, told: Seed, rate: float, for_s: float
) -> dict[str, Any]:
    sender, subscriber = Sender(told, rate), Subscriber(told)
    hearing = asyncio.ensure_future(subscriber.run())
    await asyncio.wait_for(subscriber.live.wait(), 60)
    await sender.run(time.perf_counter() + SETTLED_S)
    since, before, stolen, committed = time.perf_counter(), cpu_s(platform), steal(), transactions(running)
    own = time.process_time()
    await sender.run(since + for_s)
    elapsed, after = time.perf_counter() - since, cpu_s(platform)
    told_later, done = steal(), transactions(running)
    own = time.process_time() - own
    sender.finish()
    ids = topic_ids(admin(told.bootstrap_servers), sorted({topic for topic, _, _ in sender.places}))
    for _ in range(100):
        if not matched(sender.places, subscriber.came, ids, since)[1]:
            break
        await asyncio.sleep(0.1)
    hearing.cancel()
    took, missing = matched(sender.places, subscriber.came, ids, since)
    cuts = statistics.quantiles(took, n=1000)
    ticks = told_later[1] - stolen[1]
    return {
        "uplinks": len(took),
        "never_came": missing,
        "sent_per_s": round(len(took) / elapsed, 1),
        "p50_ms": round(cuts[499], 1),
        "p90_ms": round(cuts[899], 1),
        "p99_ms": round(cuts[989], 1),
        "p999_ms": round(cuts[998], 1),
        "cpu_percent": {
            name: round((after[name] - before.get(name, 0.0)) / elapsed * 100, 1) for name in sorted(after)
        }
        | {"sender and subscriber": round(own / elapsed * 100, 1)},
        "transactions_per_s": {name: round((done[name] - committed[name]) / elapsed, 1) for name in done},
        "steal_percent": round((told_later[0] - stolen[0]) / ticks * 100, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--json", action="store_true", help="only for company: the figures always are")
    parser.add_argument("--rate", type=float, default=300.0)
    parser.add_argument("--for", dest="for_s", type=float, default=20.0, help="seconds of each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warm", type=float, default=60.0, help="seconds of the same load before the first")
    given = parser.parse_args()
    configure_logging("bench", "warning")
    progress = Progress()
    with TemporaryDirectory() as folder:
        home, kept = Home(Path(folder) / "home"), []
        home.make()

        def furnish() -> None:
            kept.append(seed(home, PLUGINS, lambda text: progress.step("fleet", text)))

        with broker(Path(folder) / "kafka"), Platform(home, PLUGINS, progress) as platform:
            running = bring_up(platform, progress, furnish)
            await_topics(running)
            progress.step("warming", f"for {given.warm:g} s")
            asyncio.run(measure(platform, running, kept[0], given.rate, given.warm))
            rounds = []
            for number in range(given.rounds):
                one = asyncio.run(measure(platform, running, kept[0], given.rate, given.for_s))
                rounds.append(one)
                progress.step("round", f"{number + 1}: p50 {one['p50_ms']} ms, p99 {one['p99_ms']} ms")
    middle = {key: statistics.median(one[key] for one in rounds) for key in ("p50_ms", "p90_ms", "p99_ms")}
    lost = sum(one["never_came"] for one in rounds)
    bars = [
        ("device to WebSocket, median of the rounds, p50", middle["p50_ms"], "ms", f"<= {P50_BAR_MS:g}",
         middle["p50_ms"] <= P50_BAR_MS),
        ("the same, p99", middle["p99_ms"], "ms", f"<= {P99_BAR_MS:g}", middle["p99_ms"] <= P99_BAR_MS),
        ("uplinks that never came", lost, "uplinks", "0", lost == 0),
    ]  # fmt: skip
    keys = ("what", "value", "unit", "bar", "holds")
    figures = {"rate": given.rate, **middle, "rounds": rounds, "cores": os.cpu_count()}
    print(json.dumps({"figures": figures, "bars": [dict(zip(keys, bar, strict=True)) for bar in bars]}))


@contextmanager
def broker(folder: Path) -> Iterator[None]:
    """The one that everything started meanwhile uses."""
    kafka = Kafka(folder, optimise=True)
    kafka.start()
    os.environ["KAFKA_BOOTSTRAP_SERVERS"] = kafka.bootstrap_servers
    try:
        yield
    finally:
        del os.environ["KAFKA_BOOTSTRAP_SERVERS"]
        kafka.stop()


def await_topics(running: Running) -> None:
    """The plugins' topics appear once their first devices are known to governance."""
    client, end = admin(running.bootstrap_servers), time.monotonic() + 60
    while not any(name.startswith("uplink.accepted.") for name in existing(client)):
        if time.monotonic() > end:
            raise RuntimeError("no plugin's topic appeared within a minute")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
