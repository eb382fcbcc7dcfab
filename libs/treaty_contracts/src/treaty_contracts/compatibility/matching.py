"""A few texts that a regular expression matches, at the edges of its repetitions."""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Iterable, Iterator
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final

__all__ = ["matching"]

_MOST: Final = 12
_LONGEST: Final = 200
_CATEGORIES: Final = {op.CATEGORY_DIGIT: "0", op.CATEGORY_SPACE: " ", op.CATEGORY_WORD: "a"}
_TRIED: Final = "aA0_-. bxz9é"


def matching(pattern: str) -> list[str]:
    """Texts that contain a match, each tried before it is told; none for an expression that cannot be read.

    Only ever a help in finding counterexamples: which ones there are proves nothing.
    """
    try:
        with warnings.catch_warnings():
            # Of what later versions of Python will read otherwise: here it is only tried.
            warnings.simplefilter("ignore")
            parsed, tried = _parser.parse(pattern), re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return []
    found = itertools.islice(dict.fromkeys(_sequence(list(parsed))), _MOST * 4)
    return [text for text in found if len(text) <= _LONGEST and tried.search(text)][:_MOST]


def _sequence(parts: list[Any]) -> Iterator[str]:
    """Every part at its first choice, then each part's other choices in turn."""
    choices = [list(itertools.islice(_part(*part), 4)) or [""] for part in parts]
    first = [found[0] for found in choices]
    yield "".join(first)
    for place, found in enumerate(choices):
        for other in found[1:]:
            yield "".join([*first[:place], other, *first[place + 1 :]])


def _part(kind: Any, argument: Any) -> Iterator[str]:
    if kind is op.LITERAL:
        yield chr(argument)
    elif kind is op.ANY:
        yield "a"
    elif kind is op.NOT_LITERAL:
        yield from (sign for sign in _TRIED if ord(sign) != argument)
    elif kind is op.IN:
        yield from _of_set(argument)
    elif kind is op.BRANCH:
        for branch in argument[1]:
            yield from itertools.islice(_sequence(list(branch)), 2)
    elif kind is op.SUBPATTERN:
        yield from _sequence(list(argument[3]))
    elif kind in (op.MAX_REPEAT, op.MIN_REPEAT):
        least, most, repeated = argument
        once = next(_sequence(list(repeated)))
        for count in _counts(least, most):
            yield once * count


def _counts(least: int, most: int) -> Iterable[int]:
    return dict.fromkeys(n for n in (least, least + 1, min(most, least + 3)) if least <= n <= min(most, 100))


def _of_set(members: list[Any]) -> Iterator[str]:
    negated = bool(members) and members[0][0] is op.NEGATE
    if negated:
        yield from _TRIED
        return
    for kind, argument in members:
        if kind is op.LITERAL:
            yield chr(argument)
        elif kind is op.RANGE:
            yield chr(argument[0])
        elif kind is op.CATEGORY and argument in _CATEGORIES:
            yield _CATEGORIES[argument]
