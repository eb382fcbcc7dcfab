"""Which types stand for which, whatever way they are written."""

from __future__ import annotations

import pytest

from treaty_contracts.signatures.standing import stands_for
from treaty_contracts.signatures.types import parse_type

SAME = [
    ("dict", "Dict[str, Any]"),
    ("Optional[int]", "int | None"),
    ("Union[int, str]", "str | int"),
    ("'bytes'", "bytes"),
    ("typing.List[int]", "list[int]"),
    ("Annotated[int, 'units']", "int"),
]
NARROWER = [
    ("bool", "int"),
    ("int", "float"),
    ("int", "int | None"),
    ("dict[str, int]", "Mapping[str, int]"),
    ("list[bool]", "Sequence[int]"),
    ("Literal['a', 'b']", "str"),
    ("tuple[int, int]", "Iterable[int]"),
    ("dict", "object"),
    ("int", "numbers.Number"),
]
OTHER = [
    ("list", "dict"),
    ("str", "bytes"),
    ("int | None", "int"),
    ("None", "dict"),
    ("float", "int"),
    ("dict[str, str]", "dict[str, int]"),
    ("Mapping", "dict"),
    ("Literal['a', 1]", "str"),
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_one_type_written_two_ways(left: str, right: str) -> None:
    assert stands_for(parse_type(left), parse_type(right)) is True
    assert stands_for(parse_type(right), parse_type(left)) is True


@pytest.mark.parametrize(("given", "wanted"), NARROWER)
def test_a_narrower_type_stands_for_a_wider(given: str, wanted: str) -> None:
    assert stands_for(parse_type(given), parse_type(wanted)) is True


@pytest.mark.parametrize(("given", "wanted"), OTHER)
def test_another_type_does_not(given: str, wanted: str) -> None:
    assert stands_for(parse_type(given), parse_type(wanted)) is False


def test_any_says_nothing() -> None:
    assert stands_for(parse_type("Any"), parse_type("dict")) is None
    assert stands_for(parse_type("dict"), parse_type("Any")) is True
