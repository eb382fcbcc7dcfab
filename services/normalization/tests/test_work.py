"""Order a partition, isolation a plugin, and nothing lost over what a runner does to its work."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from treaty_chassis.kafka.work import Assigned, Finished, Partition, Record
from treaty_events.codec import decode
from treaty_events.decisions import PluginReported
from treaty_events.headers import header
from treaty_events.readings import ReadingNormalized
from treaty_normalization.budget import Allowance
from treaty_normalization.conduct import Watch
from treaty_normalization.hosting import Hosting
from treaty_normalization.metrics import Metrics
from treaty_normalization.work import NormalizationWork
from treaty_sandbox import Policy, Template
from treaty_sandbox.child import Child, State

from .conftest import plugin, record, uplink
from .test_deduplication import Log

TOPIC, OTHER = "uplink.accepted.acme.v1", "uplink.accepted.slow.v1"
SPINS = b"def decode(uplink):\n    while uplink.payload == b'7':\n        pass\n    return []\n"
SLOW = b"import time\ndef decode(uplink):\n    time.sleep(0.2)\n    return []\n"
Started = Callable[..., NormalizationWork]


@pytest.fixture(scope="module")
def template() -> Iterator[Template]:
    found = Template()
    yield found
    found.close()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def work(template: Template, registry: CollectorRegistry) -> Iterator[NormalizationWork]:
    """Of two plugins, the second a slow one; one partition of each is assigned."""
    metrics = Metrics(registry)
    hostings = {
        topic: Hosting(plugin(*source), template, Policy.STRICT, "0", metrics)
        for topic, source in ((TOPIC, ()), (OTHER, (SLOW,)))
    }
    found = NormalizationWork(hostings, metrics)
    found.assigned([Assigned(Partition(topic, 0), 0) for topic in hostings], Log([]))
    yield found
    for hosting in hostings.values():
        hosting.rest()


def collect(work: NormalizationWork, count: int, now_ms: int = 0) -> list[Finished]:
    found: list[Finished] = []
    deadline = time.monotonic() + 90
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count}"
        found += work.collect(now_ms)
        if len(found) < count:
            select.select(work.filenos(), [], [], 0.02)
    return found


def topics(finished: Finished) -> list[str]:
    return [output.topic for output in finished.outputs]


def records(*payloads: bytes, topic: str = TOPIC) -> Sequence[Record]:
    return [record(uplink(p, counter=i), i, topic) for i, p in enumerate(payloads)]


def test_records_come_back_once_each_in_order_whatever_becomes_of_them(work: NormalizationWork) -> None:
    given = records(b"1", b"bad", b"2 3", b"odd", b"die", b"", b"4")
    work.submit(given, 0)
    found = collect(work, 7)
    assert [f.record for f in found] == list(given)
    assert all(f.record is g for f, g in zip(found, given, strict=True))
    reading, letter, report = "reading.normalized.v1", "uplink.deadletter.v1", "plugin.reported.v1"
    assert [topics(f) for f in found] == [
        [reading], [letter], [reading, reading], [letter, report], [letter, report], [], [reading]
    ]  # fmt: skip


def test_a_repeat_is_finished_without_output_and_counted(
    work: NormalizationWork, registry: CollectorRegistry
) -> None:
    first, repeat = record(uplink(dedup_id="x"), 0), record(uplink(dedup_id="x"), 1)
    work.submit([first, repeat], 0)
    assert [topics(f) for f in collect(work, 2)] == [["reading.normalized.v1"], []]
    name = "treaty_normalization_duplicates_dropped_total"
    assert registry.get_sample_value(name, {"plugin": "acme"}) == 1


def test_an_unreadable_record_is_a_dead_letter(work: NormalizationWork) -> None:
    work.submit([record(b"not json", 0)], 0)
    [found] = collect(work, 1)
    assert header(found.outputs[0].headers, "treaty-reason") == b"unreadable_uplink"
    assert found.outputs[0].value == b"not json"


def test_a_slow_plugin_does_not_keep_another_waiting(work: NormalizationWork) -> None:
    work.submit(records(*[b""] * 20, topic=OTHER), 0)
    work.submit(records(b"1", b"2"), 0)
    assert {f.record.topic for f in collect(work, 2)} == {TOPIC}


def test_violations_are_reported_with_their_count_at_most_once_a_second(work: NormalizationWork) -> None:
    work.submit(records(*[b"odd"] * 5, b"1"), 0)
    first = collect(work, 6, now_ms=5_000)
    reports = [o for f in first for o in f.outputs if o.topic == "plugin.reported.v1"]
    assert [decode(PluginReported, o.value or b"").count for o in reports] == [1]
    later = [record(uplink(b"1", counter=77), 9)]
    work.submit(later, 0)
    [last] = collect(work, 1, now_ms=6_000)
    [report] = [
        decode(PluginReported, o.value or b"") for o in last.outputs if o.topic == "plugin.reported.v1"
    ]
    assert (report.kind, report.count, report.plugin, report.slot) == ("contract_violation", 4, "acme", "0")
    assert report.reported_at == "1970-01-01T00:00:06.000Z"


def test_a_revoked_partitions_records_never_come_back(work: NormalizationWork) -> None:
    work.submit(records(*[b""] * 3, topic=OTHER), 0)
    work.submit(records(b"1"), 0)
    work.revoked([Partition(OTHER, 0)])
    assert [f.record.topic for f in collect(work, 1)] == [TOPIC]
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        assert not work.collect(0)
        select.select(work.filenos(), [], [], 0.05)


def test_after_a_reset_the_same_records_come_again_and_are_not_repeats(work: NormalizationWork) -> None:
    given = records(b"1", b"2")
    work.submit(given, 0)
    work.reset()
    work.assigned([Assigned(Partition(TOPIC, 0), 0)], Log(list(given)))
    work.submit(given, 0)
    assert [topics(f) for f in collect(work, 2)] == [["reading.normalized.v1"]] * 2


def test_a_partition_taken_over_knows_what_came_before(work: NormalizationWork) -> None:
    before, repeat = record(uplink(dedup_id="x"), 0), record(uplink(dedup_id="x"), 1)
    work.revoked([Partition(TOPIC, 0)])
    work.assigned([Assigned(Partition(TOPIC, 0), 1)], Log([before, repeat]))
    work.submit([repeat], 0)
    assert topics(collect(work, 1)[0]) == []


def test_a_plugin_without_a_partition_has_no_child_until_it_gets_one(work: NormalizationWork) -> None:
    hosting = work._hostings[OTHER]
    work.submit(records(b"1"), 0)
    collect(work, 1)
    assert hosting.filenos()
    work.revoked([Partition(OTHER, 0)])
    work.collect(0)
    assert hosting._host._child is None
    assert hosting.check() is None
    work.assigned([Assigned(Partition(OTHER, 0), 0)], Log([]))
    work.submit(records(b"", topic=OTHER), 0)
    assert [f.record.topic for f in collect(work, 1)] == [OTHER]


def test_a_child_that_does_not_start_keeps_its_uplinks_waiting_and_says_why(template: Template) -> None:
    metrics = Metrics(CollectorRegistry())
    hosting = Hosting(plugin(b"1 / 0"), template, Policy.STRICT, "0", metrics)
    work = NormalizationWork({TOPIC: hosting}, metrics)
    work.assigned([Assigned(Partition(TOPIC, 0), 0)], Log([]))
    work.submit(records(b"1"), 0)
    deadline = time.monotonic() + 90
    while "ZeroDivisionError" not in (hosting.check() or ""):
        assert time.monotonic() < deadline
        assert work.collect(0) == []
        select.select(work.filenos(), [], [], 0.02)
    hosting.rest()


def test_what_the_runner_cannot_produce_becomes_a_dead_letter_of_the_plugin(work: NormalizationWork) -> None:
    letter = work.dead_letter(records(b"1")[0], "output_too_large", "too many bytes")
    assert letter.topic == "uplink.deadletter.v1"
    assert header(letter.headers, "treaty-plugin") == b"acme"


def versions(finished: Sequence[Finished]) -> list[str]:
    return [decode(ReadingNormalized, f.outputs[0].value or b"").provenance.version for f in finished]


def test_another_version_takes_over_between_two_batches_and_nothing_is_lost_or_repeated(
    work: NormalizationWork, registry: CollectorRegistry
) -> None:
    given = records(*[b"%d" % i for i in range(1200)])
    work.submit(given[:800], 0)
    work._hostings[TOPIC].upgrade(replace(plugin(), version="2.0.0"))
    work.submit(given[800:], 0)
    found = collect(work, 1200)
    assert [f.record for f in found] == list(given)
    told = versions(found)
    assert told == ["1.2.3"] * told.count("1.2.3") + ["2.0.0"] * told.count("2.0.0")
    assert 0 < told.count("1.2.3") <= 800
    assert registry.get_sample_value("treaty_normalization_upgrades_total", {"plugin": "acme"}) == 1


def test_what_a_version_that_does_not_start_left_waiting_is_the_next_one_s(template: Template) -> None:
    metrics = Metrics(CollectorRegistry())
    hosting = Hosting(plugin(b"1 / 0"), template, Policy.STRICT, "0", metrics)
    work = NormalizationWork({TOPIC: hosting}, metrics)
    work.assigned([Assigned(Partition(TOPIC, 0), 0)], Log([]))
    given = records(b"1", b"2")
    work.submit(given, 0)
    deadline = time.monotonic() + 90
    while "ZeroDivisionError" not in (hosting.check() or ""):
        assert time.monotonic() < deadline
        work.collect(0)
        select.select(work.filenos(), [], [], 0.02)
    hosting.upgrade(replace(plugin(), version="2.0.0"))
    found = collect(work, 2)
    assert [f.record for f in found] == list(given)
    assert versions(found) == ["2.0.0"] * 2
    hosting.rest()


def test_a_version_that_came_while_nothing_was_to_be_done_is_the_one_that_starts(
    work: NormalizationWork,
) -> None:
    work.revoked([Partition(TOPIC, 0)])
    work._hostings[TOPIC].upgrade(replace(plugin(), version="2.0.0"))
    work.assigned([Assigned(Partition(TOPIC, 0), 0)], Log([]))
    work.submit(records(b"1"), 0)
    assert versions(collect(work, 1)) == ["2.0.0"]


def test_what_is_in_hand_while_a_version_rests_is_the_next_one_s(
    template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fixed version does not wait for what the broken one has coming."""
    monkeypatch.setattr(Child, "waited", lambda _: 0.0)
    metrics, clock = Metrics(CollectorRegistry()), [1000.0]
    hosting = Hosting(plugin(SPINS), template, Policy.STRICT, "0", metrics)
    work = NormalizationWork({TOPIC: hosting}, metrics, lambda: clock[0])
    work.assigned([Assigned(Partition(TOPIC, 0), 0)], Log([]))
    given = records(b"7", b"1", b"7")
    work.submit(given, 0)

    def spins() -> bool:
        child = hosting._host._child
        return child is not None and child.state is State.BUSY and child.worked() > 0.02

    deadline = time.monotonic() + 90
    for _ in range(3):
        while not spins():
            assert time.monotonic() < deadline
            assert work.collect(0) == []
            select.select(work.filenos(), [], [], 0.02)
        clock[0] += 6
        work.collect(0)
    assert hosting._host.resting(clock[0])
    assert hosting.check() in (None, "the child is starting")
    hosting.upgrade(replace(plugin(), version="2.0.0"))
    found = collect(work, 3)
    assert [f.record for f in found] == list(given)
    assert versions(found) == ["2.0.0"] * 3
    hosting.rest()


