"""Does every value one schema admits satisfy another? Proof by jsonschema-rs, refutation by example."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import jsonschema_rs
from jsonschema_rs import canonical

from treaty_contracts.compatibility.sampling import samples

__all__ = ["Containment", "Incompatibility", "SchemaError", "Verdict", "contains"]

_PATTERNS = jsonschema_rs.RegexOptions()
_FIXES = {
    "required": "give readers a default, or keep writing it: make {name} optional in the reader",
    "additionalProperties": "declare {name} in the reader, or let it take other keys",
    "unevaluatedProperties": "declare {name} in the reader, or let it take other keys",
    "type": "let the reader take both types",
    "enum": "let the reader take the value too",
    "const": "let the reader take the value too",
    "minimum": "lower the reader's minimum",
    "exclusiveMinimum": "lower the reader's minimum",
    "maximum": "raise the reader's maximum",
    "exclusiveMaximum": "raise the reader's maximum",
    "minLength": "let the reader take shorter texts",
    "maxLength": "let the reader take longer texts",
    "minItems": "let the reader take shorter lists",
    "maxItems": "let the reader take longer lists",
    "pattern": "widen the reader's pattern",
    "format": "take the format out of the reader, or write it always",
    "multipleOf": "let the reader take finer steps",
}


_OLDER = ("http://json-schema.org/draft-07/schema#", "http://json-schema.org/draft-04/schema#")


class SchemaError(ValueError):
    """A schema that cannot be judged: invalid, a pattern that is not linear, references to the outside."""


class Verdict(StrEnum):
    YES = "yes"
    NO = "no"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """A value the writer may produce and the reader refuses.

    `path` is where in the value (JSON Pointer), `rule` the reader's keyword with its place in the
    schema, `example` the whole value. `direction` and `version` say against which earlier schema.
    """

    path: str
    rule: str
    example: Any
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Containment:
    """`verdict` is yes only where it is proved; no where an example or the proof of difference is given."""

    verdict: Verdict
    incompatibilities: tuple[Incompatibility, ...] = ()


def _pointer(parts: list[Any]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _incompatibility(example: Any, error: jsonschema_rs.ValidationError) -> Incompatibility:
    schema_path = list(error.schema_path)
    keyword = next((part for part in reversed(schema_path) if isinstance(part, str) and part in _FIXES), "")
    keyword = keyword or str(schema_path[-1] if schema_path else "schema")
    named = str(error.instance_path[-1]) if error.instance_path else "it"
    fix = _FIXES.get(keyword, "widen the reader so that it takes the example").format(name=named)
    message = error.message if len(error.message) < 300 else error.message[:299] + "…"
    return Incompatibility(_pointer(list(error.instance_path)), _pointer(schema_path), example, message, fix)


def _validator(schema: Any) -> Any:
    return jsonschema_rs.validator_for(schema, validate_formats=True, pattern_options=_PATTERNS)


def _counterexamples(reader: Any, writer: Any, most: int = 5) -> list[Incompatibility]:
    """Values the writer admits and the reader refuses, one for each rule of the reader."""
    reads, writes = _validator(reader), _validator(writer)
    found: dict[str, Incompatibility] = {}
    # What tells them apart may be named by the reader alone.
    for value in itertools.chain(samples(writer), samples(reader)):
        if len(found) >= most:
            break
        if not writes.is_valid(value) or reads.is_valid(value):
            continue
        for error in reads.iter_errors(value):
            item = _incompatibility(value, error)
            held = found.get(item.rule)
            if held is None or len(json.dumps(value)) < len(json.dumps(held.example)):
                found[item.rule] = item
    return [found[rule] for rule in sorted(found)][:most]


def _of_one_dialect(reader: Any, writer: Any) -> tuple[Any, Any]:
    """Schemas that name no dialect are of 2020-12; where that cannot be, of draft 7, then of draft 4, both of
    them alike."""
    pair = (reader, writer)
    if not all(isinstance(schema, dict) and "$schema" not in schema for schema in pair):
        return pair
    for dialect in (None, *_OLDER):
        named = pair if dialect is None else tuple({"$schema": dialect, **schema} for schema in pair)
        if all(jsonschema_rs.meta.is_valid(schema) for schema in named):
            return named[0], named[1]
    return pair


def contains(reader: Any, writer: Any) -> Containment:
    """Whether `reader` admits every value `writer` admits. Formats count; references stay inside.

    Raises SchemaError. A search for a counterexample follows even a proof: one that is found wins.
    """
    try:
        reader, writer = _of_one_dialect(reader, writer)
        examples = _counterexamples(reader, writer)
        if examples:
            return Containment(Verdict.NO, tuple(examples))
        options: dict[str, Any] = {"validate_formats": True, "pattern_options": _PATTERNS, "offline": True}
        wide, narrow = (jsonschema_rs.canonicalize(schema, **options) for schema in (reader, writer))
        answer = wide.covers(narrow)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise SchemaError(str(error)[:500]) from None
    except canonical.CanonicalizationError as error:
        raise SchemaError(str(error)[:500]) from None
    if answer == canonical.Containment.YES:
        return Containment(Verdict.YES)
    if answer == canonical.Containment.NO:
        shown = Incompatibility(
            "", "", None, "the reader refuses something the writer admits", "compare the two schemas"
        )
        return Containment(Verdict.NO, (shown,))
    return Containment(Verdict.UNDECIDED)
