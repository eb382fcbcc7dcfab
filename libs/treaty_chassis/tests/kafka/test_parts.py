"""Sizes, partitions, suspicion, hold: the small decisions the runner is made of."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import given
from hypothesis import strategies as st

from treaty_chassis.kafka import failures, watchdog
from treaty_chassis.kafka.caller import Caller, HangError
from treaty_chassis.kafka.hold import Hold
from treaty_chassis.kafka.ledger import Batch
from treaty_chassis.kafka.partitioning import partition_of
from treaty_chassis.kafka.port import FatalError, FencedError, TimedOutError
from treaty_chassis.kafka.sizes import TRUNCATED, output_bytes, truncated
from treaty_chassis.kafka.suspicion import Suspicion
from treaty_chassis.kafka.work import Output, Partition, PureWork, Record

P, Q = Partition("in", 0), Partition("in", 1)


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
@pytest.mark.parametrize("partitions", [1, 3, 4, 12, 1000])
def test_a_key_goes_where_javas_default_partitioner_sends_it(key: bytes, hashed: int, partitions: int):
    """The hashes are those of Apache Kafka's own test, UtilsTest.testMurmur2."""
    assert partition_of(key, partitions) == (hashed & 0x7FFFFFFF) % partitions


headers = st.lists(st.tuples(st.text(max_size=9), st.none() | st.binary(max_size=300)), max_size=6)


@given(
    st.none() | st.binary(max_size=99),
    st.none() | st.binary(max_size=3_000),
    headers,
    st.integers(400, 4_000),
)
def test_what_is_truncated_fits_and_loses_no_more_than_it_must(key, value, headers, limit):
    whole = Output("t", key, value, headers)
    cut = truncated(whole, limit)
    if output_bytes(whole) <= limit:
        assert cut is whole
        return
    assert output_bytes(cut) <= limit
    assert (TRUNCATED, str(len(value or b"")).encode()) in cut.headers
    assert (value or b"").startswith(cut.value or b"")
    if len(cut.headers) <= len(headers):
        assert not cut.value, "headers go only where the value alone did not suffice"


def batch(first: int, after: int, partition: Partition = P) -> Batch:
    return Batch([], {partition: first}, {partition: after}, {partition: after - first})


def test_one_abort_is_no_suspicion_two_at_the_same_offset_are():
    found = Suspicion()
    assert found.aborted(batch(10, 20), "too large")
    assert found.alone == set()
    assert found.aborted(batch(10, 15), "too large")
    assert found.alone == {P}


def test_aborts_at_different_offsets_are_progress():
    found = Suspicion()
    for first in range(10, 14):
        found.aborted(batch(first, 20), "too large")
    assert found.alone == set()


def test_a_record_that_aborts_alone_is_condemned_until_the_batch_is_behind():
    found = Suspicion()
    for _ in range(2):
        found.aborted(batch(10, 13), "too large")
    found.committed(batch(10, 11))
    assert found.aborted(batch(11, 12), "it is too large")
    assert found.condemned("in", 0, 11) == "it is too large"
    assert found.condemned("in", 0, 12) is None
    found.committed(batch(11, 12))
    assert found.alone == {P}, "offset 12 was in the aborted batch too"
    found.committed(batch(12, 13))
    assert found.alone == set()
    assert found.condemned("in", 0, 11) is None


def test_a_dead_letter_that_aborts_leaves_nothing_to_try():
    found = Suspicion()
    for _ in range(3):
        assert found.aborted(batch(10, 11), "too large")
    assert not found.aborted(batch(10, 11), "the dead letter too")


def test_what_is_revoked_is_the_next_owners_to_find_out():
    found = Suspicion()
    for _ in range(3):
        found.aborted(batch(10, 11), "too large")
    found.revoked([P])
    assert found.alone == set()
    assert found.condemned("in", 0, 10) is None


def test_few_records_are_not_held_and_many_are():
    quiet, some, busy = Hold(), Hold(), Hold()
    for tick in range(300):
        quiet.committed(1, tick * 0.020)
        some.committed(3, tick * 0.010)
        busy.committed(600, tick * 0.010)
    assert quiet.seconds() == 0.0, "50 a second"
    assert 0.003 <= some.seconds() < 0.004, "300 a second"
    assert 0.005 <= busy.seconds() <= busy.longest_s
    for tick in range(500):
        busy.committed(1, 3 + tick * 0.020)
    assert busy.seconds() == 0.0, "load that is gone is forgotten"


