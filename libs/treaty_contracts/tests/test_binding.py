"""Whether a promise's calls bind to a definition is what Python itself says of every such call."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from treaty_contracts.signatures.binding import Parameter, refused_call

ORDER = ["positional_only", "positional_or_keyword", "var_positional", "keyword_only", "var_keyword"]
NAMES = ["a", "b", "c", "d"]


@st.composite
def signatures(draw: st.DrawFn) -> list[Parameter]:
    """Any parameter list Python would take in a `def`."""
    names = draw(st.permutations(NAMES))[: draw(st.integers(0, 4))]
    kinds = sorted(
        (draw(st.sampled_from(["positional_only", "positional_or_keyword", "keyword_only"])) for _ in names),
        key=ORDER.index,
    )
    found: list[Parameter] = []
    defaulted = False
    for name, kind in zip(names, kinds, strict=True):
        optional = draw(st.booleans())
        if kind != "keyword_only":
            defaulted = optional = optional or defaulted
        found.append(Parameter(name, kind, optional))
    if draw(st.booleans()) and draw(st.booleans()):
        found.append(Parameter("rest", "var_positional"))
    if draw(st.booleans()) and draw(st.booleans()):
        found.append(Parameter("options", "var_keyword"))
    return sorted(found, key=lambda part: ORDER.index(part.kind))


def defined(parameters: list[Parameter]) -> Callable[..., None]:
    """The function with that `def`, made by Python's own compiler."""
    parts: list[str] = []
    for index, part in enumerate(parameters):
        before = parameters[index - 1].kind if index else None
        if part.kind == "keyword_only" and before not in {"keyword_only", "var_positional"}:
            parts.append("*")
        star = {"var_positional": "*", "var_keyword": "**"}.get(part.kind, "")
        parts.append(star + part.name + ("=None" if part.optional else ""))
        after = parameters[index + 1].kind if index + 1 < len(parameters) else None
        if part.kind == "positional_only" and after != "positional_only":
            parts.append("/")
    names: dict[str, Callable[..., None]] = {}
    exec(f"def function({', '.join(parts)}): pass", names)
    return names["function"]


def binds(function: Callable[..., None], positional: int, keywords: tuple[str, ...]) -> bool:
    try:
        function(*([None] * positional), **dict.fromkeys(keywords))
    except TypeError:
        return False
    return True


def calls(names: list[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    for positional in range(7):
        for size in range(len(names) + 1):
            for keywords in itertools.combinations(names, size):
                yield positional, keywords


@settings(max_examples=400, deadline=None)
@given(promise=signatures(), definition=signatures())
def test_it_agrees_with_every_call_python_accepts(
    promise: list[Parameter], definition: list[Parameter]
) -> None:
    promised, real = defined(promise), defined(definition)
    names = [*NAMES, "anything_else"]
    broken = [call for call in calls(names) if binds(promised, *call) and not binds(real, *call)]
    assert (refused_call(promise, definition) is not None) == bool(broken), broken[:3]


def test_the_refused_call_is_told() -> None:
    told = refused_call([Parameter("payload"), Parameter("port")], [Parameter("port"), Parameter("payload")])
    assert told is not None
    assert "multiple values for argument 'port'" in told
