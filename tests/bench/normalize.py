"""What an uplink costs a worker, beside a bare copy and beside the same job in FastStream handlers.

Work is compared by core-second: events by the CPU time of the worker's process and all its children, as
the kernel accounts it, between two marks: after a warm-up, and when the last event is committed. Every way
reads the same accepted uplinks (the full payloads of a DL-IAM and a DL-PM, 27 and 33 bytes, 11 and 14
measurements, a thousand devices) from one partition of the embedded broker and writes readings to the four
partitions of reading.normalized.v1. A round runs every way once, one at a time, in turn; figures are medians
of the rounds, ratios medians of the rounds' own ratios. The broker's CPU is not counted, its settings are
those for benchmarks.

Progress goes to standard error; the last line of standard output is one JSON object with figures and bars.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeAlias

from confluent_kafka import TopicPartition

sys.path.insert(0, str(Path(__file__).parent / "_normalize"))

from traffic import fill

from treaty_chassis.kafka import topics
from treaty_chassis.telemetry import configure_logging
from treaty_embedded.kafka import Kafka
from treaty_events.topics import READING_NORMALIZED, accepted_topic, standing_topics
from treaty_hotpath import COMPILED

PROGRAMS = Path(__file__).parent / "_normalize"
TOPIC = accepted_topic("decentlab").name
TIMEOUT_S = 300.0
ONCE = "exactly_once"
Runs: TypeAlias = dict[str, list[dict[str, float]]]


class Way(NamedTuple):
    """`share` of the events is run of it: what is slow need not run as long for the same certainty."""

    name: str
    about: str
    program: str
    arguments: tuple[str, ...]
    share: float = 1.0


WAYS = (
    Way("pass_through", "consume, produce, commit exactly once: nothing else", "copying.py", ()),
    Way(
        "runner_copy",
        "the runner exactly once, each record out as it came",
        "worker.py",
        ("copy", "bare", ONCE),
    ),
    Way(
        "null_bare",
        "the worker, a decoder that finds nothing, no sandbox",
        "worker.py",
        ("null", "bare", ONCE),
    ),
    Way("null_sandboxed", "the same in the sandbox", "worker.py", ("null", "sandboxed", ONCE)),
    Way("python_bare", "Decentlab's decoder, no sandbox", "worker.py", ("python", "bare", ONCE)),
    Way("python_sandboxed", "Decentlab's decoder, everything on", "worker.py", ("python", "sandboxed", ONCE)),
    Way(
        "python_sandboxed_interpreted",
        "the same, its hot path in Python as on a machine without cargo",
        "worker.py",
        ("python", "interpreted", ONCE),
    ),
    Way(
        "python_sandboxed_at_least_once",
        "the same, at least once",
        "worker.py",
        ("python", "sandboxed", "at_least_once"),
    ),
    Way("javascript_bare", "the same in a codec, no sandbox", "worker.py", ("javascript", "bare", ONCE), 0.5),
    Way(
        "javascript_sandboxed", "the same, everything on", "worker.py", ("javascript", "sandboxed", ONCE), 0.5
    ),
    Way("faststream_single", "a handler a message at a time", "handlers.py", ("single",), 0.05),
    Way("faststream_workers", "the same, sixteen at once", "handlers.py", ("workers",), 0.05),
    Way("faststream_batch", "a batch handler, at least once", "handlers.py", ("batch",), 0.5),
)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(way: Way, servers: str, events: int) -> dict[str, float]:
    """One run in a process, and a consumer group, of its own."""
    last = max(1500, round(events * way.share))
    warm = max(last // 6, 500)
    where = [servers, TOPIC] if way.program == "worker.py" else [servers, TOPIC, READING_NORMALIZED]
    command = [
        sys.executable, str(PROGRAMS / way.program), *where, *way.arguments,
        f"bench-{uuid.uuid4().hex[:12]}", str(warm), str(warm + last),
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    lines = [line for line in ran.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise RuntimeError(f"{way.name} ended with {ran.returncode}\n{ran.stderr[-3000:]}")
    found: dict[str, float] = json.loads(lines[-1])
    return found


def trim(servers: str) -> None:
    """Lets the broker delete what a run wrote."""
    admin = topics.admin(servers)
    partitions = topics.existing(admin)[READING_NORMALIZED]
    places = [TopicPartition(READING_NORMALIZED, number, -1) for number in range(partitions)]
    for future in admin.delete_records(places).values():
        future.result()


def measure(servers: str, rounds: int, events: int, ways: tuple[Way, ...]) -> Runs:
    found: Runs = {way.name: [] for way in ways}
    for number in range(rounds):
        # Another way comes first each time.
        turn = number % len(ways)
        for way in (*ways[turn:], *ways[:turn]):
            one = run(way, servers, events)
            found[way.name].append(one | {"load": os.getloadavg()[0]})
            say(
                f"round {number + 1} {way.name:30} {one['events_per_s']:9,.0f} events/s"
                f" {one['cpu_us']:8.1f} us ({one['children_cpu_us']:.1f} of them children)"
                f" {one['rss_mib']:5.0f} MiB"
            )
            trim(servers)
    return found


def ratio(found: Runs, of: str, to: str) -> float:
    """How many times `of` costs what `to` does; the median of the rounds' ratios."""
    pairs = zip(found[of], found[to], strict=True)
    return statistics.median(a["cpu_us"] / b["cpu_us"] for a, b in pairs)