def step(state, batch, now_ms):
    return state + len(batch), [[Output("out", None, b"%d" % (10 // int(r.value)))] for r in batch]


def record(value: bytes, partition: int = 0) -> Record:
    return Record("in", partition, 0, 0, None, value)


def dead(record: Record, reason: str, detail: str) -> Output:
    return Output("dead", None, record.value, [("reason", f"{reason}: {detail}".encode())])


def test_a_record_its_step_raises_for_is_a_dead_letter_and_the_others_go_through():
    work = PureWork(step, lambda: 0, dead)
    work.submit([record(b"1"), record(b"0"), record(b"5")], 0)
    values = [[o.value for o in f.outputs] for f in work.collect(0)]
    assert values == [[b"10"], [b"0"], [b"2"]]
    work.submit([record(b"0")], 0)
    ((output,),) = [f.outputs for f in work.collect(0)]
    assert output.headers == [
        ("reason", b"step_failed: ZeroDivisionError: integer division or modulo by zero")
    ]


def test_a_step_that_returns_fewer_outputs_than_records_ends_the_process():
    work = PureWork(lambda state, batch, now: (state, [[]][: len(batch) - 1]), lambda: None, dead)
    with pytest.raises(ValueError, match="shorter"):
        work.submit([record(b"1"), record(b"2")], 0)


def test_revoked_partitions_and_resets_leave_nothing_to_collect():
    work = PureWork(step, lambda: 0, dead)
    work.submit([record(b"1", 0), record(b"1", 1)], 0)
    work.revoked([P])
    assert [f.record.partition for f in work.collect(0)] == [1]
    work.submit([record(b"1")], 0)
    work.reset()
    assert work.collect(0) == []


def test_a_call_that_does_not_come_back_is_noticed_and_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, looked, noticed = [0.0], threading.Semaphore(0), threading.Event()

    def look(seconds: float) -> None:
        looked.release()
        time.sleep(0.001)

    monkeypatch.setattr(watchdog, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=look))
    dog = watchdog.Watchdog(10.0, lambda detail: noticed.set())

    def looks_twice_more() -> None:
        """So that one of them began after this was asked."""
        while looked.acquire(blocking=False):
            pass
        assert looked.acquire(timeout=60)
        assert looked.acquire(timeout=60)

    for _ in range(3):
        with dog:
            now[0] += 9.0
            looks_twice_more()
        looks_twice_more()
    now[0] += 60.0
    looks_twice_more()
    assert not noticed.is_set(), "no call took long, and between calls there is nothing to notice"
    with dog:
        now[0] += 11.0
        assert noticed.wait(60)


def test_what_a_call_returns_or_raises_is_told_to_whoever_waits_for_it() -> None:
    caller = Caller("test")
    assert caller.call(lambda: 1 + 1, lambda waited: None) == 2
    with pytest.raises(ZeroDivisionError):
        caller.call(lambda: 1 // 0, lambda waited: None)
    freed = threading.Event()
    caller.leave(freed.set)
    assert freed.wait(30)


def test_a_call_that_does_not_come_back_is_left_behind_and_its_last_is_done_once_it_does() -> None:
    caller, release, freed = Caller("test"), threading.Event(), threading.Event()

    def look(waited_s: float) -> None:
        if waited_s > 0.3:
            raise HangError("long enough")

    with pytest.raises(HangError):
        caller.call(lambda: release.wait(30), look)
    caller.leave(freed.set)
    assert caller.alive()
    assert not freed.is_set()
    release.set()
    assert freed.wait(30)


@pytest.mark.parametrize("code", [KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH])
def test_an_epoch_that_is_over_is_no_proof_of_another_process(code: int) -> None:
    found = failures.fatal(KafkaError(code))
    assert isinstance(found, failures.EpochError)
    assert not isinstance(found, FencedError)


def test_another_member_with_the_instance_id_is_proof() -> None:
    assert isinstance(failures.fatal(KafkaError(KafkaError.FENCED_INSTANCE_ID)), FencedError)


@pytest.mark.parametrize(
    "code",
    [
        KafkaError._TIMED_OUT,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.NOT_COORDINATOR,
    ],
)
def test_what_a_cluster_says_while_leaders_move_is_asked_again(code: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(failures, "_MOMENT_S", 0.0)
    with pytest.raises(TimedOutError), failures.outside_transaction():
        raise KafkaException(KafkaError(code))


@pytest.mark.parametrize("code", [KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError._INVALID_ARG])
def test_what_will_not_pass_ends_the_process(code: int):
    with pytest.raises(FatalError), failures.outside_transaction():
        raise KafkaException(KafkaError(code))
