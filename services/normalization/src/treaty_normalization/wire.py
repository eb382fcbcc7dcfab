"""Event types as msgspec structs: encoded and decoded in a fraction of a dataclass's time, the same bytes."""

from __future__ import annotations

from dataclasses import MISSING, fields
from types import GenericAlias
from typing import Any, Final, get_type_hints

import msgspec

from treaty_events import links, readings, uplinks
from treaty_events.envelope import Envelope

__all__ = [
    "READING_HEADERS",
    "SOURCE",
    "Link",
    "Measurement",
    "Position",
    "Provenance",
    "ReadingNormalized",
    "UplinkAccepted",
]


SOURCE: Final = "/treaty/normalization"
READING_HEADERS: Final = [
    pair for pair in Envelope("", SOURCE, readings.ReadingNormalized.TYPE).headers() if pair[0] != "ce_id"
]
"""What the records of all readings have; each has an id of its own besides."""


def _struct_of(kind: type[Any], **types: Any) -> Any:
    """A struct with the dataclass's fields in its order, so the type is still defined once. `types` are of
    fields whose own types are dataclasses."""
    hints = get_type_hints(kind) | types
    parts = [
        (field.name, hints[field.name])
        if field.default is MISSING
        else (field.name, hints[field.name], field.default)
        for field in fields(kind)
    ]
    return msgspec.defstruct(kind.__name__, parts, frozen=True, gc=False)


RadioGateway: Final = _struct_of(links.RadioGateway)
Link: Final = _struct_of(links.Link, radio_gateways=GenericAlias(tuple, (RadioGateway, ...)))
UplinkAccepted: Final = _struct_of(uplinks.UplinkAccepted, link=Link | None)
Measurement: Final = _struct_of(readings.Measurement)
Position: Final = _struct_of(readings.Position)
Provenance: Final = _struct_of(readings.Provenance)
ReadingNormalized: Final = _struct_of(
    readings.ReadingNormalized,
    measurements=GenericAlias(list, (Measurement,)),
    provenance=Provenance,
    position=Position | None,
    link=Link | None,
)
