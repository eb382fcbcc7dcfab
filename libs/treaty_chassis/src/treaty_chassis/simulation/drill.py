"""Runs processes of one service over the simulated cluster while things go wrong, then lets them finish."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from treaty_chassis.kafka.clock import Clock
from treaty_chassis.kafka.hold import Hold
from treaty_chassis.kafka.ledger import Bounds
from treaty_chassis.kafka.measures import Measures
from treaty_chassis.kafka.port import FatalError, FencedError
from treaty_chassis.kafka.runner import Options, Runner
from treaty_chassis.kafka.work import Work
from treaty_chassis.simulation.client import SimulatedClient
from treaty_chassis.simulation.cluster import Cluster
from treaty_chassis.simulation.faults import Crash, Faults
from treaty_chassis.simulation.group import Group

__all__ = ["Drill", "Odds", "SimulatedClock"]

_MEASURES = Measures(CollectorRegistry())
_TURNS_TO_FINISH = 2_000


class SimulatedClock(Clock):
    """Moves a millisecond each time it is asked, and waits for nothing."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def wall_ms(self) -> int:
        self._cluster.now_ms += 1
        return self._cluster.now_ms

    def monotonic(self) -> float:
        return self.wall_ms() / 1000

    def wait(self, filenos: Sequence[int]) -> None:
        """Nothing to wait for."""


@dataclass(frozen=True, slots=True)
class Odds:
    """Per primitive (crash, time_out, abort, hang) and per step of the drill (the others)."""

    crash: float = 0.01
    time_out: float = 0.03
    abort: float = 0.03
    hang: float = 0.02
    kill: float = 0.02
    rebalance: float = 0.05
    expire_session: float = 0.01
    expire_transaction: float = 0.01
    zombie: float = 0.01
    quarantine: float = 0.02


class Drill:
    """`work` makes a fresh Work for each process started; `topics` is what they subscribe to."""

    def __init__(
        self,
        cluster: Cluster,
        work: Callable[[], Work],
        topics: Collection[str],
        rng: random.Random,
        *,
        limit: Callable[[str], int] = lambda _: 1 << 20,
        odds: Odds | None = None,
        slots: int = 2,
        client: type[SimulatedClient] = SimulatedClient,
    ) -> None:
        self._cluster = cluster
        self.group = Group("drill", cluster)
        self._work = work
        self._topics = topics
        self._rng = rng
        self._limit = limit
        self._odds = odds or Odds()
        self._client = client
        self._slots = [str(number) for number in range(slots)]
        self._running: dict[str, Runner] = {}
        self._zombies: list[Runner] = []
        self.crashes = 0
        self.aborted = 0
        self.fenced = 0
        self._made: list[Faults] = []

    @property
    def hung(self) -> int:
        """Calls that were left behind."""
        return sum(faults.hung for faults in self._made)

    def run(self, steps: int, feed: Callable[[], None]) -> None:
        """So many steps with faults; `feed`, which appends input, is called now and then."""
        for _ in range(steps):
            if self._rng.random() < 0.5:
                feed()
            self._misfortune()
            self._step(self._rng.choice(self._slots), faulty=True)
            for zombie in list(self._zombies):
                if not self._turn(zombie):
                    self._zombies.remove(zombie)

    def finish(self, done: Callable[[], bool]) -> None:
        """Without faults, until `done`. Raises AssertionError when that does not come about."""
        self._running.clear()
        for _ in range(_TURNS_TO_FINISH):
            for slot in self._slots:
                self._step(slot, faulty=False)
            if done():
                return
        raise AssertionError("the work was not finished: records are lost or a partition is stuck")

    def _misfortune(self) -> None:
        odds, chance = self._odds, self._rng.random
        slot = self._rng.choice(self._slots)
        if chance() < odds.kill and self._running.pop(slot, None) is not None:
            self.crashes += 1
        if chance() < odds.zombie and slot in self._running:
            self._zombies.append(self._running.pop(slot))
        if chance() < odds.rebalance:
            self.group.rebalance(self._rng.randrange(8))
        if chance() < odds.expire_session:
            self.group.expire(f"drill-{slot}")
        if chance() < odds.expire_transaction:
            self._cluster.expire(f"drill-{slot}")
        if chance() < odds.quarantine and slot in self._running:
            topic = [self._rng.choice(sorted(self._topics))]
            self._rng.choice((self._running[slot].pause, self._running[slot].resume))(topic)

    def _step(self, slot: str, *, faulty: bool) -> None:
        runner = self._running.get(slot)
        if runner is None:
            client = self._client(self._cluster, self.group, slot, self._faults(faulty=faulty))
            runner = self._running[slot] = self.process(client)
            if not self._guard(runner.start):
                self._running.pop(slot)
                return
        if not self._turn(runner):
            self._running.pop(slot, None)

    def process(self, client: SimulatedClient) -> Runner:
        """A process of the service, not yet started."""
        runner = Runner(
            client,
            self._work(),
            self._limit,
            measures=_MEASURES,
            clock=SimulatedClock(self._cluster),
            hold=Hold(from_rate=float("inf")),
            options=Options(
                poll_records=self._rng.randint(1, 8), bounds=Bounds(2_000, 1_000, 1_000, 5), carry_s=0.05
            ),
        )
        runner.subscribe(self._topics)
        return runner

    def _faults(self, *, faulty: bool) -> Faults:
        odds = self._odds
        if not faulty:
            return Faults()
        faults = Faults(self._rng, crash=odds.crash, time_out=odds.time_out, abort=odds.abort, hang=odds.hang)
        self._made.append(faults)
        return faults

    def _turn(self, runner: Runner) -> bool:
        return self._guard(runner.turn)

    def _guard(self, act: Callable[[], None]) -> bool:
        """Whether the process is still there afterwards."""
        try:
            act()
        except Crash:
            self.crashes += 1
        except FencedError:
            self.fenced += 1
        except FatalError:
            self.aborted += 1
        else:
            return True
        return False
