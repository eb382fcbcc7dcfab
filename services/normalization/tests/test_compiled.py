"""The compiled path and Python's: the same readings, the same refusals, and none of our uplinks left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any
from unittest.mock import patch

from hypothesis import assume, example, given
from hypothesis import strategies as st

from treaty_chassis.kafka.work import Record
from treaty_events.codec import encode
from treaty_events.instants import LAST_MS
from treaty_events.links import Link, RadioGateway
from treaty_events.uplinks import UplinkAccepted
from treaty_hotpath import COMPILED
from treaty_normalization import compiled, translation
from treaty_normalization.moments import TOLERANCE_MS
from treaty_normalization.translation import Translated, translate
from treaty_normalization.uplinks import Arrival, UnreadableError, read, read_in_full
from treaty_sandbox import Ok, ReadingValues
from treaty_sandbox.decoding import PositionValues

from .conftest import RAW, RECEIVED_AT, plugin, record, uplink

FIELDS = [field.name for field in fields(UplinkAccepted) if field.name != "link"]
TRACKER = plugin(
    measurements={
        "air_temperature": {"quantity": "temperature", "unit": "[degF]"},
        "air_pressure": {"quantity": "pressure", "unit": "Pa", "range": [0, 200_000]},
    },
    properties={
        "state": {"type": "string", "values": ["idle", 'a "quoted" one', "ö"]},
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "level": {"type": "number", "values": [0, 1]},
        "ratio": {"type": "number"},
        "on": {"type": "boolean"},
    },
    position=True,
)

# What needs no escape in JSON, and then anything.
plain = st.text(st.characters(codec="utf-8", exclude_characters='"\\', min_codepoint=0x20), max_size=40)
anything = st.text(max_size=20)
integers = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
gateways = st.builds(RadioGateway, plain, st.none() | floats, st.none() | floats)
links = st.builds(
    Link,
    st.none() | floats,
    st.none() | floats,
    st.none() | integers,
    st.none() | integers,
    st.none() | integers,
    st.lists(gateways, max_size=3).map(tuple),
)
moments = st.integers(RECEIVED_AT - 10**9, RECEIVED_AT + 10**6) | integers


def accepted(text: st.SearchStrategy[str]) -> st.SearchStrategy[UplinkAccepted]:
    return st.builds(
        UplinkAccepted,
        *[text] * 7,
        st.integers(0, LAST_MS),
        st.binary(max_size=60),
        text,
        st.none() | integers,
        st.none() | moments,
        st.none() | text,
        st.none() | text,
        st.none() | integers,
        st.none() | links,
        st.none() | st.integers(0, 10**7),
    )


def shown(arrival: Arrival) -> tuple[Any, ...]:
    told = tuple(getattr(arrival.uplink, name) for name in FIELDS)
    headers = (arrival.record, arrival.place, arrival.traceparent, arrival.replayed)
    return (*headers, arrival.message, arrival.delivery, told)


@given(accepted(plain), st.integers(0, 2**63 - 1), st.sampled_from([{}, {"traceparent": b"00-a-b-01"}]))
def test_what_ingestion_writes_is_read_without_python_and_says_the_same(
    body: UplinkAccepted, offset: int, headers: dict[str, bytes]
) -> None:
    arrived = record(body, offset, **headers, treaty_replays=b"1")
    found = compiled.read(arrived)
    assert (found is not None) == COMPILED
    assert shown(read(arrived)) == shown(read_in_full(arrived))


@given(accepted(anything))
def test_what_needs_escapes_says_the_same(body: UplinkAccepted) -> None:
    assert shown(read(record(body))) == shown(read_in_full(record(body)))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """An uplink's value with a piece of it replaced by a piece of something else."""
    value = encode(draw(accepted(plain)))
    start, stop = sorted(draw(st.tuples(*[st.integers(0, len(value))] * 2)))
    pieces = [
        b" ",
        b"null",
        b"1.0",
        b"-",
        b'"',
        b"\\u0041",
        b"01",
        b"1e5",
        b"\xff",
        b"{}",
        b'{"rssi":1}',
        b",",
    ]
    return value[:start] + draw(st.sampled_from(pieces) | st.binary(max_size=3)) + value[stop:]


