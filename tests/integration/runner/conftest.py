from __future__ import annotations

import faulthandler
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from treaty_chassis.kafka.client import ConfluentClient
from treaty_chassis.kafka.delivery import Delivery
from treaty_chassis.kafka.measures import Measures
from treaty_chassis.kafka.runner import ExitCode, Options, Runner
from treaty_chassis.kafka.work import Work
from treaty_embedded.pytest_plugin import KafkaAddress

from .broker import PATIENCE_S, Spec, create, unique

COPYING = Path(__file__).with_name("copying.py")


@dataclass
class Flow:
    """A copying service's topics and names, and the processes and runners of it that were started."""

    servers: str
    group: str
    source: str
    out: str
    dead: str
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _threads: list[tuple[Runner, threading.Thread]] = field(default_factory=list)
    codes: list[ExitCode] = field(default_factory=list)

    def process(
        self, slot: str = "0", die_in: int = 0, delivery: Delivery = Delivery.EXACTLY_ONCE
    ) -> subprocess.Popen[bytes]:
        settings = {
            "servers": self.servers,
            "group": self.group,
            "slot": slot,
            "source": self.source,
            "out": self.out,
            "dead": self.dead,
            "die-in": str(die_in),
            "delivery": delivery.value,
        }
        arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
        started = subprocess.Popen([sys.executable, str(COPYING), *arguments])
        self._processes.append(started)
        return started

    def client(self, slot: str = "0", delivery: Delivery = Delivery.EXACTLY_ONCE) -> ConfluentClient:
        return ConfluentClient(self.servers, self.group, slot, delivery)

    def runner(
        self,
        work: Work,
        client: ConfluentClient,
        limit: Callable[[str], int] = lambda _: 1 << 20,
        held: Sequence[str] = (),
        options: Options | None = None,
        source: str | None = None,
    ) -> Runner:
        """Running in a thread, subscribed to the source."""
        runner = Runner(client, work, limit, measures=Measures(CollectorRegistry()), options=options)
        runner.subscribe([source or self.source])
        runner.pause(held)
        thread = threading.Thread(target=lambda: self.codes.append(runner.run()), daemon=True)
        thread.start()
        self._threads.append((runner, thread))
        return runner

    def close(self) -> None:
        for runner, _ in self._threads:
            runner.stop()
        for process in self._processes:
            process.kill()
            process.wait()
        for _, thread in self._threads:
            thread.join(PATIENCE_S)
            if thread.is_alive():
                faulthandler.dump_traceback()
                raise AssertionError("the runner did not end after being told to")


@pytest.fixture
def flow(kafka: KafkaAddress) -> Iterator[Flow]:
    """Two input partitions, two output partitions."""
    found = Flow(kafka.bootstrap_servers, unique("copying"), unique("in"), unique("out"), unique("dead"))
    create(found.servers, Spec(found.source, 2), Spec(found.out, 2), Spec(found.dead))
    yield found
    found.close()
