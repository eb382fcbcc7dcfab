from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty_normalization.budget import MOST_AT_ONCE, Allowance, Budget, Pace, rest_s

ALLOWED = Allowance(count=100, share=0.1, window_ms=60_000)


@pytest.mark.parametrize(
    ("uplinks", "violations", "over"),
    [
        (1000, 0, False),
        (1000, 100, False),
        (10_000, 101, True),
        (200, 20, False),
        (200, 21, True),
        (19, 19, False),
        (20, 20, True),
    ],
    ids=[
        "none",
        "exactly as many",
        "one too many",
        "exactly the share",
        "more than the share",
        "too few to speak of a share",
        "enough of them",
    ],
)
def test_either_bound_is_enough(uplinks: int, violations: int, over: bool) -> None:
    budget = Budget(ALLOWED)
    budget.note(uplinks, violations, 0)
    told = budget.exceeded()
    assert (told is not None) is over
    if over:
        assert f"{violations} of {uplinks} uplinks in 60 s" in str(told)


@pytest.mark.parametrize(
    ("uplinks", "violations", "much"),
    [(4, 4, False), (5, 5, True), (100, 5, True), (101, 5, False), (10_000, 99, False)],
    ids=["too few", "all", "a twentieth", "less than that", "accidents"],
)
def test_a_twentieth_is_much_whatever_is_allowed(uplinks: int, violations: int, much: bool) -> None:
    budget = Budget(Allowance(count=10**9, share=1.0, window_ms=60_000))
    budget.note(uplinks, violations, 0)
    assert budget.breaks_much is much
    assert budget.exceeded() is None


def test_who_keeps_promises_is_soon_given_as_much_as_there_is() -> None:
    pace, limits = Pace(), []
    for _ in range(7):
        limits.append(pace.limit)
        pace.done(pace.limit, 0)
    assert limits == [16, 32, 64, 128, 256, 512, 512]
    pace.done(MOST_AT_ONCE, 25)
    assert pace.limit == MOST_AT_ONCE, "less than a twentieth is an accident"


def test_who_breaks_them_is_given_little_and_begins_anew() -> None:
    pace = Pace()
    for _ in range(5):
        pace.done(pace.limit, 0)
    pace.done(512, 26)
    assert pace.limit == 16
    pace.done(16, 1)
    assert pace.limit == 16
    pace.done(15, 0)
    assert pace.limit == 16, "a batch that had room tells nothing of a larger one"
    pace.done(16, 0)
    assert pace.limit == 32


def test_what_is_older_than_the_window_is_forgiven() -> None:
    budget = Budget(ALLOWED)
    budget.note(300, 30, 0)
    assert budget.exceeded() is None
    budget.note(0, 1, 30_000)
    assert budget.exceeded()
    budget.note(100, 0, 63_000)
    assert budget.exceeded() is None
    assert (budget.uplinks, budget.violations) == (100, 1)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 5_000)), max_size=100))
def test_the_sums_are_those_of_the_window_to_a_twentieth(notes: list[tuple[int, int, int]]) -> None:
    budget, now, told = Budget(ALLOWED), 0, []
    for uplinks, violations, later in notes:
        now += later
        budget.note(uplinks, violations, now)
        told.append((now, uplinks, violations))
        within = [(u, v) for at, u, v in told if at > now - 57_000]
        at_most = [(u, v) for at, u, v in told if at > now - 63_000]
        assert sum(u for u, _ in within) <= budget.uplinks <= sum(u for u, _ in at_most)
        assert sum(v for _, v in within) <= budget.violations <= sum(v for _, v in at_most)


def test_a_batch_that_is_half_broken_is_followed_by_a_rest_of_nineteen_times_its_time() -> None:
    assert rest_s(0.02, 256, 512) == pytest.approx(19 * 0.02)
    assert rest_s(0.02, 512, 512) == pytest.approx(19 * 0.02)


def test_a_rest_grows_with_the_share_and_has_an_end() -> None:
    assert rest_s(0.02, 0, 512) == 0.0
    assert rest_s(0.02, 1, 512) < 0.002
    assert rest_s(5.0, 512, 512) == 10.0