def test_past_its_budget_a_plugin_is_reported_and_waits_for_what_is_decided(template: Template) -> None:
    metrics, clock = Metrics(CollectorRegistry()), [1000.0]
    watch = Watch(allowance=Allowance(count=5), hesitation_s=30)
    hosting = Hosting(plugin(), template, Policy.STRICT, "0", metrics, watch=watch)
    work = NormalizationWork({TOPIC: hosting}, metrics, lambda: clock[0])
    work.assigned([Assigned(Partition(TOPIC, 0), 0)], Log([]))
    work.submit(records(*[b"odd"] * 6), 0)
    told = [
        decode(PluginReported, output.value or b"")
        for finished in collect(work, 6)
        for output in finished.outputs
        if output.topic == "plugin.reported.v1"
    ]
    assert [report.kind for report in told] == ["contract_violation", "budget_exceeded"]
    assert "6 of 6 uplinks" in told[1].detail

    work.submit([record(uplink(b"1", counter=99), 9)], 0)
    clock[0] += 29
    assert work.collect(0) == []
    clock[0] += 2
    assert len(collect(work, 1)) == 1

    work.submit([record(uplink(b"odd", counter=100), 10)], 0)
    collect(work, 1)
    work.revoked([Partition(TOPIC, 0)])
    work.assigned([Assigned(Partition(TOPIC, 0), 11)], Log([]))
    work.submit([record(uplink(b"1", counter=101), 11)], 0)
    assert len(collect(work, 1)) == 1, "it was let go on: what it did before is not held against it"
    hosting.rest()


