"""The loop's promises, one by one, over the simulated cluster."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import pytest
from prometheus_client import CollectorRegistry

from treaty_chassis.kafka.hold import Hold
from treaty_chassis.kafka.ledger import Bounds, WorkError
from treaty_chassis.kafka.measures import Measures
from treaty_chassis.kafka.port import AbortedError, FatalError, FencedError, TimedOutError
from treaty_chassis.kafka.runner import ExitCode, Options, Runner
from treaty_chassis.kafka.work import Assigned, Finished, Output, Partition, Record, Work
from treaty_chassis.simulation.client import SimulatedClient
from treaty_chassis.simulation.cluster import Cluster, Transaction
from treaty_chassis.simulation.drill import SimulatedClock
from treaty_chassis.simulation.group import Group

from .works import DEAD, OUT, Delayed, dead_letter, pure

A, B = Partition("a", 0), Partition("b", 0)


class Watched(SimulatedClient):
    """Remembers what it was asked, and fails where it is told to."""

    def __init__(self, cluster: Cluster, group: Group, slot: str = "0") -> None:
        super().__init__(cluster, group, slot)
        self.calls: list[str] = []
        self.seeks: list[Assigned] = []
        self.failures: dict[str, list[Exception]] = {}

    def _note(self, name: str) -> None:
        self.calls.append(name)
        if self.failures.get(name):
            raise self.failures[name].pop(0)

    def poll(self, limit: int, timeout_s: float) -> Sequence[Record]:
        self._note("poll")
        return super().poll(limit, timeout_s)

    def begin(self) -> None:
        self._note("begin")
        super().begin()

    def send_offsets(self, offsets: Mapping[Partition, int]) -> None:
        self._note("send_offsets")
        super().send_offsets(offsets)

    def commit(self) -> None:
        self._note("commit")
        super().commit()

    def seek(self, partitions: Sequence[Assigned]) -> None:
        self.seeks += partitions
        super().seek(partitions)


class Held(Delayed):
    """Finishes the records it is told to, when it is told."""

    def __init__(self) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self.let_go: dict[Partition, int] = {}
        self.told: list[tuple[str, Collection[Partition]]] = []

    def assigned(self, partitions, history) -> None:
        self.told.append(("assigned", [p for p, _ in partitions]))
        super().assigned(partitions, history)

    def revoked(self, partitions) -> None:
        self.told.append(("revoked", list(partitions)))
        super().revoked(partitions)

    def collect(self, now_ms: int) -> list[Finished]:
        return [
            self.finish(self._lanes[partition].popleft())
            for partition, count in self.let_go.items()
            for _ in range(min(count, len(self._lanes.get(partition, ()))))
        ]


class Stage:
    def __init__(self, work: Work, bounds: Bounds | None = None, stuck: int = 0) -> None:
        self.cluster = Cluster()
        inputs = ["a", "b", *(f"stuck-{number}" for number in range(stuck))]
        for topic in (*inputs, OUT, DEAD):
            self.cluster.create(topic)
        self.client = Watched(self.cluster, Group("g", self.cluster))
        self.registry = CollectorRegistry()
        self.runner = Runner(
            self.client,
            work,
            lambda _: 1 << 20,
            measures=Measures(self.registry),
            clock=SimulatedClock(self.cluster),
            hold=Hold(from_rate=float("inf")),
            options=Options(poll_records=10, bounds=bounds or Bounds()),
        )
        self.runner.subscribe(inputs)
        self.runner.start()
        self.runner.turn()

    def feed(self, topic: str, *numbers: int, size: int = 0) -> None:
        for number in numbers:
            self.cluster.append(topic, str(number).zfill(size).encode())

    def turns(self, count: int) -> None:
        for _ in range(count):
            self.runner.turn()

    def out(self) -> list[bytes | None]:
        return [r.value for r in self.cluster.visible(OUT)]

    def committed(self) -> dict[Partition, int | None]:
        return {p: self.cluster.committed("g", p) for p in (A, B)}


def test_no_transaction_is_begun_before_finished_work_is_in_hand():
    work = Held()
    stage = Stage(work)
    stage.feed("a", 1, 2)
    stage.turns(20)
    assert "begin" not in stage.client.calls
    work.let_go = {A: 1}
    stage.runner.turn()
    assert stage.client.calls[-3:] == ["begin", "send_offsets", "commit"]
    assert stage.committed() == {A: 1, B: None}


def test_offsets_are_sent_only_of_partitions_whose_records_are_done():
    work = Held()
    stage = Stage(work)
    stage.feed("a", 1)
    stage.feed("b", 2)
    work.let_go = {B: 1}
    stage.turns(3)
    assert stage.committed() == {A: None, B: 1}


@pytest.mark.parametrize("what", ["send_offsets", "commit"])
def test_what_timed_out_is_asked_again_as_the_same(what: str):
    stage = Stage(pure())
    stage.client.failures[what] = [TimedOutError("slow")] * 3
    stage.feed("a", 1)
    stage.turns(2)
    assert stage.client.calls.count(what) == 4
    assert stage.client.calls.count("begin") == 1
    assert stage.out() == [b"1.0"]


def test_a_commit_that_never_answers_ends_the_process_and_not_the_data():
    stage = Stage(pure())
    stage.client.failures["commit"] = [TimedOutError("slow")] * 99
    stage.feed("a", 1)
    with pytest.raises(FatalError, match="commit: timed out"):
        stage.turns(2)


def test_after_an_abort_every_owned_partition_is_set_back_and_not_only_those_of_the_batch():
    work = Held()
    stage = Stage(work)
    stage.feed("a", 1, 2)
    stage.feed("b", 4, 5)
    work.let_go = {B: 1}
    stage.turns(1)
    assert stage.committed() == {A: None, B: 1}
    stage.client.failures["send_offsets"] = [AbortedError("generation 3 is over")]
    work.let_go = {A: 1}
    stage.turns(1)
    assert sorted(stage.client.seeks) == [Assigned(A, 0), Assigned(B, 1)]
    work.let_go = {A: 9, B: 9}
    stage.turns(40)
    assert stage.committed() == {A: 2, B: 2}
    assert sorted(stage.out()) == [b"1.0", b"2.0", b"4.0", b"5.0"]


def test_a_transaction_aborted_by_the_cluster_is_not_tried_again_at_once():
    stage = Stage(pure())
    stage.client.failures["send_offsets"] = [AbortedError("not coordinator")] * 5
    stage.feed("a", 1)
    while stage.client.failures["send_offsets"]:
        stage.runner.turn()
    begun = stage.client.calls.count("begin")
    assert "5 transactions in a row" in (stage.runner.check() or "")
    stage.turns(5)
    assert stage.client.calls.count("begin") == begun
    stage.cluster.now_ms += 2_000
    stage.turns(2)
    assert stage.out() == [b"1.0"]
    assert stage.runner.check() is None


def test_a_partition_with_too_much_in_hand_is_paused_and_its_neighbour_goes_on():
    work = Held()
    stage = Stage(work, Bounds(1 << 20, 10_000, 1 << 20, 1_000))
    stage.feed("a", *range(1, 500), size=1_000)
    work.let_go = {B: 99}
    most = 0.0
    for number in range(1, 40):
        stage.feed("b", 7 * number + 1)
        stage.runner.turn()
        stage.cluster.now_ms += 1_000
        stage.runner.turn()
        most = max(most, stage.registry.get_sample_value("treaty_runner_in_flight_bytes") or 0)
    assert 10_000 < most < 10_000 + 10 * 1_200, "the bound and one poll beyond it"
    assert stage.committed()[B] == 39
    work.let_go = {A: 2, B: 2}
    stage.turns(600)
    assert stage.committed()[A] == 499


def test_a_topic_is_passed_without_records_in_a_transaction_of_its_own_now_and_then():
    stage = Stage(pure())
    upstream = Transaction("upstream", stage.cluster.initialise("upstream"), 0)
    stage.cluster.produce(upstream, [Output("a", None, b"1")])
    stage.cluster.end_transaction(upstream, committed=True)
    stage.turns(5)
    assert stage.committed() == {A: 1, B: None}
    begun = stage.client.calls.count("begin")
    stage.cluster.now_ms += 5_100
    stage.turns(5)
    assert stage.committed() == {A: 2, B: None}, "the marker is behind"
    stage.cluster.now_ms += 5_100
    stage.turns(5)
    assert stage.client.calls.count("begin") == begun + 1, "nothing had moved the second time"


def test_a_process_that_ends_in_order_leaves_no_marker_before_it():
    stage = Stage(pure())
    upstream = Transaction("upstream", stage.cluster.initialise("upstream"), 0)
    stage.cluster.produce(upstream, [Output("a", None, b"1")])
    stage.cluster.end_transaction(upstream, committed=True)
    stage.turns(3)
    stage.runner.drain()
    assert stage.committed() == {A: 2, B: None}


def test_a_topic_that_is_to_wait_leaves_no_marker_before_its_backlog():
    stage = Stage(pure())
    upstream = Transaction("upstream", stage.cluster.initialise("upstream"), 0)
    stage.cluster.produce(upstream, [Output("a", None, b"1")])
    stage.cluster.end_transaction(upstream, committed=True)
    stage.turns(3)
    stage.runner.pause(["a"])
    stage.turns(2)
    assert stage.committed() == {A: 2, B: None}
    stage.cluster.retain(A, 2)
    stage.runner.resume(["a"])
    stage.feed("a", 2)
    stage.turns(3)
    assert stage.out() == [b"1.0", b"2.0"]
    assert stage.runner.check() is None


def test_twenty_stuck_partitions_leave_their_neighbours_to_go_on():
    """The whole is two hundred records' worth; each of the stuck could take it all, one after the other."""
    work = Held()
    bounds = Bounds(in_flight_bytes=40_000, partition_bytes=10_000)
    stage = Stage(work, bounds, stuck=20)
    for number in range(20):
        stage.feed(f"stuck-{number}", *range(1, 100), size=100)
    stage.turns(200)
    work.let_go = {A: 99, B: 99}
    for number in range(1, 40):
        stage.feed("a", 7 * number + 1)
        stage.feed("b", 7 * number + 1)
        stage.turns(2)
    assert stage.committed() == {A: 39, B: 39}


