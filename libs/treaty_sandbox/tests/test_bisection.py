from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from treaty_sandbox.bisection import Trials


@given(st.integers(0, 40), st.data())
def test_exactly_the_guilty_messages_fail_whatever_the_hints_say(count: int, data: st.DataObject) -> None:
    guilty = set(data.draw(st.lists(st.integers(0, 39), max_size=6))) & set(range(count))
    trials: Trials[str] = Trials(count)
    fresh, attempts = data.draw(st.booleans()), 0
    while not trials.done:
        attempts += 1
        assert attempts <= 4 * count + 1
        run = trials.current
        if guilty.isdisjoint(run):
            trials.answered([f"ok {index}" for index in run])
            fresh = False
        else:
            hint = data.draw(st.none() | st.integers(-3, 45))
            trials.failed(hint, fresh, "guilty")
            fresh = True
    assert trials.replies() == ["guilty" if index in guilty else f"ok {index}" for index in range(count)]


def test_an_honest_hint_finds_the_guilty_one_in_three_attempts_of_a_thousand_messages() -> None:
    trials: Trials[str] = Trials(1000)
    trials.failed(700, False, "guilty")
    assert trials.current == (700,)
    assert trials.failed(0, True, "guilty")
    assert trials.current == tuple(range(700))


def test_a_message_that_fails_in_a_worn_out_child_is_tried_again_in_a_fresh_one() -> None:
    trials: Trials[str] = Trials(1)
    assert not trials.failed(0, False, "guilty")
    trials.answered(["ok"])
    assert trials.replies() == ["ok"]
