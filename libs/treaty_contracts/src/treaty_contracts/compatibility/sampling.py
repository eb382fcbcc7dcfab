"""Values of a JSON Schema, at the edges of what it admits: where two schemas differ, they differ there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from treaty_contracts.compatibility.matching import matching

__all__ = ["samples"]

MAX_SAMPLES = 600
_DEPTH = 4
_TEXTS = [
    "", "a", "text", "0", "2024-02-29T12:00:00Z", "2024-02-29", "12:00:00Z", "a@b.example", "https://a.example/x",
    "127.0.0.1", "::1", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "A", "ab", "x" * 40, "é", "a-b_c.d", "123456",
]  # fmt: skip
_ANY: list[Any] = [None, True, False, 0, 1, -1, 0.5, 1e9, "", "text", [], [1], {}, {"unforeseen_key": 1}]


def _numbers(schema: dict[str, Any], whole: bool) -> list[Any]:
    step = schema.get("multipleOf", 1 if whole else 0.5)
    edges: list[Any] = [0, 1, -1, 2, 100, -100, 10**6]
    for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        if isinstance(schema.get(key), int | float):
            edges += [schema[key], schema[key] + step, schema[key] - step]
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(low, int | float) and isinstance(high, int | float):
        edges += [low + (high - low) * part // 4 for part in (1, 2, 3)]
    if schema.get("multipleOf"):
        edges += [step * factor for factor in (1, 2, 3, -1)]
    if not whole:
        edges += [0.5, -0.25, 1.5]
    return [int(edge) if whole and float(edge).is_integer() else edge for edge in edges]


def _texts(schema: dict[str, Any]) -> list[str]:
    found = list(_TEXTS)
    for key in ("minLength", "maxLength"):
        if isinstance(schema.get(key), int):
            found += ["a" * max(0, min(schema[key] + by, 2000)) for by in (-1, 0, 1)]
    if isinstance(schema.get("pattern"), str):
        found = matching(schema["pattern"]) + found
    return found


def _resolve(schema: Any, root: Any) -> Any:
    seen = 0
    while isinstance(schema, dict) and isinstance(schema.get("$ref"), str) and seen < 20:
        target = root
        for part in schema["$ref"].removeprefix("#").strip("/").split("/"):
            if part:
                key = part.replace("~1", "/").replace("~0", "~")
                target = target.get(key, {}) if isinstance(target, dict) else {}
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
        seen += 1
    return schema


def _objects(schema: dict[str, Any], root: Any, depth: int) -> Iterator[Any]:
    properties = dict(schema.get("properties") or {})
    required = [key for key in schema.get("required") or [] if isinstance(key, str)]
    names = list(dict.fromkeys([*required, *properties]))
    values = {
        name: list(itertools.islice(_values(properties.get(name, True), root, depth - 1), 24))
        for name in names
    }
    if any(not values[name] for name in required):
        return
    full = {name: values[name][0] for name in names if values[name]}
    least = {name: values[name][0] for name in required}
    yield full
    yield least
    for name in names:
        for value in values[name]:
            yield {**full, name: value}
            yield {**least, name: value}
        if name not in required:
            yield {key: value for key, value in full.items() if key != name}
    extra = schema.get("additionalProperties", True)
    for value in itertools.islice(_values(extra, root, depth - 1), 6):
        yield {**least, "unforeseen_key": value}
        yield {**full, "unforeseen_key": value}
    for pattern, part in (schema.get("patternProperties") or {}).items():
        for name in matching(pattern):
            for value in itertools.islice(_values(part, root, depth - 1), 4):
                yield {**least, name: value}
            for value in _ANY:
                yield {**least, name: value}
    count = schema.get("maxProperties")
    if isinstance(count, int) and count < 50:
        for size in (count, count + 1):
            yield {**least, **{f"key{index}": 1 for index in range(max(0, size - len(least)))}}


def _arrays(schema: dict[str, Any], root: Any, depth: int) -> Iterator[Any]:
    rest, places = schema.get("items", True), schema.get("prefixItems") or []
    if isinstance(rest, list):
        # As it was written before 2020-12.
        rest, places = schema.get("additionalItems", True), rest
    items = list(itertools.islice(_values(rest, root, depth - 1), 10)) or [None]
    prefix = [next(iter(_values(part, root, depth - 1)), None) for part in places]
    sizes = {0, 1, 2, 3, len(prefix)}
    for key in ("minItems", "maxItems"):
        if isinstance(schema.get(key), int) and schema[key] < 200:
            sizes |= {schema[key], schema[key] + 1, max(0, schema[key] - 1)}
    for size in sorted(sizes):
        yield [*prefix, *(items[index % len(items)] for index in range(size))][: max(size, 0)]
        yield [items[0]] * size
    for item in items:
        yield [*prefix, item]


def _values(schema: Any, root: Any, depth: int) -> Iterator[Any]:
    schema = _resolve(schema, root)
    if schema is False or depth < 0:
        return
    if not isinstance(schema, dict) or not schema:
        yield from _ANY
        return
    if "const" in schema:
        yield schema["const"]
    yield from schema.get("enum") or []
    examples = schema.get("examples")
    yield from examples if isinstance(examples, list) else []
    for key in ("anyOf", "oneOf", "allOf"):
        parts = schema.get(key) or []
        for part in parts:
            merged = {
                name: value for name, value in schema.items() if name not in {"anyOf", "oneOf", "allOf"}
            }
            inner = _resolve(part, root)
            yield from _values({**merged, **inner} if isinstance(inner, dict) else merged, root, depth - 1)
        if key == "allOf" and parts:
            together: dict[str, Any] = {}
            for part in parts:
                inner = _resolve(part, root)
                together |= inner if isinstance(inner, dict) else {}
            yield from _values(together, root, depth - 1)
    for key in ("if", "then", "else", "not"):
        if isinstance(schema.get(key), dict):
            yield from itertools.islice(_values(schema[key], root, depth - 1), 20)
    stated = schema.get("type")
    types = [stated] if isinstance(stated, str) else list(stated or [])
    if not types:
        types = ["object", "array", "string", "number", "integer", "boolean", "null"]
    for kind in types:
        yield from _of_type(kind, schema, root, depth)


def _of_type(kind: str, schema: dict[str, Any], root: Any, depth: int) -> Iterator[Any]:
    match kind:
        case "object":
            yield from _objects(schema, root, depth)
        case "array":
            yield from _arrays(schema, root, depth)
        case "string":
            yield from _texts(schema)
        case "integer":
            yield from _numbers(schema, whole=True)
        case "number":
            yield from _numbers(schema, whole=False)
        case "boolean":
            yield from (True, False)
        case "null":
            yield None


def samples(schema: Any) -> Iterator[Any]:
    """Up to MAX_SAMPLES values the schema may admit; each is still to be validated."""
    yield from itertools.islice(_values(schema, schema, _DEPTH), MAX_SAMPLES)
