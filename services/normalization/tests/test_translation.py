"""What a plugin returned becomes readings in canonical units, stamped by the worker, or one dead letter."""

from __future__ import annotations

import dataclasses
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty.quantities import CATALOGUE
from treaty_events import readings
from treaty_events.codec import decode, encode
from treaty_events.headers import header
from treaty_events.instants import LAST_MS, rfc3339
from treaty_events.links import Link, RadioGateway
from treaty_events.readings import Quality, ReadingNormalized
from treaty_events.uplinks import UplinkAccepted
from treaty_normalization import wire
from treaty_normalization.moments import TOLERANCE_MS, instant
from treaty_normalization.plugins import Plugin
from treaty_normalization.translation import REASONS, translate
from treaty_normalization.uplinks import UnreadableError, read
from treaty_sandbox import Failed, Ok, ReadingValues
from treaty_sandbox.decoding import PositionValues

from .conftest import RAW, RECEIVED_AT, plugin, record, uplink

LINK = Link(-100.0, 7.5, 7, 868_300_000, 125_000, (RadioGateway("abc", -100.0, 7.5),))


def values(measurements: dict[str, float] | None = None, **rest: object) -> ReadingValues:
    given = {"properties": {}, "position": None, "observed_at": None, **rest}
    return ReadingValues(measurements or {}, **given)  # type: ignore[arg-type]


def readings_of(of: Plugin, body: UplinkAccepted, *found: ReadingValues) -> list[ReadingNormalized]:
    translated = translate(of, read(record(body, 1204)), Ok(list(found)))
    assert translated.reason is None, translated
    return [decode(ReadingNormalized, output.value or b"") for output in translated.outputs]


def test_a_reading_is_converted_and_stamped(acme: Plugin) -> None:
    body = uplink(observed_at=RECEIVED_AT - 22, link=LINK)
    [reading] = readings_of(acme, body, values({"air_temperature": 212.0}))
    [measured] = reading.measurements
    assert measured.value == pytest.approx(100.0, rel=1e-12)
    assert (measured.name, measured.unit, measured.quality) == ("air_temperature", "Cel", "good")
    assert (reading.device, reading.workspace, reading.site, reading.gateway) == ("d1", "w1", "s1", "g1")
    assert reading.model == "acme/one"
    assert reading.received_at == "2026-01-02T03:04:05.700Z"
    assert reading.observed_at == reading.ordered_at == "2026-01-02T03:04:05.678Z"
    assert reading.provenance == readings.Provenance("acme", "1.2.3", acme.digest, f"{RAW}:0:1204:0")
    assert reading.link == LINK


def test_each_reading_has_the_uplinks_id_with_its_own_index_and_the_devices_key(acme: Plugin) -> None:
    arrival = read(record(uplink(), 7, traceparent=b"00-a-b-01"))
    translated = translate(acme, arrival, Ok([values({"air_temperature": 1.0}), values()]))
    assert [header(o.headers, "ce_id") for o in translated.outputs] == [
        f"{RAW}:0:7:{i}".encode() for i in (0, 1)
    ]
    assert {o.key for o in translated.outputs} == {b"d1"}
    assert {o.topic for o in translated.outputs} == {"reading.normalized.v1"}
    assert {header(o.headers, "traceparent") for o in translated.outputs} == {b"00-a-b-01"}
    assert translated.readings == 2


def test_an_uplink_of_no_readings_is_finished_with_none(acme: Plugin) -> None:
    assert translate(acme, read(record(uplink())), Ok([])).outputs == []


@pytest.mark.parametrize(
    ("fahrenheit", "quality"), [(68.0, Quality.GOOD), (400.0, Quality.SUSPECT), (-200.0, Quality.SUSPECT)]
)
def test_what_is_not_plausible_is_suspect(acme: Plugin, fahrenheit: float, quality: Quality) -> None:
    [reading] = readings_of(acme, uplink(), values({"air_temperature": fahrenheit}))
    assert reading.measurements[0].quality == quality


