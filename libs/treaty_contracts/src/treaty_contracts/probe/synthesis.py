"""Arguments for promised functions, from their types alone: the same for a seed, on every machine."""

from __future__ import annotations

import ast
from random import Random
from typing import Any

from treaty_contracts.probe.vectors import DEFAULT_RECEIVED_AT_MS
from treaty_contracts.signatures.types import Form

__all__ = ["MAX_CALLS", "arguments_for", "mapping_keys"]

MAX_CALLS = 14
_BYTES_NAMES = (
    "payload",
    "data",
    "raw",
    "buf",
    "frame",
    "body",
    "message",
    "packet",
    "bytes",
    "blob",
    "chunk",
)
_INT_NAMES = (
    "port",
    "count",
    "index",
    "number",
    "length",
    "size",
    "channel",
    "counter",
    "offset",
    "value",
    "n",
    "x",
    "y",
)
_TEXT_NAMES = ("name", "text", "key", "model", "unit", "hex", "label", "topic", "line", "string")
_MAPPINGS = {"dict", "collections.abc.Mapping", "collections.abc.MutableMapping", "collections.OrderedDict"}
_SERIES = {
    "list",
    "collections.abc." + "Sequence",
    "collections.abc.Iterable",
    "collections.abc.Collection",
    "collections.abc.MutableSequence",
    "collections.abc.Iterator",
    "set",
    "frozenset",
}


def mapping_keys(trees: list[ast.Module]) -> list[str]:
    """The texts the package looks up in mappings: with them, a made-up mapping reaches further."""
    found: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            key: ast.expr | None = None
            if isinstance(node, ast.Subscript):
                key = node.slice
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                key = node.args[0] if node.func.attr in {"get", "pop"} else None
            elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In):
                key = node.left
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                found.add(key.value)
            if isinstance(node, ast.MatchMapping):
                found.update(
                    key.value
                    for key in node.keys
                    if isinstance(key, ast.Constant) and isinstance(key.value, str)
                )
    return sorted(found)[:64]


class _Maker:
    def __init__(self, keys: list[str], seed: int) -> None:
        self.keys = keys
        self.seed = seed

    def payloads(self) -> list[bytes]:
        random = Random(self.seed)  # noqa: S311 - repeatable inputs, not secrets
        return [
            bytes(range(1, 13)),
            b"",
            b"\x00",
            b"\xff" * 8,
            random.randbytes(4),
            random.randbytes(20),
            random.randbytes(51),
            b'{"a": 1}',
            bytes(2048),
            b"21.5,40",
        ]

    def texts(self) -> list[str]:
        return ["0102030405060708090a0b0c", "", "a", "21.5", '{"a": 1}', "21.5,40", *self.keys[:3]]

    def mappings(self) -> list[Any]:
        shapes: list[Any] = [dict.fromkeys(self.keys, value) for value in (21, 1.5, "0102", True)]
        return [{"dict": shape} for shape in [*shapes, {}, dict.fromkeys(self.keys)]]

    def guess(self, name: str) -> list[Any]:
        lowered = name.lower()
        payloads = [{"bytes": body.hex()} for body in self.payloads()]
        if any(word in lowered for word in _BYTES_NAMES):
            return payloads
        if any(word in lowered for word in _TEXT_NAMES):
            return list(self.texts())
        if any(word == lowered or lowered.endswith("_" + word) for word in _INT_NAMES):
            return [1, 0, 255, -1]
        return [payloads[0], 1, "a", *self.mappings()[:1], 2.5, None]

    def values(self, form: Form, name: str, depth: int = 0) -> list[Any]:
        """Values of a type, the most usual first; an empty list where none can be made."""
        if depth > 4:
            return []
        match form:
            case None | ["any"] | ["text", _]:
                return self.guess(name)
            case ["none"]:
                return [None]
            case ["literal", text, _]:
                return [ast.literal_eval(text)]
            case ["union", parts]:
                return [value for part in parts for value in self.values(part, name, depth + 1)[:6]]
            case ["class", [kind, *_], parts]:
                return self.of_class(kind, parts, name, depth)
        return []

    def of_class(self, kind: str, parts: list[Form], name: str, depth: int) -> list[Any]:
        inner = [self.values(part, name, depth + 1) for part in parts]
        if any(not values for values in inner):
            return []
        match kind:
            case "bytes" | "bytearray":
                return [{kind: body.hex()} for body in self.payloads()]
            case "memoryview" | "collections.abc.Buffer" | "collections.abc.ByteString":
                return [{"bytes": body.hex()} for body in self.payloads()]
            case "int":
                return [1, 0, -1, 255, 70_000, 2**40]
            case "float" | "complex":
                return [1.5, 0.0, -3.25, 1e9]
            case "bool":
                return [True, False]
            case "str":
                return list(self.texts())
            case "object":
                return self.guess(name)
            case "tuple":
                return [
                    {"tuple": [values[0] for values in inner]},
                    {"tuple": [values[-1] for values in inner]},
                ]
            case "datetime.datetime":
                return [{"time": DEFAULT_RECEIVED_AT_MS}]
            case "treaty.uplink.Uplink":
                return [
                    {
                        "uplink": [
                            body.hex(),
                            1,
                            "unknown/unknown",
                            "application/octet-stream",
                            DEFAULT_RECEIVED_AT_MS,
                        ]
                    }
                    for body in self.payloads()
                ]
        if kind in _MAPPINGS:
            if parts:
                keys = [value for value in inner[0] if isinstance(value, str)]
                return [
                    {"dict": {key: inner[-1][index % len(inner[-1])] for key in (self.keys or keys[:2])}}
                    for index in range(3)
                ] + [{"dict": {}}]
            return self.mappings()
        if kind in _SERIES:
            items = inner[0] if inner else [1, 2, 3]
            return [items[:3], [], items[:1]]
        return []


def arguments_for(
    parameters: list[tuple[str, str, bool, Form]], keys: list[str], seed: int
) -> list[tuple[list[Any], dict[str, Any]]]:
    """Up to MAX_CALLS (arguments, keywords) for parameters (name, kind, optional, type).

    An empty list where a required parameter has a type no value can be made of.
    """
    maker = _Maker(keys, seed)
    used = [part for part in parameters if not part[1].startswith("var_")]
    choices: list[list[Any]] = []
    kept: list[tuple[str, str]] = []
    for name, kind, optional, form in used:
        values = maker.values(form, name)
        if not values:
            if not optional:
                return []
            continue
        choices.append(values)
        kept.append((name, kind))
    if not choices:
        return [([], {})]
    count = min(MAX_CALLS, max(len(values) for values in choices))
    calls = []
    for index in range(count):
        chosen = [
            values[(index * (1 + position // 7)) % len(values)] for position, values in enumerate(choices)
        ]
        positional: list[Any] = []
        keywords: dict[str, Any] = {}
        for (name, kind), value in zip(kept, chosen, strict=True):
            if kind == "positional_only" or (kind == "positional_or_keyword" and not keywords):
                positional.append(value)
            else:
                keywords[name] = value
        calls.append((positional, keywords))
    if any(optional for _, _, optional, _ in used):
        required = [
            (name, kind, values[0])
            for (name, kind, optional, _), values in zip(
                used, [maker.values(part[3], part[0]) for part in used], strict=True
            )
            if not optional
        ]
        calls.append(
            (
                [value for _, kind, value in required if kind != "keyword_only"],
                {name: value for name, kind, value in required if kind == "keyword_only"},
            )
        )
    return calls
