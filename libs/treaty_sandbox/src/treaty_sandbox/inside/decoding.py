"""The runner for Python decoders: `decode(uplink: treaty.Uplink) -> list[treaty.Reading]`.

A message is [payload, f_port, model, content_type, received_at_ms]; its reply ["ok", [[measurements,
properties, position | nil, observed_at_ms | nil], ...]] or ["error", kind, detail] with kind
decode_error (ValueError, treaty.DecodeError, or an exception whose class name is among
options["errors"]), undeclared_error or malformed_output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from treaty import Reading, Uplink
from treaty_sandbox.inside.child import describe
from treaty_sandbox.inside.package import Package

__all__ = ["decoder"]

Message: TypeAlias = tuple[bytes, int | None, str, str, int]
Reply: TypeAlias = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def decoder(package: Package, options: Mapping[str, Any]) -> Callable[[Message], Reply]:
    """Loads options["entry"] ("module:function"); options["errors"] are further declared exception names."""
    decode = package.entry(options["entry"])
    declared = frozenset(options.get("errors", ()))
    from_timestamp = datetime.fromtimestamp
    # By its slots: a frozen dataclass's own constructor takes twice as long.
    new = Uplink.__new__
    set_payload, set_f_port, set_model, set_content_type, set_received_at = (
        getattr(Uplink, field.name).__set__ for field in fields(Uplink)
    )

    def handle(message: Message) -> Reply:
        payload, f_port, model, content_type, received_at = message
        try:
            uplink = new(Uplink)
            set_payload(uplink, payload)
            set_f_port(uplink, f_port)
            set_model(uplink, model)
            set_content_type(uplink, content_type)
            set_received_at(uplink, from_timestamp(received_at / 1000, UTC))
            decoded = decode(uplink)
            # What nearly every payload is, without the calls it would cost to look at anything else.
            if type(decoded) is list and len(decoded) == 1 and type(reading := decoded[0]) is Reading:
                measurements, properties = reading.measurements, reading.properties
                if (
                    type(measurements) is dict
                    and type(properties) is dict
                    and reading.position is None
                    and reading.observed_at is None
                ):
                    return ("ok", [(measurements, properties, None, None)])
            return ("ok", plain(decoded))
        except MalformedError as error:
            return ("error", "malformed_output", describe(error))
        except ValueError as error:
            return ("error", "decode_error", describe(error))
        except BaseException as error:
            known = any(kind.__name__ in declared for kind in type(error).__mro__)
            return ("error", "decode_error" if known else "undeclared_error", describe(error))

    return handle


class MalformedError(Exception):
    """The decoder returned something that is no list of readings."""


def plain(decoded: object) -> list[tuple[Any, ...]]:
    """Readings as msgpack values; the values' own types are checked by the supervisor."""
    if not isinstance(decoded, list):
        raise MalformedError(f"expected a list of treaty.Reading, got {type(decoded).__name__}")
    found = []
    for reading in decoded:
        if not isinstance(reading, Reading):
            raise MalformedError(f"expected treaty.Reading, got {type(reading).__name__}")
        position = reading.position
        observed_at = reading.observed_at
        found.append(
            (
                _mapping(reading.measurements, "measurements"),
                _mapping(reading.properties, "properties"),
                None
                if position is None
                else (position.latitude, position.longitude, position.altitude, position.accuracy),
                None if observed_at is None else _milliseconds(observed_at),
            )
        )
    return found


def _mapping(values: object, name: str) -> dict[Any, Any]:
    if type(values) is dict:
        return values
    if not isinstance(values, Mapping):
        raise MalformedError(f"{name}: expected a mapping, got {type(values).__name__}")
    return dict(values)


def _milliseconds(moment: object) -> int:
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise MalformedError("observed_at: expected a datetime with a time zone")
    return (moment - _EPOCH) // _MILLISECOND
