"""JSON bodies: one encoder, one decoder a type."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

__all__ = ["BodyError", "decode", "encode"]

T = TypeVar("T")
_encoder = msgspec.json.Encoder()
_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {}


class BodyError(ValueError):
    """A body is not of the type its topic promises; the message carries the path."""


def _decoder(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    return _decoders.setdefault(kind, msgspec.json.Decoder(kind))


def encode(event: object) -> bytes:
    """An event as compact JSON; bytes become base64."""
    return _encoder.encode(event)


def decode(kind: type[T], body: bytes) -> T:
    """Unknown fields are ignored, so that a newer producer may add some. Raises BodyError."""
    try:
        found: T = (_decoders.get(kind) or _decoder(kind)).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyError(str(error)) from error
    return found