def test_pausing_a_topic_drops_what_is_in_hand_of_it_and_resuming_brings_it_again():
    work = Held()
    stage = Stage(work)
    stage.feed("a", 1, 2)
    stage.turns(2)
    stage.runner.pause(["a"])
    stage.runner.turn()
    assert work.told[-1] == ("revoked", [A])
    assert stage.runner.suspended() == {A}
    work.let_go = {A: 9, B: 9}
    stage.feed("a", 4)
    stage.feed("b", 5)
    stage.turns(20)
    assert stage.out() == [b"5.0"]
    assert (
        stage.registry.get_sample_value("treaty_runner_lag_records", {"topic": "a", "partition": "0"})
        is not None
    )
    stage.runner.resume(["a"])
    stage.turns(5)
    assert work.told[-1] == ("assigned", [A])
    assert stage.out() == [b"5.0", b"1.0", b"2.0", b"4.0"]


def test_stop_commits_what_is_in_hand_and_takes_no_more():
    work = Held()
    stage = Stage(work)
    stage.feed("a", 1, 2)
    stage.turns(2)
    stage.runner.stop()
    stage.feed("a", 4)
    work.let_go = {A: 1}
    stage.runner.drain()
    assert stage.committed() == {A: 2, B: None}
    assert stage.out() == [b"1.0", b"2.0"]


