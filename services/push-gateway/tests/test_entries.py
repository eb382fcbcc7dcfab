"""What becomes of a record of the readings' topic."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty_push_gateway.stream.entry import EntryError, Ticks, read_entry

ID = [("ce_id", b"00000000-0000-0000-0000-000000000007:0:1:0")]


def test_the_json_goes_out_as_it_came_with_its_id(value):
    found = read_entry(2, 9, 1234, value("d1", names=("t", "h")), ID)
    assert json.loads(found.body) == {"id": ID[0][1].decode(), **json.loads(value("d1", names=("t", "h")))}
    assert (found.partition, found.offset, found.timestamp_ms) == (2, 9, 1234)
    assert found.names == ("t", "h")


def test_a_trace_goes_on_to_the_subscriber_after_the_id(value):
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    found = read_entry(0, 0, 0, value("d1"), [("traceparent", traceparent.encode()), *ID])
    assert found.traceparent == traceparent
    assert list(json.loads(found.body))[:2] == ["id", "traceparent"]
    assert json.loads(found.body) == {
        "id": ID[0][1].decode(),
        "traceparent": traceparent,
        **json.loads(value("d1")),
    }
    untraced = read_entry(0, 0, 0, value("d1"), ID)
    assert found.size - len(found.body) == untraced.size - len(untraced.body) + sys.getsizeof(traceparent)


@pytest.mark.parametrize("header", [None, b"", b'00-"},{"id":"forged"', b"00-0-0-00"])
def test_what_is_no_traceparent_is_not_sent(value, header):
    found = read_entry(0, 0, 0, value("d1"), [*ID, ("traceparent", header)])
    assert found.traceparent is None
    assert "traceparent" not in json.loads(found.body)


def test_properties_and_position_are_names_too(value):
    body = value("d1", properties={"power": True}, position={"latitude": 1.0, "longitude": 2.0})
    assert read_entry(0, 0, 0, body, ID).names == ("t", "power", "position")


def test_a_reading_without_a_position_has_no_such_name(value):
    assert read_entry(0, 0, 0, value("d1", position=None), ID).names == ("t",)


def test_a_name_counts_once(value):
    assert read_entry(0, 0, 0, value("d1", names=("t", "t"), properties={"t": 1}), ID).names == ("t",)


def test_no_line_break_is_sent(value):
    pretty = json.dumps(json.loads(value("d1")), indent=2).encode()
    assert b"\n" not in read_entry(0, 0, 0, pretty, ID).body


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (None, ID),
        (b"", ID),
        (b"[]", ID),
        (b"{}", ID),
        (b'{"device": 1}', ID),
        (b"\xff\xfe", ID),
    ],
)
def test_what_is_no_reading_is_refused(body, headers):
    with pytest.raises(EntryError):
        read_entry(0, 0, 0, body, headers)


def test_a_reading_needs_its_identity_and_brings_none_of_its_own(value):
    with pytest.raises(EntryError, match="ce_id"):
        read_entry(0, 0, 0, value("d1"), [])
    with pytest.raises(EntryError, match="of its own"):
        read_entry(0, 0, 0, value("d1", id="forged"), ID)
    with pytest.raises(EntryError, match="of its own"):
        read_entry(0, 0, 0, value("d1", traceparent="forged"), ID)


@given(st.binary(max_size=100))
def test_no_bytes_do_more_than_raise(body):
    with pytest.raises(EntryError):
        read_entry(0, 0, 0, body, ID)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 300)), max_size=30), st.integers(1, 3000))
def test_ticks_keep_every_entry_in_order_and_end_where_the_reader_stands(entry, sizes, limit):
    entries, offsets = [], [0, 0, 0]
    for partition, padding in sizes:
        entries.append(entry(partition, offsets[partition], padding=padding))
        offsets[partition] += 2
    ticks = list(Ticks((0, 0, 0), limit).cut(entries, [(p, offset) for p, offset in enumerate(offsets)]))
    assert [e for tick in ticks for e in tick.entries] == entries
    assert all(sum(len(e.body) for e in t.entries) <= limit or len(t.entries) == 1 for t in ticks)
    if ticks:
        assert ticks[-1].position == tuple(offsets)


def test_a_position_that_moves_without_entries_is_a_tick_too():
    ticks = Ticks((3,), 1000)
    assert [t.position for t in ticks.cut([], [(0, 5)])] == [(5,)]
    assert list(ticks.cut([], [(0, 5)])) == []
