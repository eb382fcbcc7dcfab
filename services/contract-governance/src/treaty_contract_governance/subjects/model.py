"""Schemas: what may be registered, and when two are one.

Source of routes, bodies and error codes: Confluent Schema Registry API reference, "Schemas" and "Subjects".
Only JSON Schema is served.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import jsonschema_rs
from pydantic import BaseModel, ConfigDict, Field

__all__ = ["JSON", "Registration", "SchemaError", "Version", "canonical", "fingerprint"]

JSON: Final = "JSON"
Subject = Annotated[str, Field(pattern=r"^[^\x00-\x20/]{1,255}$")]


class SchemaError(ValueError):
    """The text is not a JSON Schema; the message says where it fails."""


class Registration(BaseModel):
    """The body that registers a schema. Members of Confluent's that Treaty has no use for are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    text: Annotated[str, Field(alias="schema", min_length=1, max_length=1_000_000)]
    kind: Annotated[str, Field(alias="schemaType")] = "AVRO"
    references: Annotated[list[Any], Field(max_length=0)] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Version:
    """One registered version of a subject; `text` is the schema as it was first registered."""

    subject: str
    version: int
    id: int
    text: str


def canonical(text: str) -> str:
    """The schema as JSON with sorted keys and no spaces: what differs only in layout is one schema.

    Raises SchemaError where the text is no valid JSON Schema.
    """
    try:
        found = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"not JSON: {error}") from error
    if not isinstance(found, dict | bool):
        raise SchemaError("a JSON Schema is an object or a boolean")
    try:
        jsonschema_rs.meta.validate(found)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        raise SchemaError(f"not a JSON Schema: {str(error).splitlines()[0]}") from error
    return json.dumps(found, sort_keys=True, separators=(",", ":"))


def fingerprint(text: str) -> str:
    """What identifies a canonical schema."""
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse(constant: str) -> Literal[0]:
    raise ValueError(f"{constant} is no JSON value")