def figures(found: Runs, ways: tuple[Way, ...]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for way in ways:
        runs = found[way.name]
        middle = {key: statistics.median(one[key] for one in runs) for key in runs[0]}
        costs = sorted(one["cpu_us"] for one in runs)
        shown[way.name] = {
            "what": way.about,
            "events_per_s": round(middle["events_per_s"]),
            "cpu_us_per_event": round(middle["cpu_us"], 2),
            "cpu_us_range": [round(costs[0], 2), round(costs[-1], 2)],
            "children_cpu_us_per_event": round(middle["children_cpu_us"], 2),
            "events_per_core_s": round(1e6 / middle["cpu_us"]),
            "rss_mib": round(middle["rss_mib"]),
        }
    return shown


def bars(found: Runs) -> list[dict[str, Any]]:
    single = min(ratio(found, f"faststream_{kind}", "python_sandboxed") for kind in ("single", "workers"))
    batch = ratio(found, "faststream_batch", "python_sandboxed")
    per_core = 1e6 / statistics.median(one["cpu_us"] for one in found["python_sandboxed"])
    null = ratio(found, "null_bare", "pass_through")
    confined = ratio(found, "null_sandboxed", "pass_through")
    loop = ratio(found, "runner_copy", "pass_through")
    rows = [
        ("everything on, against FastStream's faster handler a message at a time, events a core-second",
         round(single, 1), "times", ">= 15", single >= 15),
        ("everything on, events a core-second of worker and child", round(per_core), "events/s", ">= 50000",
         per_core >= 50_000),
        ("everything on, against FastStream's batch handler (no sandbox, at least once), by the same",
         round(batch, 2), "times", ">= 1.0", batch >= 1.0),
        ("the worker with a null decoder, against the pass-through, CPU an event", round(null, 2), "times",
         "<= 2.2", null <= 2.2),
        ("the same in the sandbox", round(confined, 2), "times", "<= 2.2", confined <= 2.2),
        ("the runner alone, against the pass-through, CPU an event", round(loop, 2), "times",
         "<= 2.2", loop <= 2.2),
    ]  # fmt: skip
    keys = ("what", "value", "unit", "bar", "holds")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--json", action="store_true", help="only for company: the figures always are")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--events", type=int, default=40_000, help="of the fast ways; the slow ones run fewer"
    )
    parser.add_argument("--only", default="", help="names of ways, separated by commas; no bars then")
    given = parser.parse_args()
    configure_logging("bench", "warning")
    chosen = tuple(way for way in WAYS if not given.only or way.name in given.only.split(","))
    with TemporaryDirectory() as folder:
        say("starting the broker")
        kafka = Kafka(Path(folder) / "kafka", optimise=True)
        kafka.start()
        try:
            admin = topics.admin(kafka.bootstrap_servers)
            topics.apply(admin, [*standing_topics(), accepted_topic("decentlab")])
            payload = fill(kafka.bootstrap_servers, TOPIC, round(given.events * 1.25))
            say("warming the broker")
            run(WAYS[0], kafka.bootstrap_servers, given.events)
            found = measure(kafka.bootstrap_servers, given.rounds, given.events, chosen)
        finally:
            kafka.stop()
    shown = figures(found, chosen)
    shown["machine"] = {
        "cores": os.cpu_count(),
        "hot_path_compiled": COMPILED,
        "load_median": round(statistics.median(one["load"] for runs in found.values() for one in runs), 1),
        "rounds": given.rounds,
        "input": payload,
    }
    print(json.dumps({"figures": shown, "bars": [] if given.only else bars(found)}))


if __name__ == "__main__":
    main()
