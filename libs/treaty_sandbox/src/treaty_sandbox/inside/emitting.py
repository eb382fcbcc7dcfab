"""What a codec's output is in readings: names of values, measurements, properties, position."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TypeAlias

__all__ = ["CodecError", "OutputError", "Reading", "emitted_name", "kind_of", "leaves", "reading"]

Reading: TypeAlias = tuple[
    dict[str, float], dict[str, Any], tuple[float, float, float | None, None] | None, None
]

_DEEPEST = 16
_MOST_VALUES = 4096
_LONGEST_NAME = 63
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")


class CodecError(ValueError):
    """The codec said that the payload is none of its device's."""


class OutputError(Exception):
    """The codec returned something that is no {data} of plain values."""


def reading(output: Any, measured: frozenset[str], placed: bool) -> Reading:
    """One reading of a codec's output. Raises CodecError where it lists errors or has no data, OutputError.

    A number whose name is among `measured` is a measurement, and so is the decimal text that toFixed makes of
    one; any other text there is the property `<name>_text`, a boolean `<name>_flag`. Everything else is a
    property of its name. `placed`: `latitude`, `longitude` and `altitude` are the position where they can be.
    """
    if output is None:
        raise CodecError("the codec returned nothing")
    if not isinstance(output, dict):
        raise OutputError(f"expected an object, got {type(output).__name__}")
    if errors := output.get("errors"):
        texts = errors if isinstance(errors, list) else [errors]
        raise CodecError("; ".join(str(text) for text in texts)[:500])
    data = output.get("data")
    if data is None:
        raise CodecError("the codec returned no data")
    if not isinstance(data, dict):
        raise OutputError(f"expected data, an object, got {type(data).__name__}")
    values: dict[str, Any] = {}
    for path, value in leaves(data, ()):
        name = emitted_name(path)
        if name in values:
            raise OutputError(f"two values are both named {name!r}")
        values[name] = value
        if len(values) > _MOST_VALUES:
            raise OutputError(f"more than {_MOST_VALUES} values")
    position = _position(values) if placed else None
    measurements: dict[str, float] = {}
    for name in [name for name in values if name in measured]:
        value = values.pop(name)
        if isinstance(value, bool):
            _rename(values, f"{name}_flag", value)
        elif not isinstance(value, str):
            measurements[name] = value
        elif _DECIMAL.fullmatch(value):
            measurements[name] = float(value)
        else:
            _rename(values, f"{name}_text", value)
    return (measurements, values, position, None)


def _rename(values: dict[str, Any], name: str, value: bool | str) -> None:
    if name in values:
        raise OutputError(f"two values are both named {name!r}")
    values[name] = value


def leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every plain value and where it stands; nulls are nothing."""
    if len(path) > _DEEPEST:
        raise OutputError(f"nested deeper than {_DEEPEST}")
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, (dict, list)):
                yield from leaves(inner, (*path, key))
            elif inner is not None:
                yield (*path, key), inner
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*path, str(number)))
    elif value is not None:
        yield path, value


def kind_of(value: Any) -> str:
    """What a plain value is: n (number), d (text of a decimal number), s (other text), b (boolean)."""
    if isinstance(value, bool):
        return "b"
    if isinstance(value, str):
        return "d" if _DECIMAL.fullmatch(value) else "s"
    return "n"


@lru_cache(maxsize=4096)
def emitted_name(path: tuple[str, ...]) -> str:
    """A path's words in lower case, joined by _: ("TempC_SHT",) is temp_c_sht, ("gps", "hdOp") gps_hd_op.

    A name longer than a contract may hold keeps its beginning, and ends in a checksum of all of it.
    """
    words = [word.lower() for part in path for word in _WORD.findall(part)]
    name = "_".join(words)
    if not name[:1].isalpha():
        name = f"v_{name}".rstrip("_")
    if len(name) > _LONGEST_NAME - len("_flag"):
        name = f"{name[:48]}_{zlib.crc32(name.encode()):08x}"
    return name


def _position(values: dict[str, Any]) -> tuple[float, float, float | None, None] | None:
    place = [values.get(name) for name in ("latitude", "longitude", "altitude")]
    latitude, longitude, altitude = (part if type(part) in {int, float} else None for part in place)
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    for name in ("latitude", "longitude", "altitude"):
        values.pop(name, None)
    return (latitude, longitude, altitude, None)