@pytest.mark.parametrize("what", ["send_offsets", "commit", "committed"])
def test_who_is_to_stop_asks_a_silent_cluster_for_no_longer_than_the_bound(
    what: str, monkeypatch: pytest.MonkeyPatch
):
    stage = Stage(pure())
    stage.feed("a", 1)
    asked: list[float] = []

    def silent(*_: object) -> None:
        stage.cluster.now_ms += 5_000
        asked.append(stage.cluster.now_ms)
        raise TimedOutError("no answer")

    if what == "committed":
        stage.client.failures["commit"] = [AbortedError("not coordinator")]
    monkeypatch.setattr(stage.client, what, silent)
    began = stage.cluster.now_ms
    stage.runner.stop()
    with pytest.raises(FatalError, match="before the process is to end"):
        stage.turns(2)
    assert 10_000 <= asked[-1] - began < 16_000
    assert stage.out() == []


def test_work_that_never_finishes_is_not_waited_for_longer_than_the_bound():
    stage = Stage(Held())
    stage.feed("a", 1)
    stage.turns(2)
    stage.runner.drain()
    assert stage.committed() == {A: None, B: None}


def new_runner(stage: Stage, act: Callable[[Runner], None]) -> tuple[ExitCode, Runner]:
    client = Watched(stage.cluster, Group("other", stage.cluster))
    runner = Runner(
        client,
        pure(),
        lambda _: 1 << 20,
        measures=Measures(CollectorRegistry()),
        clock=SimulatedClock(stage.cluster),
    )
    runner.subscribe(["a"])
    client.failures["poll"] = {fenced: [FencedError("gone")], silent: [TimedOutError("no answer")]}.get(
        act, []
    )
    act(runner)
    return runner.run(), runner


