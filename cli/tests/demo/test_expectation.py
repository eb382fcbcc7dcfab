"""What is expected of a raw record is told from it and public data, whatever the record is."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty_chassis.kafka.work import Record
from treaty_cli.demo.corpora import Corpus
from treaty_cli.demo.expectation import Expectation, Expectations, Outcome
from treaty_cli.demo.seed import Seed
from treaty_cli.demo.traffic import ROUND, Kind, Sending, Traffic

from .conftest import SEED

START = 1_767_323_045_678
EXPECTED = {
    Kind.REGULAR: (Outcome.READINGS, None),
    Kind.REPEATED: (Outcome.READINGS, None),
    Kind.FORGED: (Outcome.REFUSED, "bad_signature"),
    Kind.UNKNOWN: (Outcome.REFUSED, "unknown_device"),
    Kind.UNDECODABLE: (Outcome.DEAD_LETTER, "decode_error"),
    Kind.EVENT: (Outcome.REPORTED, None),
}


@pytest.fixture(scope="module")
def expectations(found: dict[str, Corpus]) -> Expectations:
    return Expectations(SEED, found)


def raw(sending: Sending, at_ms: int) -> Record:
    return Record(sending.topic, 0, 0, at_ms, sending.key, sending.value, tuple(sending.headers))


@pytest.fixture(scope="module")
def traffic(found: dict[str, Corpus]) -> list[tuple[int, Sending]]:
    made = Traffic(SEED, found, Random(2))
    return [(now, made.next(now)) for now in range(START, START + ROUND * 6 * 25, 25)]


def test_each_kind_of_record_is_told_by_itself(
    expectations: Expectations, traffic: list[tuple[int, Sending]]
) -> None:
    for now, sending in traffic:
        told = expectations.of(raw(sending, now + 1))
        assert (told.outcome, told.reason) == EXPECTED[sending.kind]
        if told.outcome is Outcome.READINGS:
            assert told.sent_ms is not None
            assert told.readings
            assert (told.sent_ms == now) == (sending.kind is Kind.REGULAR)


def test_a_signed_record_appended_much_later_than_signed_is_stale(
    expectations: Expectations, traffic: list[tuple[int, Sending]]
) -> None:
    signed = [s for _, s in traffic if s.topic == "uplink.raw.v1" and s.kind is Kind.REGULAR]
    assert expectations.of(raw(signed[0], START + 3_600_000)).reason == "stale_signature"


def test_a_correction_replaces_what_the_catalogue_claims(found: dict[str, Corpus], seed: Seed) -> None:
    device = next(d for d in seed.devices if d.corpus == "milesight-am307.loriot" and d.key is None)
    expectations = Expectations(replace(seed, devices=(device,)), found)
    made = Traffic(replace(seed, devices=(device,), unknown=()), found, Random(1))
    readings = [expectations.of(raw(made.next(START + n), START)).readings for n in range(4)]
    two = next(r for r in readings if len(r) == 2)
    assert two[1].measurements["air_temperature"][0] == pytest.approx(-793.6)
    assert two[1].properties["pir"] == "trigger"
    assert two[1].own_time == 214578533000
    assert "tvoc" not in two[0].measurements
    assert two[0].measurements["barometric_pressure"] == (pytest.approx(100860.0), "Pa")
    assert two[0].link == {"frequency": 867500000.0}


values = st.none() | st.binary(max_size=60)
headers = st.lists(
    st.tuples(
        st.sampled_from(
            ["event", "treaty-gateway", "treaty-device", "treaty-timestamp", "treaty-signature", "x"]
        ),
        values | st.sampled_from([b"fleet", b"west-edge", b"up", b"a00000000000001a", b"12"]),
    ),
    max_size=6,
)
topics = st.sampled_from(["uplink.raw.v1", *(g.topic for g in SEED.gateways if g.topic is not None)])


@given(topics, values, headers)
def test_any_record_has_an_expectation(
    expectations: Expectations,
    topic: str,
    value: bytes | None,
    headers: list[tuple[str, bytes | None]],
) -> None:
    assert isinstance(expectations.of(Record(topic, 0, 0, START, None, value, headers)), Expectation)


@given(st.integers(0, 239), st.data())
def test_any_changed_record_has_an_expectation(
    expectations: Expectations, traffic: list[tuple[int, Sending]], number: int, data: st.DataObject
) -> None:
    now, sending = traffic[number]
    cut = data.draw(st.integers(0, len(sending.value)))
    changed = sending.value[:cut] + data.draw(st.binary(max_size=10)) + sending.value[cut + 3 :]
    assert isinstance(expectations.of(raw(replace(sending, value=changed), now)), Expectation)


def test_two_senders_that_count_alike_send_no_repeats(found: dict[str, Corpus], seed: Seed) -> None:
    """`demo --check` sends beside the simulator, and both take a native device's counter from the clock."""
    device = next(d for d in seed.devices if d.network == "native")
    alone = replace(seed, devices=(device,), unknown=())
    first, second = (Traffic(alone, found, Random(n)) for n in range(2))
    second.next(START - 10_000)
    one, other = first.next(START), second.next(START)
    counters = {dict(sending.headers)["treaty-counter"] for sending in (one, other)}
    assert len(counters) == 1
    assert one.value != other.value
    told = [Expectations(seed, found).of(raw(sending, START)).identity for sending in (one, other)]
    assert None not in told
    assert len({*told}) == 2