def test_a_contract_narrows_what_is_plausible_in_its_own_unit() -> None:
    emits = {"air_temperature": {"quantity": "temperature", "unit": "[degF]", "range": [32, 100]}}
    narrow = plugin(measurements=emits)
    [reading] = readings_of(narrow, uplink(), values({"air_temperature": 20.0}))
    assert reading.measurements[0].quality == Quality.SUSPECT


def test_late_is_beyond_the_models_bound(acme: Plugin) -> None:
    for age, quality in ((59_999, Quality.GOOD), (60_000, Quality.GOOD), (60_001, Quality.LATE)):
        body = uplink(observed_at=RECEIVED_AT - age, late_after_ms=60_000)
        [reading] = readings_of(acme, body, values({"air_temperature": 68.0}))
        assert reading.measurements[0].quality == quality


def test_a_time_that_cannot_be_true_is_told_suspected_and_ordered_where_it_can_be(acme: Plugin) -> None:
    ahead = RECEIVED_AT + 3_600_000
    [reading] = readings_of(acme, uplink(), values({"air_temperature": 68.0}, observed_at=ahead))
    assert reading.observed_at == "2026-01-02T04:04:05.700Z"
    assert reading.ordered_at == "2026-01-02T03:05:05.700Z"
    assert TOLERANCE_MS == 60_000
    assert reading.measurements[0].quality == Quality.SUSPECT


def test_the_payloads_time_comes_before_the_networks_and_that_before_the_brokers(acme: Plugin) -> None:
    at = {"payload": RECEIVED_AT - 3000, "network": RECEIVED_AT - 2000}
    [by_payload] = readings_of(acme, uplink(observed_at=at["network"]), values(observed_at=at["payload"]))
    [by_network] = readings_of(acme, uplink(observed_at=at["network"]), values())
    [by_broker] = readings_of(acme, uplink(), values())
    ends = [r.observed_at[-7:] for r in (by_payload, by_network, by_broker)]
    assert ends == ["02.700Z", "03.700Z", "05.700Z"]


EMITS = {
    "measurements": {"air_temperature": {"quantity": "temperature", "unit": "Cel"}},
    "properties": {
        "on": {"type": "boolean"},
        "count": {"type": "integer"},
        "ratio": {"type": "number"},
        "name": {"type": "string"},
        "mode": {"type": "string", "values": ["idle", "trigger"]},
    },
    "position": True,
}


def test_what_is_promised_passes() -> None:
    held = {"on": True, "count": 3, "ratio": 0.5, "name": "x", "mode": "idle"}
    place = PositionValues(52.5, 13.4, 34.0, None)
    [reading] = readings_of(plugin(**EMITS), uplink(), values({}, properties=held, position=place))
    assert reading.properties == held
    assert reading.position == readings.Position(52.5, 13.4, 34.0, None)


