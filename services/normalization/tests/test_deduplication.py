"""A repeated delivery is dropped, and a worker that takes over knows what its predecessor knew."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from treaty_chassis.kafka.work import Assigned, Partition, Record
from treaty_events.uplinks import UplinkAccepted
from treaty_normalization.deduplication import WINDOW_MS, Window, read_back, repeated
from treaty_normalization.uplinks import read

from .conftest import RECEIVED_AT, record, uplink

PARTITION = Partition("uplink.accepted.acme.v1", 0)


def repeats(window: Window, body: UplinkAccepted, accepted_at: int | None = None) -> bool:
    return window.repeats(read(record(body)), body.received_at if accepted_at is None else accepted_at)


def test_the_networks_deduplication_id_tells_a_repeat() -> None:
    window = Window()
    assert not repeats(window, uplink(dedup_id="a"))
    assert repeats(window, uplink(dedup_id="a", received_at=RECEIVED_AT + WINDOW_MS))
    assert not repeats(window, uplink(dedup_id="b"))


def test_without_one_session_and_counter_do() -> None:
    window = Window()
    assert not repeats(window, uplink(session="s", counter=7))
    assert repeats(window, uplink(session="s", counter=7))
    assert not repeats(window, uplink(session="t", counter=7))
    assert not repeats(window, uplink(session="s", counter=8))


def test_without_either_nothing_is_a_repeat() -> None:
    window = Window()
    assert not repeats(window, uplink())
    assert not repeats(window, uplink())


def test_another_device_is_another_uplink() -> None:
    window = Window()
    assert not repeats(window, uplink(dedup_id="a", device="d1"))
    assert not repeats(window, uplink(dedup_id="a", device="d2"))


def test_a_counter_that_starts_again_after_the_window_is_new() -> None:
    window = Window()
    assert not repeats(window, uplink(counter=1))
    assert not repeats(window, uplink(counter=1, received_at=RECEIVED_AT + WINDOW_MS + 1))


def test_a_device_that_started_again_and_counts_anew_is_heard() -> None:
    window = Window()
    assert not repeats(window, uplink(counter=0, payload=b"before"))
    assert not repeats(window, uplink(counter=0, payload=b"after"))
    assert repeats(window, uplink(counter=0, payload=b"after"))


def test_copies_far_apart_in_a_backlog_are_told_as_it_is_drained() -> None:
    """Ten minutes of one raw partition come before those of another that heard the same uplinks."""
    window, now = Window(), RECEIVED_AT + 900_000
    first = [uplink(counter=n, received_at=RECEIVED_AT + n * 1000) for n in range(600)]
    again = [uplink(counter=n, received_at=RECEIVED_AT + n * 1000 + 200) for n in range(600)]
    assert not any(repeats(window, body, now) for body in first)
    assert all(repeats(window, body, now + 1000) for body in again)


def test_what_an_operator_replays_is_no_repeat() -> None:
    window = Window()
    assert not repeated(window, read(record(uplink(dedup_id="a"))))
    assert not repeated(window, read(record(uplink(dedup_id="a"), treaty_replays=b"1")))


def test_memory_is_bounded_by_count_and_by_the_window() -> None:
    window = Window(max_keys=10)
    for number in range(100):
        repeats(window, uplink(counter=number))
    assert len(window) == 10
    repeats(window, uplink(counter=1000, received_at=RECEIVED_AT + 2 * WINDOW_MS))
    assert len(window) == 1


class Log:
    """A partition's log as History offers it: produced some time after it was received."""

    def __init__(self, records: list[Record]) -> None:
        self.records = records

    def offset_at(self, partition: Partition, timestamp_ms: int) -> int | None:
        return next((r.offset for r in self.records if r.timestamp_ms >= timestamp_ms), None)

    def read(self, partition: Partition, start: int, stop: int | None = None) -> Iterator[Record]:
        return (r for r in self.records if r.offset >= start and (stop is None or r.offset < stop))


arrivals = st.lists(
    st.tuples(
        st.integers(0, 4 * WINDOW_MS),
        st.integers(0, 600_000),
        st.sampled_from(["d1", "d2"]),
        st.integers(0, 3),
        st.integers(1, 3),
    ),
    max_size=25,
)


def log_of(found: list[tuple[int, int, str, int, int]]) -> list[Record]:
    """Received in any order, accepted later and in order, offsets with gaps."""
    records, offset, produced = [], 0, 0
    for received, delay, device, counter, gap in found:
        produced = max(produced, RECEIVED_AT + received + delay)
        body = uplink(device=device, counter=counter, received_at=RECEIVED_AT + received)
        one = record(body, offset)
        records.append(Record(one.topic, 0, offset, produced, one.key, one.value, one.headers))
        offset += gap
    return records


def dropped(window: Window, records: list[Record]) -> list[int]:
    return [r.offset for r in records if repeated(window, read(r))]


@given(arrivals, st.data())
def test_taking_over_anywhere_drops_what_going_on_would_have_dropped(
    found: list[tuple[int, int, str, int, int]], data: st.DataObject
) -> None:
    records = log_of(found)
    whole = dropped(Window(), records)
    at = data.draw(st.integers(0, (records[-1].offset + 1) if records else 0))
    window = read_back(Assigned(PARTITION, at), Log(records))
    rest = [r for r in records if r.offset >= at]
    assert dropped(window, rest) == [offset for offset in whole if offset >= at]


def test_an_unreadable_record_in_the_log_is_passed_over() -> None:
    good, repeat = record(uplink(counter=1), 0), record(uplink(counter=1), 2)
    log = Log([good, record(b"not json", 1), repeat])
    window = read_back(Assigned(PARTITION, 2), log)
    assert dropped(window, [repeat]) == [2]


def test_an_empty_partition_has_an_empty_window() -> None:
    assert len(read_back(Assigned(PARTITION, 0), Log([]))) == 0
