"""The runner's bookkeeping: what is in hand, what goes into a transaction, what is too much."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty_chassis.kafka.ledger import Bounds, Ledger, WorkError
from treaty_chassis.kafka.sizes import output_bytes, record_bytes
from treaty_chassis.kafka.work import Assigned, Finished, Output, Partition, Record

A, B = Partition("in", 0), Partition("in", 1)
WIDE = Bounds(1 << 20, 1 << 20, 1 << 20, 1_000)


def record(partition: Partition, offset: int, value: bytes = b"v") -> Record:
    return Record(*partition, offset, 0, None, value)


def ledger(bounds: Bounds = WIDE) -> Ledger:
    found = Ledger(bounds)
    found.assign([Assigned(A, 0), Assigned(B, 0)])
    return found


MADE = Output("out", None, b"o")
SIZE = output_bytes(MADE)


def finish(found: Ledger, *records: Record, outputs: int = 1) -> None:
    found.finish((Finished(r, [MADE] * outputs), SIZE * outputs) for r in records)


def test_a_transaction_takes_what_is_finished_and_commits_the_offset_after_it():
    found = ledger()
    first, second, other = record(A, 3), record(A, 7), record(B, 1)
    assert found.submit([first, second, other]) == [first, second, other]
    finish(found, first, other)
    batch = found.take()
    assert batch.offsets == {A: 4, B: 2}
    assert len(batch.outputs) == 2
    found.settle(batch)
    assert (found.unfinished, found.finished, found.settled) == (1, 0, {A: 4, B: 2})
    assert found.bytes == record_bytes(second)


def test_records_of_partitions_that_are_gone_and_from_before_the_start_are_not_taken():
    found = ledger()
    found.assign([Assigned(A, 5)])
    found.revoke([B])
    kept = record(A, 5)
    assert found.submit([record(A, 4), kept, record(B, 0), record(A, 5)]) == [kept]


@pytest.mark.parametrize(
    "wrong", ["another object", "out of order", "never submitted", "of a revoked partition"]
)
def test_finishing_what_is_not_a_partitions_next_record_is_an_error(wrong: str):
    found = ledger()
    first, second = record(A, 0), record(A, 1)
    found.submit([first, second])
    if wrong == "of a revoked partition":
        found.revoke([A])
    cases = {"another object": record(A, 0), "out of order": second, "never submitted": record(B, 0)}
    with pytest.raises(WorkError):
        finish(found, cases.get(wrong, first))


def test_revoking_forgets_everything_of_the_partition_and_nothing_of_the_others():
    found = ledger()
    mine, open_, theirs = record(A, 0), record(A, 1), record(B, 0)
    found.submit([mine, open_, theirs])
    finish(found, mine, theirs)
    found.revoke([A])
    assert (found.unfinished, found.finished, found.finished_bytes) == (0, 1, SIZE)
    assert found.take().offsets == {B: 1}


def test_a_transaction_is_bounded_and_the_partition_that_filled_it_goes_last_next_time():
    found = ledger(Bounds(1 << 20, 1 << 20, 1 << 20, 3))
    records = [record(p, n) for p in (A, B) for n in range(4)]
    found.submit(records)
    finish(found, *records)
    first = found.take()
    assert first.offsets == {A: 3}
    found.settle(first)
    second = found.take()
    assert second.offsets == {B: 3}


def test_a_record_with_more_outputs_than_fit_goes_by_itself_and_whole():
    found = ledger(Bounds(1 << 20, 1 << 20, 1 << 20, 3))
    records = [record(A, 0), record(A, 1)]
    found.submit(records)
    finish(found, *records, outputs=5)
    batch = found.take()
    assert (batch.offsets, len(batch.outputs)) == ({A: 1}, 5)


@pytest.mark.parametrize(("alone", "taken"), [({A}, {A: 1}), ({B}, {A: 2}), ({A, B}, {A: 1})])
def test_a_partition_taken_alone_gives_one_record_and_nothing_beside_it(
    alone: set[Partition], taken: dict[Partition, int]
):
    found = ledger()
    records = [record(p, n) for p in (A, B) for n in range(2)]
    found.submit(records)
    finish(found, *records)
    assert found.take(alone).counts == taken


def test_too_much_of_one_partition_pauses_it_until_half_is_committed():
    found = ledger(Bounds(1 << 20, 1_000, 1 << 20, 1_000))
    records = [record(A, n, b"x" * 200) for n in range(4)]
    found.submit(records)
    assert found.crowded() == {A}
    assert found.roomy() == {B}
    finish(found, *records[:3])
    found.settle(found.take())
    assert found.crowded() == set()
    assert found.roomy() == {A, B}


def test_too_much_of_all_together_pauses_who_has_more_than_its_share_and_nobody_else():
    found = ledger(Bounds(1_000, 1 << 20, 1 << 20, 1_000))
    found.submit([record(A, n, b"x" * 200) for n in range(4)])
    assert found.crowded() == {A}
    assert found.roomy() == {B}


SLOW = [Partition(f"slow-{n}", 0) for n in range(40)]


@given(
    st.integers(1, 40),
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 44), st.integers(1, 6), st.integers(0, 900)), max_size=200),
)
def test_however_many_partitions_are_stuck_the_others_go_on_within_the_bound(
    stuck: int, free: int, polls: list[tuple[int, int, int]]
):
    bounds = Bounds(20_000, 4_000, 1 << 20, 1_000)
    quick = [Partition(f"quick-{n}", 0) for n in range(free)]
    places = [*SLOW[:stuck], *quick]
    found = Ledger(bounds)
    found.assign(Assigned(p, 0) for p in places)
    offsets = dict.fromkeys(places, 0)
    paused: set[Partition] = set()
    for chosen, count, size in polls:
        partition = places[chosen % len(places)]
        paused = (paused | found.crowded()) - found.roomy()
        assert not paused & set(quick), "nothing is in hand of them"
        if partition in paused:
            continue
        taken = [record(partition, offsets[partition] + n, b"x" * size) for n in range(count)]
        offsets[partition] += count
        found.submit(taken)
        if partition in quick:
            finish(found, *taken)
            while found.finished:
                found.settle(found.take())
    poll = 6 * record_bytes(record(A, 0, b"x" * 900))
    assert found.bytes <= bounds.in_flight_bytes + poll * len(places)


def test_a_partition_passed_without_a_record_is_carried_once_nothing_is_in_hand_of_it():
    found = ledger()
    first = record(A, 0)
    found.submit([first])
    found.passed(A, 2)
    found.passed(B, 5)
    found.passed(Partition("gone", 0), 9)
    idle = found.take()
    found.carry(idle)
    assert (idle.offsets, idle.records, idle.outputs) == ({B: 5}, 0, [])
    found.settle(idle)
    finish(found, first)
    found.settle(found.take())
    rest = found.take()
    found.carry(rest)
    assert rest.offsets == {A: 2}
    found.settle(rest)
    assert found.settled == {A: 2, B: 5}
    again = found.take()
    found.carry(again)
    assert again.offsets == {}, "nothing has moved"
    assert found.submit([record(A, 1)]) == [], "from before what was passed"


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.sampled_from("sfcr"), st.integers(1, 5)), max_size=60))
def test_the_sums_are_those_of_what_is_in_hand(steps: list[tuple[Partition, str, int]]):
    found = ledger(Bounds(1 << 20, 1 << 20, 2 * SIZE, 3))
    offsets = {A: 0, B: 0}
    for partition, what, count in steps:
        value = b"v" * count
        if what == "s":
            found.submit([record(partition, offsets[partition] + n, value) for n in range(count)])
            offsets[partition] += count
        elif what == "f":
            finish(found, *list(found._lanes[partition].open)[:count])
        elif what == "c":
            before = found.bytes, found.finished, found.finished_bytes
            batch = found.take()
            assert (found.bytes, found.finished, found.finished_bytes) == before, "still in hand"
            if count < 5:
                found.settle(batch)
            else:
                # Aborted: everything in hand is dropped.
                found.revoke([A, B])
                found.assign([Assigned(p, offset) for p, offset in offsets.items()])
        else:
            found.revoke([partition])
            found.assign([Assigned(partition, offsets[partition])])
    lanes = found._lanes.values()
    in_work = [r for lane in lanes for r in lane.open]
    done = [item for lane in lanes for item in lane.done]
    assert found.bytes == sum(map(record_bytes, in_work)) + sum(size for _, size, _, _ in done)
    assert found.unfinished == len(in_work)
    assert found.finished == len(done)
    assert found.finished_bytes == SIZE * found.finished
    assert [(lane.bytes, lane.finished, lane.outputs, lane.output_bytes) for lane in lanes] == [
        (
            sum(map(record_bytes, lane.open)) + sum(size for _, size, _, _ in lane.done),
            len(lane.done),
            len(lane.done),
            SIZE * len(lane.done),
        )
        for lane in lanes
    ]
