"""`treaty demo --check` of a platform that runs already: its traffic is accounted for as it flows.

A subscriber in a process of its own goes live, a window of the raw topics is opened, every device sends an
uplink, and after a while the window is closed. Whatever fell into it must have come to its end. Whoever else
sends keeps sending.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
from confluent_kafka import KafkaException

from treaty_chassis.kafka.history import LogHistory
from treaty_chassis.kafka.work import Partition
from treaty_cli.api import ApiError, token
from treaty_cli.demo import corpora, journal, records, single
from treaty_cli.demo.expectation import Expectations
from treaty_cli.demo.reconciliation import reconcile
from treaty_cli.demo.report import Report
from treaty_cli.demo.seed import Seed, SeedError, load
from treaty_cli.demo.subscriber import LIVE
from treaty_cli.demo.window import CONTEXT_MS, bounded
from treaty_cli.home import Home, NotRunningError
from treaty_cli.progress import Progress
from treaty_events import topics

__all__ = ["account", "running"]

_LIVE_S: Final = 60.0
_PATIENCE_S: Final = 60.0
_AGAIN_S: Final = 0.5
_ANSWERED_S: Final = 60.0
_ANSWER_S: Final = 2.0


def running(home: Home) -> bool:
    """Whether the platform of this home answers."""
    try:
        httpx.get(f"{home.running().urls['registry']}/livez", timeout=_ANSWER_S)
    except (NotRunningError, KeyError, httpx.HTTPError):
        return False
    return True


def account(
    home: Home, plugins: Path, for_s: float, progress: Progress, wait: Callable[[float], bool]
) -> tuple[dict[str, Any], bool]:
    """The account of a window of that many seconds, and whether it is as it must be. `wait` may return before
    its time, which closes the window. Raises ApiError where no demo was put into the registry, or Kafka or
    the push gateway do not answer."""
    try:
        seed = replace(load(home.demo), token=token(home)["access_token"])
    except SeedError as error:
        raise ApiError(0, str(error)) from error
    home.write(home.demo, msgspec.json.encode(seed).decode())
    log = home.folder("check") / "journal.jsonl"
    log.unlink(missing_ok=True)
    with _subscribed(home.demo, log):
        progress.step("subscriber", "is live")
        servers = seed.bootstrap_servers
        since = _ends(servers)
        context = _context(servers, since)
        sent = single.produce(servers, [single.sending(seed, d, plugins) for d in seed.devices])
        progress.step("devices", f"{len(sent)} uplinks sent; watching for {for_s:g} s")
        wait(for_s)
        until = _ends(servers)
        progress.step("reconciler", "compares what was sent with what came of it")
        report = _settled(seed, plugins, log, context, since, until)
    for fault in report.faults:
        progress.trouble("reconciler", fault)
    return report.to_json(None), report.clean


def _ends(bootstrap_servers: str) -> records.Offsets:
    """Where the topics end now. A broker that was killed a moment ago answers a little later."""
    end = time.monotonic() + _ANSWERED_S
    while True:
        try:
            return records.ends(bootstrap_servers)
        except KafkaException as error:
            if time.monotonic() > end:
                raise ApiError(0, f"Kafka at {bootstrap_servers} does not answer: {error}") from error
        time.sleep(_AGAIN_S)


def _settled(
    seed: Seed,
    plugins: Path,
    log: Path,
    context: records.Offsets,
    since: records.Offsets,
    until: records.Offsets,
) -> Report:
    """The report, made again until it is clean or patience ends."""
    names = {d.corpus for d in seed.devices} | {u.corpus for u in seed.unknown}
    expect = Expectations(seed, corpora.load(names, plugins)).of
    reader = records.Reader(seed.bootstrap_servers, dict(since) | dict(context))
    end = time.monotonic() + _PATIENCE_S
    while True:
        found = reader.read()
        found.deliveries = journal.delivered(log)
        report = reconcile(bounded(found, since, until, expect), expect)
        if report.clean or time.monotonic() >= end:
            return report
        time.sleep(_AGAIN_S)


def _context(bootstrap_servers: str, since: records.Offsets) -> dict[Partition, int]:
    """Where the raw topics stood before the window, which opens now, so that what repeats something older is
    known as such."""
    history = LogHistory(bootstrap_servers, "treaty-reconciler")
    before = time.time_ns() // 1_000_000 - CONTEXT_MS
    found = {}
    for place, offset in since.items():
        spec = topics.spec_of(place.topic)
        if spec is not None and spec.name in (topics.RAW, topics.RAW_OF_GATEWAY):
            earlier = history.offset_at(place, before)
            found[place] = offset if earlier is None else min(earlier, offset)
    return found


@contextmanager
def _subscribed(seed_file: Path, log: Path) -> Iterator[None]:
    """From the moment on at which no reading can be missed."""
    command = [
        "-m",
        "treaty_cli.demo.reconciler",
        "subscribe",
        "--seed-file",
        str(seed_file),
        "--log",
        str(log),
    ]
    environment = os.environ | {"TREATY_LOG_LEVEL": "WARNING"}
    # A session of its own: Ctrl-C closes the window, and what is under way is still to be heard.
    process = subprocess.Popen([sys.executable, *command], env=environment, start_new_session=True)
    try:
        _wait(lambda: LIVE in journal.marks(log), process)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _wait(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _LIVE_S
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise ApiError(0, "the push gateway lets nobody subscribe: is the platform up?")
        time.sleep(0.1)
