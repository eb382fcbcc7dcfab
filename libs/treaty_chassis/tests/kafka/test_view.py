"""A compacted topic as a mapping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty_chassis.kafka.view import CompactedView, ViewOverflowError
from treaty_chassis.kafka.work import Record


def record(key: str | None, value: bytes | None, version: int | None = None) -> Record:
    headers = [] if version is None else [("version", b"%d" % version)]
    return Record("things", 0, 0, 0, None if key is None else key.encode(), value, headers)


def number(value: bytes) -> int:
    return int(value)


def test_the_latest_value_of_a_key_holds_and_a_tombstone_ends_it():
    view = CompactedView("things", number)
    for value in (b"1", b"2"):
        view.apply(record("a", value))
    assert (view.get("a"), len(view), "a" in view) == (2, 1, True)
    view.apply(record("a", None))
    assert (view.get("a"), list(view.items())) == (None, [])


@pytest.mark.parametrize("late", [b"1", None])
def test_a_record_that_is_not_newer_than_what_is_held_is_ignored(late: bytes | None):
    view = CompactedView("things", number, version_header="version")
    view.apply(record("a", b"5", version=5))
    for version in (4, 5):
        view.apply(record("a", late, version))
    assert view.get("a") == 5


def test_a_deleted_key_is_not_brought_back_by_what_was_said_before():
    view = CompactedView("things", number, version_header="version")
    view.apply(record("a", b"1", 1))
    view.apply(record("a", None, 3))
    view.apply(record("a", b"2", 2))
    assert view.get("a") is None
    view.apply(record("a", b"4", 4))
    assert view.get("a") == 4


def test_a_value_that_cannot_be_read_makes_its_key_absent():
    view = CompactedView("things", number)
    view.apply(record("a", b"1"))
    view.apply(record("a", b"one"))
    assert "a" not in view
    view.apply(record("a", b"2"))
    assert view.get("a") == 2


def test_a_record_without_a_key_is_passed_over():
    view = CompactedView("things", number)
    view.apply(record(None, b"1"))
    assert len(view) == 0


def test_a_view_holds_no_more_keys_than_it_may():
    view = CompactedView("things", number, max_entries=2)
    for key in ("a", "b", "a"):
        view.apply(record(key, b"1"))
    with pytest.raises(ViewOverflowError, match="more than 2 keys"):
        view.apply(record("c", b"1"))


def test_changes_are_told_with_what_was_before():
    told = []
    view = CompactedView("things", number, on_change=lambda *change: told.append(change))
    for value in (None, b"1", b"2", b"bad", None):
        view.apply(record("a", value))
    assert told == [("a", None, 1), ("a", 1, 2), ("a", 2, None)]


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 99), st.integers(1, 9)), max_size=40
    )
)
def test_whatever_order_versions_come_in_the_greatest_wins(changes):
    """Of equal versions the first, so only those that differ are compared."""
    view = CompactedView("things", number, version_header="version")
    best: dict[str, tuple[int, int | None]] = {}
    for key, value, version in changes:
        view.apply(record(key, None if value is None else b"%d" % value, version))
        if key not in best or version > best[key][0]:
            best[key] = (version, value)
    assert dict(view.items()) == {k: v for k, (_, v) in best.items() if v is not None}
