"""The runner over the simulated cluster: whatever goes wrong, nothing is lost and nothing happens twice."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest

from treaty_chassis.kafka.work import Output, Partition, Record, Work
from treaty_chassis.simulation.acknowledged import AcknowledgedClient
from treaty_chassis.simulation.client import SimulatedClient
from treaty_chassis.simulation.cluster import Cluster, Transaction
from treaty_chassis.simulation.drill import Drill, Odds
from treaty_chassis.simulation.faults import Crash, Faults
from treaty_chassis.simulation.group import Group, Member

from .works import DEAD, OUT, Delayed, FirstOnly, copies, numbers, pure

SEEDS = [int(s) for s in os.environ.get("TREATY_SEEDS", "").split(",") if s] or range(120)
IN = ("in-a", "in-b")


def new_cluster(reject: Callable[[Output], str | None] | None = None) -> Cluster:
    cluster = Cluster(reject)
    for topic in IN:
        cluster.create(topic, 2)
    cluster.create(OUT, 3)
    cluster.create(DEAD)
    return cluster


def consumed(cluster: Cluster) -> Callable[[], bool]:
    """Whether every record of the input topics lies before the group's committed offset."""
    partitions = [Partition(topic, number) for topic in IN for number in range(2)]
    return lambda: all(
        not list(cluster.read(p, cluster.committed("drill", p) or 0)) and not cluster.pending("drill", p)
        for p in partitions
    )


def drill(seed: int, work: Callable[[random.Random], Work], odds: Odds, cluster: Cluster) -> Drill:
    rng = random.Random(seed)
    source = numbers()

    def feed() -> None:
        for _ in range(rng.randint(1, 6)):
            value = next(source)
            cluster.append(rng.choice(IN), value, key=b"key-%d" % (int(value) % 5))

    found = Drill(cluster, lambda: work(rng), IN, rng, odds=odds)
    found.run(150, feed)
    found.finish(consumed(cluster))
    return found


def expected(cluster: Cluster) -> list[bytes]:
    return sorted(
        output.value or b"" for topic in IN for record in cluster.visible(topic) for output in copies(record)
    )


def in_order(cluster: Cluster) -> bool:
    """The outputs of each key of each input topic stand in the order of the input."""
    inputs = {r.value: r for topic in IN for r in cluster.visible(topic)}
    last: dict[tuple[str, bytes | None], tuple[int, bytes]] = {}
    for record in cluster.visible(OUT):
        number, index = (record.value or b"").split(b".")
        source = inputs[number]
        place = (source.topic, record.key)
        if last.get(place, (-1, b"")) >= (source.offset, index):
            return False
        last[place] = (source.offset, index)
    return True


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_goes_wrong_each_record_has_its_outputs_once_and_in_order(seed: int) -> None:
    print("seed", seed)
    cluster = new_cluster()
    work = (lambda _: pure()) if seed % 2 else Delayed
    drill(seed, work, Odds(), cluster)
    assert sorted(r.value for r in cluster.visible(OUT)) == expected(cluster)
    assert in_order(cluster)
    assert cluster.visible(DEAD) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_state_read_back_from_the_log_survives_aborts_and_takeovers(seed: int) -> None:
    print("seed", seed)
    cluster = new_cluster()
    rng = random.Random(seed)
    done = Drill(cluster, lambda: FirstOnly(rng), IN, rng)

    def feed() -> None:
        value = b"%d" % rng.randint(0, 40)
        cluster.append(IN[int(value) % 2], value, key=value)

    done.run(150, feed)
    done.finish(consumed(cluster))
    values = {r.value for topic in IN for r in cluster.visible(topic)}
    assert sorted(r.value for r in cluster.visible(OUT)) == sorted(values)


@pytest.mark.parametrize("seed", SEEDS[:40])
def test_poison_ends_as_a_dead_letter_and_all_else_goes_through(seed: int) -> None:
    print("seed", seed)

    def poisonous(output: Output) -> str | None:
        return "refused by policy" if output.topic == OUT and b"3" in (output.value or b"") else None

    cluster = new_cluster(poisonous)
    drill(seed, lambda _: pure(), Odds(), cluster)
    inputs = [r for topic in IN for r in cluster.visible(topic)]
    poison = {r.value for r in inputs if any(poisonous(o) for o in copies(r))}
    assert poison
    assert sorted(r.value for r in cluster.visible(DEAD)) == sorted(poison)
    good = sorted(o.value or b"" for r in inputs if r.value not in poison for o in copies(r))
    assert sorted(r.value for r in cluster.visible(OUT)) == good


@pytest.mark.parametrize("seed", SEEDS[:60])
def test_without_transactions_nothing_is_lost_and_what_comes_again_is_the_same(seed: int) -> None:
    print("seed", seed)
    cluster = new_cluster()
    rng = random.Random(seed)
    source = numbers()

    def feed() -> None:
        value = next(source)
        cluster.append(rng.choice(IN), value, key=b"key-%d" % (int(value) % 5))

    work = pure if seed % 2 else lambda: Delayed(rng)
    found = Drill(cluster, work, IN, rng, client=AcknowledgedClient)
    found.run(150, feed)
    found.finish(consumed(cluster))
    made = [r.value or b"" for r in cluster.visible(OUT)]
    assert sorted(set(made)) == expected(cluster)
    assert cluster.visible(DEAD) == []


