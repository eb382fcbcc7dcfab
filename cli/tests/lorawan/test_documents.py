"""YAML as the device repository's own tools read it, and no document that costs more than it weighs."""

from __future__ import annotations

import math

import pytest

from treaty_cli.lorawan.documents import Moment, read_yaml
from treaty_cli.lorawan.refusal import RefusedError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[on, yes, true, False]", ["on", "yes", True, False]),
        ("[0x1F, 0b11, 0o17, 012, 1_000]", [31, 3, 15, 12, 1000]),
        ("[1e3, -2.5, .5, 1.]", [1000.0, -2.5, 0.5, 1.0]),
        ("[~, null, '', 'null']", [None, None, "", "null"]),
        ("12:30: 1:15", {"12:30": "1:15"}),
        (
            "{1: a, true: b, null: c, 2.5: d, 3.0: e}",
            {"1": "a", "true": "b", "null": "c", "2.5": "d", "3": "e"},
        ),
        ("a: &x {k: 1}\nb: {<<: *x, l: 2}", {"a": {"k": 1}, "b": {"k": 1, "l": 2}}),
        ("12345678901234567890", 12345678901234567890.0),
        ("", None),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_values_are_those_of_the_core_schema(text, value):
    found = read_yaml(text.encode(), "x.yaml")
    assert found == value
    assert repr(found) == repr(value)


def test_numbers_json_has_not_are_numbers():
    low, nothing = read_yaml(b"[-.inf, .nan]", "x.yaml")
    assert low == -math.inf
    assert math.isnan(nothing)


def test_a_moment_is_a_text_that_is_known_for_one():
    plain, quoted = read_yaml(b"[2021-03-04T05:06:07Z, '2021-03-04T05:06:07Z']", "x.yaml")
    assert plain == quoted
    assert isinstance(plain, Moment)
    assert not isinstance(quoted, Moment)


_DOUBLING = "a0: &a0 [1, 1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
_REPEATING = f"- &long {'x' * 100_000}\n" + "- *long\n" * 1000


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 100_000, "L801"),
        ("- " * 100_000, "L801"),
        (_DOUBLING, "L804"),
        (_REPEATING, "L804"),
        ("&a [*a]", "L801"),
        ("[*nothing]", "L801"),
        ("a: [1", "L801"),
        ("--- 1\n--- 2", "L801"),
        ("? [1]\n: 2", "L801"),
        ("\x00", "L801"),
        ('"\\ud800"', "L801"),
    ],
    ids=[
        "flow",
        "block",
        "doubling",
        "repeating",
        "itself",
        "nothing",
        "torn",
        "two",
        "key",
        "zero",
        "surrogate",
    ],
)
def test_what_is_no_document_is_refused(text, code):
    with pytest.raises(RefusedError) as refused:
        read_yaml(text.encode(), "x.yaml")
    assert refused.value.refusal.code == code


def test_what_is_no_utf8_is_refused():
    with pytest.raises(RefusedError, match="L801"):
        read_yaml(b"a: \xff", "x.yaml")


def test_what_an_alias_names_must_have_been_said():
    with pytest.raises(RefusedError, match=r"x\.yaml cannot be read: the alias 'a' stands where nothing"):
        read_yaml(b"- *a", "x.yaml")


def test_the_first_of_several_merged_mappings_wins_and_what_is_written_wins_over_all():
    text = "a: &a {k: 1, l: 1}\nb: &b {l: 2, m: 2}\nc: {<<: [*a, *b], k: 3}"
    assert read_yaml(text.encode(), "x.yaml")["c"] == {"k": 3, "l": 1, "m": 2}
