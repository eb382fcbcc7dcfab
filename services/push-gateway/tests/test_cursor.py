"""A cursor is opaque text for a position in one log: it comes back as it was, or is refused with a code."""

import base64
import zlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty_push_gateway.stream.cursor import (
    LONGEST,
    Log,
    covers,
    furthest,
    nearest,
    read_cursor,
    write_cursor,
)
from treaty_push_gateway.stream.errors import Code, CodedError

LOG = Log("MkU3OEVBNTcwNTJENDM2Qg", UUID(int=11))
positions = st.lists(st.integers(0, 2**63 - 1), max_size=64).map(tuple)


def refusal(text, log=LOG):
    with pytest.raises(CodedError) as raised:
        read_cursor(log, text)
    return raised.value.code


@given(positions)
def test_a_position_comes_back(position):
    assert read_cursor(LOG, write_cursor(LOG, position)) == position


@given(positions)
def test_a_cursor_is_short_and_safe_in_a_url(position):
    text = write_cursor(LOG, position)
    assert len(text) <= LONGEST
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_four_partitions_of_a_busy_log_take_less_than_a_hundred_characters():
    assert len(write_cursor(LOG, (10**9,) * 4)) < 100


@given(positions, st.integers(0), st.integers(1, 255))
def test_any_changed_byte_is_noticed(position, place, change):
    raw = bytearray(base64.urlsafe_b64decode(write_cursor(LOG, position) + "==="))
    raw[place % len(raw)] ^= change
    assert refusal(base64.urlsafe_b64encode(raw).decode().rstrip("=")) == Code.CURSOR_INVALID


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: base64.urlsafe_b64encode(b).decode()))
def test_anything_else_is_refused(text):
    assert refusal(text) == Code.CURSOR_INVALID


@given(st.binary(max_size=120))
def test_a_right_checksum_alone_makes_no_cursor(body):
    raw = b"\x01" + body
    text = base64.urlsafe_b64encode(raw + zlib.crc32(raw).to_bytes(4, "big")).decode().rstrip("=")
    assert refusal(text) in {Code.CURSOR_INVALID, Code.CURSOR_FOREIGN}


def test_endless_text_is_refused_unread():
    assert refusal("A" * (LONGEST + 1)) == Code.CURSOR_INVALID


@pytest.mark.parametrize("other", [Log("another-cluster", LOG.topic), Log(LOG.cluster, UUID(int=12))])
def test_a_cursor_of_another_log_is_refused_as_such(other):
    assert refusal(write_cursor(other, (1, 2))) == Code.CURSOR_FOREIGN


@given(positions, positions)
def test_furthest_covers_both_and_both_cover_nearest(one, other):
    assert covers(furthest(one, other), one)
    assert covers(furthest(one, other), other)
    assert covers(one, nearest([one, other]))
    assert covers(other, nearest([one, other]))


def test_a_partition_added_later_stands_at_its_beginning():
    assert covers((5,), (5, 0))
    assert not covers((5,), (5, 1))
