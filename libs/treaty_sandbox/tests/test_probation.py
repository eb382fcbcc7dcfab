"""What children that ended cost their successors, and until when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty_sandbox.probation import Probation


def test_it_begins_with_an_end_and_lasts_a_minute() -> None:
    probation = Probation(rests=True)
    assert not probation.holds(0.0)
    probation.ended(0.01, 0.25, 10.0)
    assert probation.holds(69.9)
    assert not probation.holds(70.0)


def test_it_can_begin_though_nothing_ended() -> None:
    probation = Probation(rests=True)
    probation.begin(10.0)
    assert probation.holds(69.9)
    assert (probation.start_at, probation.work_at) == (0.0, 0.0)


def test_one_message_may_be_found_and_convicted_without_a_rest() -> None:
    probation = Probation(rests=True)
    for now in (1.0, 1.25):
        probation.ended(0.01, 0.25, now)
        assert probation.work_at == now


def test_from_the_third_end_on_a_twentieth_of_the_time_is_left() -> None:
    probation, now, worked = Probation(rests=True), 0.0, 0.0
    for end in range(1, 103):
        now = max(now, probation.work_at) + 0.25
        worked += 0.25 if end > 2 else 0.0
        probation.ended(0.01, 0.25, now)
    assert worked / probation.work_at == pytest.approx(0.05, rel=0.01)


def test_a_rest_has_an_end_and_the_minute_begins_after_it() -> None:
    probation = Probation(rests=True)
    for _ in range(3):
        probation.ended(0.01, 30.0, 100.0)
    assert probation.work_at == 160.0
    assert probation.holds(219.9)
    assert not probation.holds(220.0)


def test_an_end_that_costs_nothing_shortens_no_rest() -> None:
    probation = Probation(rests=True)
    for in_vain in (0.25, 0.25, 0.25, 0.0):
        probation.ended(0.01, in_vain, 5.0)
    assert probation.work_at == 5.0 + 19 * 0.25


def test_after_a_minute_without_an_end_the_first_two_are_forgiven_again() -> None:
    probation = Probation(rests=True)
    for _ in range(3):
        probation.ended(0.01, 0.25, 0.0)
    later = probation.work_at + 60.0
    for _ in range(2):
        probation.ended(0.01, 0.25, later)
        assert probation.work_at == later
    probation.ended(0.01, 0.25, later)
    assert probation.work_at == later + 19 * 0.25


def test_who_has_the_machine_to_itself_does_not_rest() -> None:
    probation = Probation(rests=False)
    for _ in range(10):
        probation.ended(0.01, 0.25, 5.0)
    assert probation.work_at == 5.0


@given(st.floats(0, 100), st.booleans())
def test_between_two_starts_is_a_pause_from_the_second_end_on(start_took: float, rests: bool) -> None:
    probation = Probation(rests=rests)
    probation.ended(start_took, 0.0, 7.0)
    assert probation.start_at == 7.0
    probation.ended(start_took, 0.0, 8.0)
    assert probation.start_at == 8.0 + min(3 * start_took, 0.25)