@pytest.mark.parametrize(
    ("broken", "detail"),
    [
        (values({"humidity": 1.0}), "measurement 'humidity' is not declared"),
        (values({"air_temperature": math.nan}), "measurement 'air_temperature' is nan"),
        (values({"air_temperature": math.inf}), "measurement 'air_temperature' is inf"),
        (values(properties={"other": 1}), "property 'other' is not declared"),
        (values(properties={"on": 1}), "property 'on': boolean promised, got 1"),
        (values(properties={"count": True}), "property 'count': integer promised, got True"),
        (values(properties={"count": 1.0}), "property 'count': integer promised, got 1.0"),
        (values(properties={"ratio": math.nan}), "property 'ratio' is nan"),
        (values(properties={"name": 5}), "property 'name': string promised, got 5"),
        (values(properties={"mode": "off"}), "property 'mode': 'off' is none of the declared values"),
        (values(position=PositionValues(91.0, 0.0, None, None)), "no place on Earth"),
        (values(position=PositionValues(0.0, math.nan, None, None)), "the position is not finite"),
        (values(observed_at=-1), "observed_at -1 ms"),
        (values(observed_at=2**62), "observed_at 4611686018427387904 ms"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_promised_is_a_violation_and_nothing_of_the_uplink_passes(
    broken: ReadingValues, detail: str
) -> None:
    translated = translate(
        plugin(**EMITS), read(record(uplink())), Ok([values({"air_temperature": 1.0}), broken])
    )
    assert translated.reason == "contract_violation"
    assert detail in translated.detail
    assert [output.topic for output in translated.outputs] == ["uplink.deadletter.v1"]


def test_a_position_nobody_declared_is_a_violation(acme: Plugin) -> None:
    found = translate(
        acme, read(record(uplink())), Ok([values(position=PositionValues(0.0, 0.0, None, None))])
    )
    assert found.detail == "a position is not declared"


@pytest.mark.parametrize(("kind", "reason"), REASONS.items())
def test_a_failure_is_a_dead_letter_with_the_original_and_the_reason(
    acme: Plugin, kind: str, reason: str
) -> None:
    original = record(uplink(b"bad"), 9, extra=b"kept")
    [letter] = translate(acme, read(original), Failed(kind, "why")).outputs
    assert (letter.topic, letter.key, letter.value) == ("uplink.deadletter.v1", b"d1", original.value)
    assert list(letter.headers[: len(original.headers)]) == list(original.headers)
    told = {name: (header(letter.headers, name) or b"").decode() for name, _ in letter.headers}
    assert (told["treaty-reason"], told["treaty-detail"]) == (reason, "why")
    assert (told["treaty-plugin"], told["treaty-digest"]) == ("acme", acme.digest)
    assert (told["treaty-workspace"], told["treaty-device"]) == ("w1", "70b3d57ba0000001")
    assert told["ce_id"] == f"{RAW}:0:9:0"
    assert (told["__connect.errors.topic"], told["__connect.errors.offset"]) == (
        "uplink.accepted.acme.v1",
        "9",
    )


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_conversion_is_the_catalogues(value: float) -> None:
    acme = plugin(measurements={"p": {"quantity": "pressure", "unit": "bar"}})
    [reading] = readings_of(acme, uplink(), values({"p": value}))
    [measured] = reading.measurements
    assert measured.unit == CATALOGUE["pressure"].unit
    assert measured.value == pytest.approx(value * 1e5, rel=1e-12)


@given(
    st.dictionaries(st.sampled_from(["air_temperature", "x"]), st.floats(), max_size=2),
    st.dictionaries(
        st.sampled_from(["on", "mode", "y"]),
        st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=5),
    ),
    st.none() | st.builds(PositionValues, *[st.floats()] * 4),
    st.none() | st.integers(-(2**63), 2**63 - 1),
)
def test_whatever_a_child_says_is_readings_that_decode_or_one_dead_letter(
    measurements: dict[str, float],
    properties: dict[str, bool | int | float | str],
    position: PositionValues | None,
    observed_at: int | None,
) -> None:
    reply = Ok([ReadingValues(measurements, properties, position, observed_at)])
    translated = translate(plugin(**EMITS), read(record(uplink(late_after_ms=5))), reply)
    [output] = translated.outputs
    if translated.reason is None:
        decode(ReadingNormalized, output.value or b"")
    else:
        assert output.topic == "uplink.deadletter.v1"


@given(st.integers(0, LAST_MS))
def test_an_instant_is_the_events(ms: int) -> None:
    assert instant(ms) == rfc3339(ms)


@pytest.mark.parametrize("name", ["ReadingNormalized", "Measurement", "Position"])
def test_the_wire_form_is_the_event_types(name: str) -> None:
    event, struct = getattr(readings, name), getattr(wire, name)
    parts = [
        (f.name, msgspec.NODEFAULT if f.default is dataclasses.MISSING else f.default)
        for f in dataclasses.fields(event)
    ]
    assert [(f.name, f.default) for f in msgspec.structs.fields(struct)] == parts
    sample = [f"v{i}" for i in range(len(parts))]
    assert encode(struct(*sample)) == encode(event(*sample))


@pytest.mark.parametrize(
    "broken",
    [
        record(None),
        record(b"{}"),
        record(b"\xff"),
        record(uplink(), ce_id=b"elsewhere"),
        record(uplink(), ce_id=b""),
    ],
    ids=["no value", "no fields", "no text", "strange id", "empty id"],
)
def test_a_record_that_is_no_accepted_uplink_is_unreadable(broken: object) -> None:
    with pytest.raises(UnreadableError):
        read(broken)  # type: ignore[arg-type]