def fenced(runner: Runner) -> None:
    """Nothing: the client says so."""


def silent(runner: Runner) -> None:
    """Nothing: the client says so."""


@pytest.mark.parametrize(
    ("act", "code", "said"),
    [
        (Runner.stop, 0, "stopped"),
        (fenced, 73, "fenced: gone"),
        (silent, 70, "no answer"),
        (lambda runner: runner.fail("the views are gone"), 70, "the views are gone"),
    ],
)
def test_the_exit_code_says_whether_a_new_process_would_help(act, code, said):
    ended, runner = new_runner(Stage(pure()), act)
    assert ended == code
    assert said in runner.check()


def test_a_work_that_finishes_out_of_turn_ends_the_process():
    class Wrong(Held):
        def collect(self, now_ms: int) -> list[Finished]:
            lane = self._lanes.get(A)
            return [self.finish(lane.pop())] if lane else []

    stage = Stage(Wrong())
    stage.feed("a", 1, 2)
    with pytest.raises(WorkError, match="offset 1 was finished out of turn"):
        stage.turns(2)


def test_an_output_that_is_too_large_is_never_produced():
    class Large(Held):
        def finish(self, record: Record) -> Finished:
            return Finished(record, [Output(OUT, None, b"x" * (2 << 20))])

        def dead_letter(self, record: Record, reason: str, detail: str) -> Output:
            return dead_letter(record, reason, detail)

    work = Large()
    work.let_go = {A: 9}
    stage = Stage(work)
    stage.feed("a", 1)
    stage.turns(2)
    assert stage.out() == []
    (letter,) = stage.cluster.visible(DEAD)
    assert letter.headers == (("reason", b"output_too_large"),)
    assert stage.committed()[A] == 1


def test_readiness_waits_for_the_groups_word():
    cluster = Cluster()
    client = Watched(cluster, Group("g", cluster))
    clock = SimulatedClock(cluster)
    runner = Runner(client, pure(), lambda _: 1, measures=Measures(CollectorRegistry()), clock=clock)
    assert "not started" in runner.check()
    runner.subscribe(["later"])
    runner.start()
    runner.turn()
    assert "not assigned" in runner.check()
    cluster.create("later")
    runner.turn()
    assert runner.check() is None
    cluster.now_ms += 60_000
    assert "stalled" in runner.check()
