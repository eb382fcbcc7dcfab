"""Strict YAML with positions: one document, plain values, no duplicate keys, anchors, tags or merges."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import yaml

from treaty_contracts.findings import Place

__all__ = ["MAX_CONTRACT_BYTES", "Problem", "Source", "parse"]

MAX_CONTRACT_BYTES = 1024 * 1024
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_TAGS = {"null", "bool", "int", "float", "str", "timestamp"}
_PREFIX = "tag:yaml.org,2002:"

Location = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    message: str
    place: Place
    code: str = "C101"


@dataclass(slots=True)
class Source:
    """A read document: its plain values and where each path of keys and indexes stands."""

    path: str
    value: Any = None
    places: dict[Location, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, location: Location) -> Place:
        """The position of a path, or of its nearest ancestor that the document holds."""
        while location and location not in self.places:
            location = location[:-1]
        return self.places.get(location, Place(self.path, 1, 1))


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.constructor = yaml.constructor.SafeConstructor()
        self.nodes = 0
        self.seen: set[int] = set()

    def at(self, node: Any) -> Place:
        return Place(self.source.path, node.start_mark.line + 1, node.start_mark.column + 1)

    def problem(self, message: str, node: Any, code: str = "C101") -> None:
        self.source.problems.append(Problem(message, self.at(node), code))

    def read(self, node: Any, location: Location) -> Any:
        self.source.places.setdefault(location, self.at(node))
        if id(node) in self.seen:
            self.problem("anchors and aliases are not allowed", node)
            return None
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*location, index)) for index, item in enumerate(node.value)]
        return self.scalar(node)

    def scalar(self, node: Any) -> Any:
        kind = node.tag.removeprefix(_PREFIX)
        if not node.tag.startswith(_PREFIX) or kind not in _PLAIN_TAGS:
            self.problem(f"the tag {node.tag} is not allowed", node)
            return None
        if kind in {"str", "timestamp"}:
            return node.value
        if kind == "bool" and node.value.lower() not in {"true", "false"}:
            return node.value
        try:
            return self.constructor.construct_object(node)
        except (ValueError, yaml.YAMLError):
            self.problem(f"{node.value[:40]!r} is not a value", node)
            return None

    def mapping(self, node: Any, location: Location) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if key_node.tag == _PREFIX + "merge" or key == "<<":
                self.problem("merge keys are not allowed", key_node)
                continue
            if not isinstance(key, str):
                self.problem("a key must be text: put it in quotes", key_node)
                continue
            if key in value:
                self.problem(f"the key {key!r} stands twice", key_node, "C102")
                continue
            self.source.places[(*location, key)] = self.at(key_node)
            value[key] = self.read(value_node, (*location, key))
        return value


def _anchor(text: str) -> Any:
    """Where the first anchor stands: composing forgets those that nothing refers to."""
    events = yaml.parse(text, Loader=_LOADER)
    return next((event.start_mark for event in events if getattr(event, "anchor", None) is not None), None)


def parse(path: str, content: bytes) -> Source:
    """Read one YAML document; problems are collected, never raised."""
    source = Source(path)
    if len(content) > MAX_CONTRACT_BYTES:
        source.problems.append(Problem(f"longer than {MAX_CONTRACT_BYTES} bytes", Place(path)))
        return source
    try:
        text = content.decode("utf-8")
        node = yaml.compose(text, Loader=_LOADER)
    except UnicodeDecodeError as error:
        source.problems.append(
            Problem("not UTF-8 text", Place(path, content[: error.start].count(b"\n") + 1))
        )
        return source
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(path, mark.line + 1, mark.column + 1) if mark else Place(path)
        message = getattr(error, "problem", None) or "not YAML"
        source.problems.append(Problem(f"not YAML: {message}", place))
        return source
    except RecursionError:
        source.problems.append(Problem("nested too deep", Place(path)))
        return source
    if b"&" in content and (anchor := _anchor(text)) is not None:
        place = Place(path, anchor.line + 1, anchor.column + 1)
        source.problems.append(Problem("anchors and aliases are not allowed", place))
        return source
    if not isinstance(node, yaml.MappingNode):
        source.problems.append(Problem("a contract is a mapping of keys to values", Place(path, 1, 1)))
        return source
    try:
        source.value = _Reader(source).read(node, ())
    except RecursionError:
        source.problems.append(Problem("nested too deep", Place(path)))
    return source
