"""A new schema reads what an old one wrote, or there is a value that shows it does not."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treaty_contracts.compatibility import Mode, Verdict, check_compatibility, contains

BASE: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "value": {"type": "number", "minimum": 0}},
    "required": ["id"],
    "additionalProperties": False,
}


def changed(**properties: Any) -> dict[str, Any]:
    return {**BASE, "properties": {**BASE["properties"], **properties}}


PAIRS = [
    ("the same", BASE, BASE, Verdict.YES),
    ("an optional key more", changed(unit={"type": "string"}), BASE, Verdict.YES),
    ("a key less", BASE, changed(unit={"type": "string"}), Verdict.NO),
    (
        "a required key more",
        {**changed(unit={"type": "string"}), "required": ["id", "unit"]},
        BASE,
        Verdict.NO,
    ),
    ("a requirement less", {**BASE, "required": []}, BASE, Verdict.YES),
    ("a wider number", changed(value={"type": "number"}), BASE, Verdict.YES),
    ("a narrower number", changed(value={"type": "number", "minimum": 1}), BASE, Verdict.NO),
    ("an integer for a number", changed(value={"type": "integer"}), BASE, Verdict.NO),
    ("a number for an integer", BASE, changed(value={"type": "integer", "minimum": 0}), Verdict.YES),
    ("a value of an enumeration more", {"enum": ["a", "b", "c"]}, {"enum": ["a", "b"]}, Verdict.YES),
    ("a value of an enumeration less", {"enum": ["a"]}, {"enum": ["a", "b"]}, Verdict.NO),
    ("null allowed", {"type": ["string", "null"]}, {"type": "string"}, Verdict.YES),
    ("null no more", {"type": "string"}, {"type": ["string", "null"]}, Verdict.NO),
    ("a format added", {"type": "string", "format": "date-time"}, {"type": "string"}, Verdict.NO),
    ("longer lists", {"type": "array", "maxItems": 5}, {"type": "array", "maxItems": 3}, Verdict.YES),
    ("shorter lists", {"type": "array", "maxItems": 2}, {"type": "array", "maxItems": 3}, Verdict.NO),
    ("anything", True, BASE, Verdict.YES),
]


@pytest.mark.parametrize(("what", "reader", "writer", "verdict"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_a_change_is_judged(what: str, reader: Any, writer: Any, verdict: Verdict) -> None:
    answer = contains(reader, writer)
    assert answer.verdict is verdict
    for found in answer.incompatibilities:
        assert jsonschema_rs.is_valid(writer, found.example, validate_formats=True)
        assert not jsonschema_rs.is_valid(reader, found.example, validate_formats=True)
        assert found.rule
        assert found.fix


def test_every_incompatibility_says_where_and_how_to_mend_it() -> None:
    [found] = contains(changed(value={"type": "number", "minimum": 1}), BASE).incompatibilities
    assert found.path == "/value"
    assert found.rule == "/properties/value/minimum"
    assert found.fix == "lower the reader's minimum"


def test_transitive_modes_look_at_every_version() -> None:
    first, second = {"type": "string"}, {"type": ["string", "integer"]}
    third = {"type": "integer"}
    assert not check_compatibility(third, [first, third]).compatible
    assert check_compatibility(third, [first, third], Mode.BACKWARD).compatible
    assert check_compatibility(second, [first]).compatible
    assert not check_compatibility(second, [first], Mode.FULL).compatible
    assert check_compatibility(first, [second], Mode.FORWARD).compatible


leaves = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("integer")}, optional={"minimum": st.integers(-3, 3), "maximum": st.integers(-3, 3)}
    ),
    st.fixed_dictionaries(
        {"type": st.just("string")}, optional={"minLength": st.integers(0, 3), "maxLength": st.integers(0, 3)}
    ),
    st.fixed_dictionaries({"enum": st.lists(st.integers(0, 3), min_size=1, unique=True)}),
    st.just({"type": "boolean"}),
)


@st.composite
def objects(draw: st.DrawFn) -> dict[str, Any]:
    properties = draw(st.dictionaries(st.sampled_from("abc"), leaves, max_size=3))
    required = draw(st.lists(st.sampled_from("abc"), unique=True, max_size=2))
    return {"type": "object", "properties": properties, "required": required,
            "additionalProperties": draw(st.booleans())}  # fmt: skip


values = st.dictionaries(
    st.sampled_from("abcd"),
    st.one_of(st.integers(-4, 4), st.text("xy", max_size=4), st.booleans()),
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(reader=objects(), writer=objects(), instances=st.lists(values, max_size=20))
def test_compatible_is_never_said_of_what_some_value_refutes(
    reader: Any, writer: Any, instances: list[Any]
) -> None:
    if contains(reader, writer).verdict is Verdict.YES:
        for value in instances:
            assert not jsonschema_rs.is_valid(writer, value) or jsonschema_rs.is_valid(reader, value)
