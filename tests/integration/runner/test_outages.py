"""The broker goes and comes back, in order or by SIGKILL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from treaty_embedded.stack import Broker, broker

from .broker import Spec, create, produce, read, unique, values, wait_for
from .conftest import Flow
from .copying import copying


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    with broker(tmp_path) as found:
        yield found


@pytest.fixture
def own_flow(own_broker: Broker) -> Iterator[Flow]:
    servers = own_broker.bootstrap_servers
    found = Flow(servers, unique("copying"), unique("in"), unique("out"), unique("dead"))
    create(servers, Spec(found.source, 2), Spec(found.out, 2), Spec(found.dead))
    yield found
    found.close()


class Supervisor:
    """Starts the process again when it ends with 70, as any supervisor does."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._stopping = threading.Event()
        self.codes: list[int] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            process = self._flow.process()
            while process.poll() is None and not self._stopping.wait(0.1):
                pass
            if process.returncode is not None:
                self.codes.append(process.returncode)

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_broker_that_restarts_costs_nothing_but_time(own_broker: Broker, own_flow: Flow, how: str) -> None:
    """Where librdkafka hangs for it (see kafka/caller.py) another producer takes over in the same process."""
    flow = own_flow
    supervisor = Supervisor(flow)
    try:
        produce(flow.servers, flow.source, (b"%d" % n for n in range(500)))
        wait_for(lambda: len(read(flow.servers, flow.out)) == 500, "the first copies")
        getattr(own_broker, how)()
        own_broker.start()
        produce(flow.servers, flow.source, (b"%d" % n for n in range(500, 600)))
        took = wait_for(lambda: len(read(flow.servers, flow.out)) >= 600, "all copies")
        assert values(read(flow.servers, flow.out)) == sorted(b"%d" % n for n in range(600))
        print(f"caught up after {took:.1f} s")
        assert supervisor.codes == [], "no process had to be started again"
    finally:
        supervisor.close()


def test_readiness_tells_that_the_broker_is_away_and_that_it_is_back(
    own_broker: Broker, own_flow: Flow
) -> None:
    runner = own_flow.runner(copying(own_flow.out, own_flow.dead), own_flow.client())
    wait_for(lambda: runner.check() is None, "the runner to be ready")
    own_broker.kill()
    wait_for(lambda: "no broker answers" in (runner.check() or ""), "readiness to tell")
    own_broker.start()
    wait_for(lambda: runner.check() is None, "readiness to return")
