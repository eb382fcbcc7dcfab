"""Schema compatibility against facts, and against an independent validator: never a wrong "compatible"."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from treaty_contracts.compatibility import Verdict, contains

GROUPS = yaml.safe_load((Path(__file__).parent / "compatibility-pairs.yaml").read_text())
PAIRS = [
    pytest.param(*schemas, pair[right], id=f"{pair['name']}-{right}")
    for held in GROUPS.values()
    for pair in held
    for right, schemas in (
        ("compatible", (pair["reader"], pair["writer"])),
        ("reverse", (pair["writer"], pair["reader"])),
    )
]


@pytest.mark.parametrize(("reader", "writer", "compatible"), PAIRS)
def test_a_known_pair_is_never_judged_wrongly(reader: Any, writer: Any, compatible: bool) -> None:
    assert contains(reader, writer).verdict in (Verdict.YES if compatible else Verdict.NO, Verdict.UNDECIDED)


def test_nearly_every_known_pair_is_decided() -> None:
    undecided = [pair.id for pair in PAIRS if contains(*pair.values[:2]).verdict is Verdict.UNDECIDED]
    assert len(undecided) < 0.05 * len(PAIRS), undecided


numbers = st.one_of(st.integers(-3, 6), st.sampled_from([0.5, 1.5, 2.5, -0.5, 1.0]))
texts = st.text("ab1", max_size=4)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)


def keywords(kind: str, inner: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    """The optional keywords of a type."""
    size = st.integers(0, 3)
    if kind in {"integer", "number"}:
        bounds = dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), numbers)
        return {**bounds, "multipleOf": st.sampled_from([1, 2, 3, 0.5])}
    if kind == "string":
        patterns = st.sampled_from(["^a", "b$", "^[ab]*$", "^a{1,2}$", "1"])
        return {"minLength": size, "maxLength": size, "pattern": patterns}
    if kind == "array":
        lists = {"items": inner, "contains": inner, "prefixItems": st.lists(inner, min_size=1, max_size=2)}
        return {**lists, "minItems": size, "maxItems": size, "uniqueItems": st.booleans()}
    if kind == "object":
        names = st.sampled_from("abc")
        return {
            "properties": st.dictionaries(names, inner, max_size=3),
            "required": st.lists(names, unique=True, max_size=2),
            "additionalProperties": inner,
            "minProperties": size,
            "maxProperties": size,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b"]), inner, max_size=1),
        }
    return {}


@st.composite
def typed(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    kind = draw(st.sampled_from(["integer", "number", "string", "array", "object", "boolean", "null"]))
    optional = keywords(kind, inner)
    chosen = draw(st.lists(st.sampled_from(sorted(optional)), unique=True, max_size=3)) if optional else []
    return {"type": kind, **{name: draw(optional[name]) for name in chosen}}


def composed(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        typed(inner),
        typed(inner),
        st.fixed_dictionaries({"anyOf": several}),
        st.fixed_dictionaries({"allOf": several}),
        st.fixed_dictionaries({"oneOf": several}),
        st.fixed_dictionaries({"not": inner}),
    )


leaves = st.one_of(
    st.booleans(),
    st.fixed_dictionaries({"const": scalars}),
    st.fixed_dictionaries({"enum": st.lists(scalars, min_size=1, max_size=3)}),
    typed(st.booleans()),
)
schemas = st.recursive(leaves, composed, max_leaves=5)


@st.composite
def changes(draw: st.DrawFn) -> tuple[Any, Any]:
    """A schema and another one: made for itself, or by changing, dropping or adding a keyword."""
    old = draw(schemas)
    if not isinstance(old, dict) or draw(st.booleans()):
        return draw(schemas), old
    optional = keywords(old.get("type", ""), st.one_of(leaves))
    new = {key: value for key, value in old.items() if key == "type" or draw(st.integers(0, 3))}
    if optional:
        name = draw(st.sampled_from(sorted(optional)))
        new[name] = draw(optional[name])
    return new, old


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(pair=changes(), instances=st.lists(values, min_size=10, max_size=30))
def test_no_value_refutes_a_compatible_verdict(pair: tuple[Any, Any], instances: list[Any]) -> None:
    reader, writer = pair
    answer = contains(reader, writer)
    event(answer.verdict.value)
    reads, writes = jsonschema.Draft202012Validator(reader), jsonschema.Draft202012Validator(writer)
    if answer.verdict is Verdict.YES:
        for value in instances:
            assert not writes.is_valid(value) or reads.is_valid(value), value
    for found in answer.incompatibilities:
        if found.rule:
            assert writes.is_valid(found.example)
            assert not reads.is_valid(found.example)
