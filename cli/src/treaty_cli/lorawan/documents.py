"""YAML as the device repository's own tools read it, and bounded: YAML 1.2's core schema, built from events.

Source: YAML 1.2.2, 10.3 core schema. In it `on` and `yes` are texts and `1e3` is a number, where PyYAML's
loaders (YAML 1.1) say true and a text. Keys are texts as JavaScript makes them, and numbers are doubles.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from treaty_cli.lorawan.refusal import RefusedError

__all__ = ["MOST_NODES", "Moment", "read_yaml"]

MOST_NODES = 200_000
_LONG_TEXT = 64
"""So many characters count as a value: a text that is repeated by aliases grows as values do."""
_DEEPEST = 64
_EXACT = 2**53
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
_INTEGER = re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0o[0-7_]+|[0-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?([0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|\.[0-9_]+([eE][-+]?[0-9]+)?)")
_ENDLESS = re.compile(r"([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ]+[0-9:.]+ *(Z|[-+][0-9:]+)?)?")
_TAG = "tag:yaml.org,2002:"


class Moment(str):
    """A text without quotes that YAML 1.1 takes for a moment: tools differ in what they make of it."""

    __slots__ = ()


def read_yaml(content: bytes, path: str) -> Any:
    """The document: dict, list, str, int, float, bool, None. Raises RefusedError, code L801 or L804."""
    try:
        text = content.decode("utf-8-sig")
        return _Building(path).document(text)
    except (yaml.YAMLError, ValueError) as error:
        where = getattr(error, "problem_mark", None)
        line = f":{where.line + 1}" if where is not None else ""
        why = getattr(error, "problem", None) or str(error).splitlines()[0][:200]
        raise RefusedError("L801", f"{path}{line} cannot be read: {why}") from None


class _Building:
    """The value under construction. No recursion: a document's depth is none of this process's stack."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.nodes = 0
        self.open: list[tuple[list[Any], bool, str | None, int]] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.value: Any = None

    def document(self, text: str) -> Any:
        loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
        documents = 0
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise ValueError("more than one document")
            elif isinstance(event, yaml.ScalarEvent):
                event.value.encode()
                plain = event.implicit[0] and event.style in {None, ""}
                size = 1 + len(event.value) // _LONG_TEXT
                self._add(_scalar(event.value, event.tag, plain), event.anchor, size)
            elif isinstance(event, yaml.AliasEvent):
                if event.anchor not in self.anchors:
                    raise ValueError(f"the alias {event.anchor!r} stands where nothing is called that yet")
                value, size = self.anchors[event.anchor]
                self._add(value, None, size)
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                if len(self.open) >= _DEEPEST:
                    raise ValueError(f"nested deeper than {_DEEPEST}")
                self.open.append(([], isinstance(event, yaml.MappingStartEvent), event.anchor, self.nodes))
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                parts, mapping, anchor, before = self.open.pop()
                value = _mapping(parts) if mapping else parts
                self._add(value, anchor, 1, self.nodes - before)
        return self.value

    def _add(self, value: Any, anchor: str | None, size: int, inner: int = 0) -> None:
        self.nodes += size
        if self.nodes > MOST_NODES:
            raise RefusedError("L804", f"{self.path} has more than {MOST_NODES} values")
        if anchor is not None:
            self.anchors[anchor] = (value, size + inner)
        if self.open:
            self.open[-1][0].append(value)
        else:
            self.value = value


def _scalar(text: str, tag: str | None, plain: bool) -> Any:
    if not plain:
        return text if tag != f"{_TAG}float" else float(text)
    if _NULL.fullmatch(text):
        return None
    if _BOOLEAN.fullmatch(text):
        return text[0] in "tT"
    if _INTEGER.fullmatch(text):
        digits = text.replace("_", "")
        sign, digits = (-1, digits[1:]) if digits[0] == "-" else (1, digits.lstrip("+"))
        base = {"0b": 2, "0x": 16, "0o": 8}.get(digits[:2], 10)
        if len(digits) > 400:
            return text
        number = sign * int(digits if base == 10 else digits[2:], base)
        return number if abs(number) <= _EXACT else float(number)
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    if endless := _ENDLESS.fullmatch(text):
        return float("nan") if endless[1] is None else float(f"{endless[1]}inf")
    return Moment(text) if _MOMENT.fullmatch(text) else text


def _mapping(parts: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    merged: list[Any] = []
    for key, value in zip(parts[::2], parts[1::2], strict=True):
        if key == "<<" and isinstance(value, (dict, list)):
            merged += value if isinstance(value, list) else [value]
        else:
            found[_key(key)] = value
    whole: dict[str, Any] = {}
    for each in reversed(merged):
        whole.update(each if isinstance(each, dict) else {})
    whole.update(found)
    return whole


def _key(key: Any) -> str:
    if key is None:
        return "null"
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, float) and key.is_integer() and abs(key) < 1e21:
        return str(int(key))
    if isinstance(key, (dict, list)):
        raise ValueError("a key that is no text")
    return str(key)
