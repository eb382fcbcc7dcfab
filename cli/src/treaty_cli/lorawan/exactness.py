"""Whether a codec's output is the example's, as JSON values: no tolerance, keys in any order."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

from treaty_cli.lorawan.documents import Moment

__all__ = ["Difference", "difference"]

Difference = tuple[str, str, str]
"""Path, what the example says, what the codec says."""

_ABSENT = object()


def difference(expected: Any, observed: Any) -> Difference | None:
    """The first place where they differ, None where they are the same value.

    `expected` is from YAML and `observed` from JSON: NaN and the infinities are null, -0 is 0, every number
    a double, and a moment that YAML takes for one is the text that Date.toJSON makes of it.
    """
    return _walk(expected, observed, "output")


def _walk(expected: Any, observed: Any, path: str) -> Difference | None:
    if isinstance(expected, dict) and isinstance(observed, dict):
        for key in sorted({*expected, *observed}):
            found = _walk(expected.get(key, _ABSENT), observed.get(key, _ABSENT), f"{path}.{key}")
            if found is not None:
                return found
        return None
    if isinstance(expected, list) and isinstance(observed, list):
        for index in range(max(len(expected), len(observed))):
            left = expected[index] if index < len(expected) else _ABSENT
            right = observed[index] if index < len(observed) else _ABSENT
            found = _walk(left, right, f"{path}[{index}]")
            if found is not None:
                return found
        return None
    return None if _same(expected, observed) else (path, _shown(expected), _shown(observed))


def _same(expected: Any, observed: Any) -> bool:
    if isinstance(expected, float) and not math.isfinite(expected):
        expected = None
    if isinstance(expected, bool) or isinstance(observed, bool):
        return expected is observed
    if isinstance(expected, (int, float)) and isinstance(observed, (int, float)):
        return _double(expected) == _double(observed)
    if isinstance(expected, str) and isinstance(observed, str):
        return expected == observed or (isinstance(expected, Moment) and _moment(expected) == observed)
    return expected is observed


def _double(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _moment(text: str) -> str | None:
    """2021-03-04T05:06:07Z as Date.toJSON writes it."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "absent"
    try:
        text = json.dumps(value, ensure_ascii=True)
    except RecursionError:
        return "nested too deep to be shown"
    return text if len(text) <= 200 else f"{text[:199]}…"