def test_without_transactions_a_crash_at_any_primitive_loses_nothing() -> None:
    crashed = repeated = 0
    for crash_at in range(10_000):
        cluster = new_cluster()
        for number in range(12):
            cluster.append(IN[number % 2], b"%d" % number, key=b"k%d" % (number % 3))
        faults = Faults(crash_at=crash_at)
        found = Drill(cluster, pure, IN, random.Random(7), client=AcknowledgedClient)
        runner = found.process(AcknowledgedClient(cluster, found.group, "0", faults))
        try:
            runner.start()
            for _ in range(12):
                runner.turn()
        except Crash:
            crashed += 1
        else:
            break
        found.finish(consumed(cluster))
        made = [r.value or b"" for r in cluster.visible(OUT)]
        assert sorted(set(made)) == expected(cluster), faults.trace
        repeated += len(made) > len(set(made))
    assert crashed > 30
    assert repeated, "between produce and commit there is a crash that repeats"


@pytest.mark.parametrize("seed", SEEDS[:60])
def test_retention_that_takes_what_was_consumed_and_the_markers_after_it_strands_nobody(seed: int) -> None:
    """The input is transactional, as every topic but the raw ones is: each batch ends in a marker, and some
    batches are aborted. Retention follows the group, and in the end takes everything."""
    print("seed", seed)
    cluster = new_cluster()
    rng = random.Random(seed)
    source = numbers()
    places = [Partition(topic, number) for topic in IN for number in range(2)]

    def feed() -> None:
        upstream = Transaction("upstream", cluster.initialise("upstream"), 0)
        made = [next(source) for _ in range(rng.randint(1, 4))]
        cluster.produce(upstream, [Output(rng.choice(IN), b"key-%d" % (int(v) % 5), v) for v in made])
        cluster.end_transaction(upstream, committed=rng.random() < 0.8)
        for place in places:
            cluster.retain(place, cluster.committed("drill", place) or 0)

    fed: set[bytes | None] = set()

    def remember() -> None:
        feed()
        fed.update(r.value for topic in IN for r in cluster.visible(topic))

    found = Drill(cluster, pure, IN, rng)
    found.run(150, remember)
    found.finish(
        lambda: all((cluster.committed("drill", p) or 0) == cluster.end(p) for p in places if cluster.end(p))
    )
    for place in places:
        cluster.retain(place, cluster.end(place))
    remember()
    found.finish(consumed(cluster))
    made = {(r.value or b"").split(b".")[0] for r in cluster.visible(OUT)}
    assert made == {v for v in fed if v and copies(Record("", 0, 0, 0, None, v))}
    assert len({r.value for r in cluster.visible(OUT)}) == len(cluster.visible(OUT))


def test_records_that_retention_took_before_they_were_read_strand_their_partition() -> None:
    cluster = new_cluster()
    found = Drill(cluster, pure, IN, random.Random(1), slots=1)
    cluster.append("in-a", b"1", key=b"k")
    found.finish(consumed(cluster))
    place = next(p for p in (Partition("in-a", 0), Partition("in-a", 1)) if cluster.end(p))
    for value in (b"2", b"4"):
        cluster.append("in-a", value, key=b"k")
    cluster.retain(place, 2)
    runner = found.process(SimulatedClient(cluster, found.group, "0"))
    runner.start()
    for _ in range(3):
        runner.turn()
    assert "stranded" in (runner.check() or "")
    assert [r.value for r in cluster.visible(OUT)] == [b"1.0"]


def test_a_crash_before_and_after_every_single_primitive_loses_and_repeats_nothing() -> None:
    crashed = 0
    for crash_at in range(10_000):
        cluster = new_cluster()
        for number in range(12):
            cluster.append(IN[number % 2], b"%d" % number, key=b"k%d" % (number % 3))
        faults = Faults(crash_at=crash_at)
        rng = random.Random(7)
        found = Drill(cluster, pure, IN, rng)
        runner = found.process(SimulatedClient(cluster, found.group, "0", faults))
        try:
            runner.start()
            for _ in range(12):
                runner.turn()
        except Crash:
            crashed += 1
        else:
            break
        found.finish(consumed(cluster))
        assert sorted(r.value for r in cluster.visible(OUT)) == expected(cluster), faults.trace
        assert in_order(cluster), faults.trace
    assert crashed > 30


def test_the_drill_really_crashes_aborts_fences_and_hangs() -> None:
    """The faults above are no theory: over the seeds each kind happens."""
    crashes = fenced = hung = 0
    for seed in range(20):
        found = drill(seed, lambda _: pure(), Odds(), new_cluster())
        crashes += found.crashes
        fenced += found.fenced
        hung += found.hung
    assert crashes > 50
    assert hung > 50
    assert fenced > 5


def test_the_simulation_notices_a_runner_that_does_not_set_partitions_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Were it not to seek after an abort, this simulation would see records lost."""

    def lossless(seed: int) -> bool:
        cluster = new_cluster()
        try:
            drill(seed, lambda _: pure(), Odds(), cluster)
        except AssertionError:
            return False
        return sorted(r.value for r in cluster.visible(OUT)) == expected(cluster)

    assert all(map(lossless, range(10)))
    monkeypatch.setattr(SimulatedClient, "seek", lambda self, partitions: None)
    assert not all(map(lossless, range(10)))


def test_a_group_hands_partitions_over_only_once_they_are_given_up() -> None:
    cluster = new_cluster()
    group = Group("g", cluster)
    one, two = Member("one", frozenset({"in-a"})), Member("two", frozenset({"in-a"}))
    group.join(one)
    assert group.heartbeat(one) == (set(), {Partition("in-a", 0), Partition("in-a", 1)})
    group.join(two)
    assert group.heartbeat(two) == (set(), set())
    revoked, assigned = group.heartbeat(one)
    assert len(revoked) == 1
    assert not assigned
    assert group.heartbeat(two) == (set(), revoked)
