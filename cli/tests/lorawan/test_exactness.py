"""An output is the example's when JSON would write the same value of both, and only then."""

from __future__ import annotations

import pytest

from treaty_cli.lorawan.documents import Moment
from treaty_cli.lorawan.exactness import difference


@pytest.mark.parametrize(
    ("expected", "observed"),
    [
        ({"a": 1, "b": [True, None, "x"]}, {"b": [True, None, "x"], "a": 1.0}),
        (float("nan"), None),
        (float("inf"), None),
        (0, -0.0),
        (0.1 + 0.2, 0.30000000000000004),
        (2**53 + 2, float(2**53 + 2)),
        (Moment("2021-03-04T05:06:07Z"), "2021-03-04T05:06:07.000Z"),
        (Moment("2021-03-04"), "2021-03-04T00:00:00.000Z"),
        (Moment("2021-03-04"), "2021-03-04"),
    ],
)
def test_the_same_value(expected, observed):
    assert difference(expected, observed) is None


def test_an_output_nested_without_end_is_told_of_in_a_word():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert difference(1, deep) == ("output", "1", "nested too deep to be shown")


@pytest.mark.parametrize(
    ("expected", "observed", "path"),
    [
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "output.a.b[1]"),
        ({"a": 1}, {"a": 1, "z": None}, "output.z"),
        ({"a": None}, {}, "output.a"),
        ([1], [1, 2], "output[1]"),
        (0.3, 0.1 + 0.2, "output"),
        (True, 1, "output"),
        (0, False, "output"),
        ("1", 1, "output"),
        ([], {}, "output"),
        ("2021-03-04", "2021-03-04T00:00:00.000Z", "output"),
        (Moment("2021-99-04"), "2021-03-04T00:00:00.000Z", "output"),
    ],
)
def test_another_value_says_where(expected, observed, path):
    found = difference(expected, observed)
    assert found is not None
    assert found[0] == path
