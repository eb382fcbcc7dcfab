"""The demo's fleet, as a process of its own.

    python -m treaty_cli.demo.simulator --seed-file .treaty/demo.json --rate 60

Produces until SIGTERM or SIGINT, then delivers what it holds and exits: 0 when all of it was delivered, else
1. While Kafka is away it waits, and goes on with fresh messages when it is back.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, Final

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from treaty_chassis.kafka.security import reach
from treaty_chassis.telemetry import configure_logging
from treaty_cli.demo import corpora
from treaty_cli.demo.corpora import CorpusError
from treaty_cli.demo.seed import Seed, SeedError, load
from treaty_cli.demo.traffic import COUNTER_MS, Traffic

__all__ = ["Simulator", "main"]

log = structlog.get_logger(__name__)

WAITING_S: Final = 2.0
"""So much traffic may wait for delivery before the simulator pauses."""
FLUSH_S: Final = 15.0
CONNECTED_S: Final = 10.0
TIMEOUT_MS: Final = 60_000


class Simulator:
    """Sends at `rate` records a second until told to stop."""

    def __init__(self, seed: Seed, traffic: Traffic, rate: float) -> None:
        self._traffic = traffic
        self._rate = rate
        self._bound = max(100, int(rate * WAITING_S))
        self._stopped = False
        self._failing = False
        self.sent: Counter[str] = Counter()
        self.delivered = 0
        self.failed = 0
        self._producer = Producer(
            {
                **reach(seed.bootstrap_servers),
                "client.id": "treaty-simulator",
                "enable.idempotence": True,
                "linger.ms": 0,
                "message.timeout.ms": TIMEOUT_MS,
                "queue.buffering.max.messages": self._bound * 2,
                "topic.metadata.refresh.interval.ms": 5000,
                "reconnect.backoff.max.ms": 1000,
                "log.connection.close": False,
                "logger": logging.getLogger("librdkafka"),
            }
        )

    def stop(self, *_: object) -> None:
        """May be called from a signal handler."""
        self._stopped = True

    def run(self) -> int:
        """How many records were left undelivered."""
        self._connect()
        due = time.monotonic()
        while not self._stopped:
            if len(self._producer) >= self._bound:
                self._pause()
                due = time.monotonic()
                continue
            wait = due - time.monotonic()
            if wait > 0:
                self._producer.poll(wait)
                continue
            self._send()
            # After a standstill the pace goes on; what was not sent then is not made up for.
            due = max(due + 1 / self._rate, time.monotonic() - 1)
            self._producer.poll(0)
        left = self._producer.flush(FLUSH_S)
        log.info(
            "simulator stopped",
            sent=dict(self.sent),
            delivered=self.delivered,
            failed=self.failed,
            undelivered=left,
        )
        return left + self.failed

    def _connect(self) -> None:
        """A producer that has yet to find its way would date its first records before it could send them."""
        with contextlib.suppress(KafkaException):
            self._producer.list_topics(timeout=CONNECTED_S)

    def _send(self) -> None:
        sending = self._traffic.next(time.time_ns() // 1_000_000)
        self._producer.produce(
            sending.topic,
            key=sending.key,
            value=sending.value,
            headers=list(sending.headers),
            on_delivery=self._on_delivery,
        )
        self.sent[sending.kind] += 1

    def _pause(self) -> None:
        log.warning("deliveries are waiting; pausing", waiting=len(self._producer))
        while len(self._producer) > self._bound // 2 and not self._stopped:
            self._producer.poll(0.2)

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.delivered += 1
            self._failing = False
            return
        self.failed += 1
        if not self._failing:
            log.error("a record was not delivered", topic=message.topic(), error=error.str())
            self._failing = True


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m treaty_cli.demo.simulator", description=__doc__)
    parser.add_argument("--seed-file", type=Path, required=True, help="written by `treaty demo`")
    parser.add_argument("--rate", type=float, default=60.0, help="records a second (default: 60)")
    parser.add_argument("--plugins", type=Path, default=Path(os.environ.get("TREATY_PLUGINS_DIR", "plugins")))
    parser.add_argument("--random-seed", type=int, default=None, help="the same choices every time")
    options = parser.parse_args(arguments)
    configure_logging("simulator", os.environ.get("TREATY_LOG_LEVEL", "INFO"))
    try:
        seed = load(options.seed_file)
        names = {d.corpus for d in seed.devices} | {u.corpus for u in seed.unknown}
        found = corpora.load(names, options.plugins)
        traffic = Traffic(seed, found, Random(options.random_seed))  # noqa: S311 (chooses, keeps no secret)
    except (SeedError, CorpusError, ValueError) as error:
        parser.error(str(error))
    most = len(seed.devices) * 1000 / COUNTER_MS / 2
    if not 0 < options.rate <= most:
        parser.error(f"--rate: expected more than 0 and at most {most:.0f} for {len(seed.devices)} devices")
    simulator = Simulator(seed, traffic, options.rate)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, simulator.stop)
    log.info("simulator started", rate=options.rate, devices=len(seed.devices), **_corpora_told(found))
    return 1 if simulator.run() else 0


def _corpora_told(found: dict[str, Any]) -> dict[str, int]:
    return {"corpora": len(found), "uplinks": sum(len(corpus.cases) for corpus in found.values())}


if __name__ == "__main__":
    sys.exit(main())