def test_what_breaks_its_promises_again_and_again_leaves_the_worker_to_others(template: Template) -> None:
    metrics, clock = Metrics(CollectorRegistry()), [1000.0]
    watch = Watch(allowance=Allowance(count=1_000_000, share=1.0))
    hosting = Hosting(plugin(), template, Policy.STRICT, "0", metrics, watch=watch)
    work = NormalizationWork({TOPIC: hosting}, metrics, lambda: clock[0])
    work.assigned([Assigned(Partition(TOPIC, 0), 0)], Log([]))
    work.submit(records(*[b"odd"] * 20), 0)
    assert len(collect(work, 20)) == 20

    clock[0] += 0.05  # spent on the batch and on what came of it
    work.submit([record(uplink(b"1", counter=99), 20)], 0)
    assert work.collect(0) == []
    clock[0] += 0.9
    assert work.collect(0) == [], "nineteen times as long are not over"
    clock[0] += 0.1
    assert len(collect(work, 1)) == 1
    hosting.rest()


def test_what_breaks_its_promises_is_known_for_it_before_it_has_worked_through_its_backlog(
    template: Template,
) -> None:
    metrics = Metrics(CollectorRegistry())
    watch = Watch(allowance=Allowance(count=10, share=1.0), hesitation_s=600)
    hosting = Hosting(plugin(), template, Policy.STRICT, "0", metrics, watch=watch)
    work = NormalizationWork({TOPIC: hosting}, metrics)
    work.assigned([Assigned(Partition(TOPIC, 0), 0)], Log([]))
    work.submit(records(*[b"odd"] * 500), 0)
    found = collect(work, 16)
    assert "plugin.reported.v1" in topics(found[10])
    assert work.collect(0) == []
    assert hosting._host.free
    assert len(found) == 16, "the rest waits for what is decided"
    hosting.rest()


