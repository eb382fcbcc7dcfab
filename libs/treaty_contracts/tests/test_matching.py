"""Texts that an expression matches, and what they tell of two schemas."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty_contracts.compatibility import Verdict, contains
from treaty_contracts.compatibility.matching import matching


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("^ba+b$", ["bab", "baab", "baaaab"]),
        ("emai", ["emai"]),
        ("^emai(l|k)$", ["email", "emaik"]),
        (r"^\d{2}$", ["00"]),
        ("^(ab){0,3}$", ["", "ab", "ababab"]),
        ("^[^a]$", ["A", "0", "_"]),
    ],
)
def test_the_edges_of_repetitions_are_among_them(pattern: str, found: list[str]) -> None:
    assert matching(pattern)[: len(found)] == found


@given(st.text("ab^$.*+?()[]|{}\\d0,", max_size=12))
def test_each_matches_and_what_cannot_be_read_gives_none(pattern: str) -> None:
    for text in matching(pattern):
        assert re.search(pattern, text)


OPEN = {"type": "object", "properties": {"name": {"type": "string"}}}


@pytest.mark.parametrize(
    ("reader", "writer"),
    [
        ({**OPEN, "patternProperties": {"^b.*b$": {"type": "boolean"}}}, OPEN),
        (
            {**OPEN, "patternProperties": {"b.*b": {"type": "boolean"}}},
            {**OPEN, "patternProperties": {"^ba+b$": {"type": "boolean"}}},
        ),
        (
            {"type": "string", "maxLength": 5, "pattern": "^(ab)*$"},
            {"type": "string", "pattern": "^(ab){0,3}$"},
        ),
    ],
)
def test_what_only_the_reader_names_is_looked_for(reader: object, writer: object) -> None:
    found = contains(reader, writer)
    assert found.verdict is Verdict.NO
    assert found.incompatibilities[0].rule != ""


def test_a_pair_that_can_only_be_of_an_older_draft_is_read_as_one() -> None:
    tuples = {"type": "array", "items": [{"type": "string"}]}
    strings = {"type": "array", "items": {"type": "string"}}
    assert contains(tuples, strings).verdict is Verdict.YES
    assert contains(strings, tuples).verdict is Verdict.NO
    over = {"type": "number", "minimum": 5, "exclusiveMinimum": True}
    assert contains({"type": "number", "minimum": 5}, over).verdict is Verdict.YES
    assert contains(over, {"type": "number", "minimum": 5}).verdict is Verdict.NO