@given(damaged())
@example(encode(uplink()).replace(b'"link":null', b'"link":{"rssi":1}'))
@example(encode(uplink()).replace(b'"f_port":null', b'"f_port":01'))
@example(encode(uplink()).replace(b'"f_port":null', b'"f_port":-'))
@example(encode(uplink()).replace(b"{", b"{ "))
@example(encode(uplink()) + b"}")
@example(encode(uplink()).replace(b'"payload":"MjA="', b'"payload":"MjA"'))
def test_what_is_read_without_python_would_have_been_read_by_it(value: bytes) -> None:
    arrived = record(value)
    if compiled.read(arrived) is None:
        return
    assert shown(read(arrived)) == shown(read_in_full(arrived))


@given(
    st.lists(
        st.tuples(st.sampled_from(["ce_id", "traceparent", "treaty-replays", "x"]), st.none() | st.binary())
    )
)
@example([("ce_id", f"{RAW}:0:7:0".encode()), ("ce_id", None)])
@example([("ce_id", b"x"), ("ce_id", f"{RAW}:0:7:0".encode())])
@example([("ce_id", f"{RAW.upper()}:0:7:0".encode())])
@example([("ce_id", f"{RAW}:0:7:0:0".encode())])
@example([("ce_id", f"{RAW}:0:{'9' * 20}:0".encode())])
@example([("ce_id", f"{RAW}:0:7:".encode())])
def test_headers_are_taken_and_refused_alike(headers: list[tuple[str, bytes | None]]) -> None:
    arrived = Record("t", 0, 7, RECEIVED_AT, b"k", encode(uplink()), headers)
    try:
        expected = shown(read_in_full(arrived))
    except UnreadableError:
        assert compiled.read(arrived) is None
        return
    assert shown(read(arrived)) == expected


values = st.builds(
    ReadingValues,
    st.dictionaries(
        st.sampled_from(["air_temperature", "air_pressure"]) | anything,
        st.floats(-1e6, 1e6) | st.floats(),
        max_size=3,
    ),
    st.dictionaries(
        st.sampled_from(list(TRACKER.promises.properties)) | anything,
        st.sampled_from(["idle", 'a "quoted" one', "ö", "\x00", 0, 1, 0.5, 2**63, True])
        | st.booleans()
        | integers
        | st.floats()
        | anything,
        max_size=3,
    ),
    st.none()
    | st.builds(
        PositionValues,
        st.floats(-100, 100) | st.floats(),
        st.floats(-200, 200),
        st.none() | floats,
        st.none() | st.floats(),
    ),
    st.none() | moments | st.integers(RECEIVED_AT + TOLERANCE_MS - 2, RECEIVED_AT + TOLERANCE_MS + 2),
)


@contextmanager
def _in_python() -> Iterator[None]:
    with patch.object(translation, "_compiled", lambda *_: None):
        yield


def told(translated: Translated) -> list[tuple[Any, ...]]:
    """The records, as consumers of JSON see them; a number's digits with it, so that 1 is not 1.0."""
    return [
        (o.topic, o.key, o.headers, json.loads(o.value or b"", parse_float=repr_of))
        for o in translated.outputs
    ]


def repr_of(text: str) -> tuple[str, float]:
    return "float", float(text)


@given(accepted(plain), st.lists(values, max_size=2))
def test_readings_and_dead_letters_are_the_same(body: UplinkAccepted, found: list[ReadingValues]) -> None:
    arrival = read(record(body, 1204))
    assume(not found or 0 <= body.received_at <= LAST_MS)
    ours = translate(TRACKER, arrival, Ok(found))
    with _in_python():
        theirs = translate(TRACKER, arrival, Ok(found))
    assert (ours.reason, ours.detail) == (theirs.reason, theirs.detail)
    assert told(ours) == told(theirs)


def test_a_reading_as_promised_needs_no_python() -> None:
    arrival = read(record(uplink(link=Link(-100.0, 7.5, 7, 868_300_000, 125_000, ()))))
    found = ReadingValues(
        {"air_temperature": 212.0, "air_pressure": 101_325.0},
        {"state": "idle", "text": "ö", "count": 3, "level": 0, "ratio": 0.5, "on": True},
        PositionValues(48.1, 11.5, None, 5.0),
        RECEIVED_AT,
    )
    assert (translation._compiled(TRACKER, arrival, found, 0) is not None) == COMPILED