@pytest.mark.parametrize(
    ("of_them", "yields"), [(20, True), (1, False)], ids=["again and again", "once in a while"]
)
def test_the_children_of_what_breaks_its_promises_much_yield_though_none_has_died(
    template: Template, of_them: int, yields: bool
) -> None:
    metrics, clock = Metrics(CollectorRegistry()), [1000.0]
    watch = Watch(allowance=Allowance(count=1_000_000, share=1.0))
    hosting = Hosting(plugin(), template, Policy.STRICT, "0", metrics, watch=watch)
    work = NormalizationWork({TOPIC: hosting}, metrics, lambda: clock[0])
    work.assigned([Assigned(Partition(TOPIC, 0), 0)], Log([]))
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    work.submit(records(*[b"odd"] * of_them, *[b"1"] * (20 - of_them)), 0)
    assert len(collect(work, 20)) == 20
    work.collect(0)
    clock[0] += 10.0
    work.submit([record(uplink(b"1", counter=99), 20)], 0)
    assert len(collect(work, 1)) == 1
    child = hosting._host._child
    assert child is not None
    assert child.pid is not None
    assert os.getpriority(os.PRIO_PROCESS, child.pid) == (max(10, usual) if yields else usual)
    assert hosting._host.restarts == 0
    hosting.rest()
