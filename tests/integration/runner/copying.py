"""A service that copies, as a process: what is killed, restarted and fenced. Logs JSON on stderr."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry

from treaty_chassis.kafka.client import ConfluentClient
from treaty_chassis.kafka.delivery import Delivery
from treaty_chassis.kafka.measures import Measures
from treaty_chassis.kafka.runner import Runner
from treaty_chassis.kafka.spans import spans_of
from treaty_chassis.kafka.work import Output, Partition, PureWork, Record
from treaty_chassis.telemetry import configure_logging
from treaty_chassis.tracing.setup import close, start

LIMIT = 1 << 20


def copying(out: str, dead: str) -> PureWork[None]:
    def step(state: None, batch: Sequence[Record], now_ms: int) -> tuple[None, list[list[Output]]]:
        return state, [[Output(out, record.key, record.value)] for record in batch]

    def dead_letter(record: Record, reason: str, detail: str) -> Output:
        return Output(
            dead, record.key, record.value, [("reason", reason.encode()), ("detail", detail.encode())]
        )

    return PureWork(step, lambda: None, dead_letter)


class DiesBeforeCommit(ConfluentClient):
    """kill -9 in its n-th transaction, with records at the broker and the commit not sent."""

    def __init__(self, servers: str, group: str, slot: str, delivery: Delivery, die_in: int) -> None:
        super().__init__(servers, group, slot, delivery)
        self._left = die_in

    def send_offsets(self, offsets: Mapping[Partition, int]) -> None:
        super().send_offsets(offsets)
        self._left -= 1
        if self._left == 0:
            self._producer.flush()
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("servers", "group", "slot", "source", "out", "dead"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--die-in", type=int, default=0)
    parser.add_argument("--delivery", type=Delivery, default=Delivery.EXACTLY_ONCE)
    given = parser.parse_args()
    configure_logging("copying")
    identity = (given.servers, given.group, given.slot, given.delivery)
    client = DiesBeforeCommit(*identity, given.die_in) if given.die_in else ConfluentClient(*identity)
    work = copying(given.out, given.dead)
    tracing = start("copying")
    spans = spans_of(tracing, given.group, given.slot)
    runner = Runner(client, work, lambda _: LIMIT, measures=Measures(CollectorRegistry()), spans=spans)
    runner.subscribe([given.source])
    signal.signal(signal.SIGTERM, lambda *_: runner.stop())
    try:
        return runner.run()
    finally:
        close(tracing)


if __name__ == "__main__":
    sys.exit(main())
