"""Milesight CT10x smart current transformers: CT101 (100 A) and CT103 (300 A).

Source: Milesight, CT10x documentation, "Uplink Data" (milesight.com/products/docs/en/ct10x/protocol/ct/
ct10x-uplink.html), and the payload definition in the vendor's SensorDecoders repository (ct-series/ct101,
README.md). A payload is a sequence of channel (1 byte), type (1 byte) and data of the length that the two
imply; data is little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from treaty import Decoded, DecodeError, PropertyValue, Reading, Uplink

__all__ = ["decode"]

Read: TypeAlias = Callable[[tuple[Any, ...], dict[str, float], dict[str, PropertyValue]], None]

_CLASSES: Final = ("A", "B", "C", "C to B")
_FAILED: Final = 0xFFFF
_OVER_RANGE: Final = 0xFFFD


def _tell(name: str, say: Callable[[Any], PropertyValue]) -> Read:
    def read(data: tuple[Any, ...], _: dict[str, float], properties: dict[str, PropertyValue]) -> None:
        properties[name] = say(data[0])

    return read


def _pass(_: tuple[Any, ...], __: dict[str, float], ___: dict[str, PropertyValue]) -> None:
    """Known, and nothing to tell."""


def _charge(data: tuple[Any, ...], measurements: dict[str, float], _: dict[str, PropertyValue]) -> None:
    measurements["total_current"] = data[0] / 100


def _current(
    data: tuple[Any, ...], measurements: dict[str, float], properties: dict[str, PropertyValue]
) -> None:
    if data[0] == _FAILED:
        properties["current_status"] = "failed"
    else:
        properties["current_status"] = "ok"
        measurements["current"] = data[0] / 100


def _temperature(
    data: tuple[Any, ...], measurements: dict[str, float], properties: dict[str, PropertyValue]
) -> None:
    raw = data[0]
    if raw in (_FAILED, _OVER_RANGE):
        properties["temperature_status"] = "failed" if raw == _FAILED else "over range"
    else:
        properties["temperature_status"] = "ok"
        measurements["cable_temperature"] = (raw - 0x10000 if raw > 0x7FFF else raw) / 10


def _current_alarm(
    data: tuple[Any, ...], measurements: dict[str, float], properties: dict[str, PropertyValue]
) -> None:
    measurements["current_max"], measurements["current_min"] = data[0] / 100, data[1] / 100
    _current(data[2:], measurements, properties)
    flags = data[3]
    if flags & 0b0011:
        properties["current_threshold_alarm"] = bool(flags & 0b0001)
    if flags & 0b1100:
        properties["current_over_range_alarm"] = bool(flags & 0b0100)


def _temperature_alarm(
    data: tuple[Any, ...], measurements: dict[str, float], properties: dict[str, PropertyValue]
) -> None:
    _temperature(data, measurements, properties)
    properties["temperature_threshold_alarm"] = data[1] == 1


def _layout(form: str) -> struct.Struct:
    return struct.Struct("<" + form)


_CHANNELS: Final[dict[bytes, tuple[struct.Struct, Read]]] = {
    b"\x03\x97": (_layout("I"), _charge),
    b"\x04\x98": (_layout("H"), _current),
    b"\x09\x67": (_layout("H"), _temperature),
    b"\x84\x98": (_layout("HHHB"), _current_alarm),
    b"\x89\x67": (_layout("HB"), _temperature_alarm),
    b"\xff\x01": (_layout("B"), _tell("protocol_version", lambda v: f"v{v >> 4}.{v & 15}")),
    b"\xff\x09": (_layout("2s"), _tell("hardware_version", lambda v: f"v{v[0]:x}.{v[1] >> 4:x}")),
    b"\xff\x0a": (_layout("2s"), _tell("firmware_version", lambda v: f"v{v[0]:x}.{v[1]:x}")),
    b"\xff\x0b": (_layout("B"), _tell("power", lambda _: "on")),
    b"\xff\x0f": (_layout("B"), _tell("lorawan_class", lambda v: _CLASSES[v] if v < 4 else "unknown")),
    b"\xff\x16": (_layout("8s"), _tell("serial_number", lambda v: v.hex().upper())),
    b"\xff\xfe": (_layout("B"), _pass),
    b"\xff\xff": (_layout("2s"), _pass),
}


def decode(uplink: Uplink) -> Decoded:
    """One reading of all channels. Raises DecodeError where none can be read, or one is cut short.

    The form has no lengths of its own, so that nothing can be read beyond an unknown channel: what follows
    is given, in hex, as the property `undecoded`, unless it is the zeros with which the device fills up.
    """
    payload = uplink.payload
    measurements: dict[str, float] = {}
    properties: dict[str, PropertyValue] = {}
    at = 0
    while at < len(payload):
        known = _CHANNELS.get(payload[at : at + 2])
        if known is None:
            if not at:
                raise DecodeError(f"channel {payload[:2].hex(' ')} is unknown: {payload[:24].hex()}")
            if any(payload[at:]):
                properties["undecoded"] = payload[at:].hex()
            break
        layout, read = known
        try:
            read(layout.unpack_from(payload, at + 2), measurements, properties)
        except struct.error:
            raise DecodeError(
                f"channel {payload[at : at + 2].hex(' ')} at byte {at} needs {layout.size} bytes of data,"
                f" {len(payload) - at - 2} follow"
            ) from None
        at += 2 + layout.size
    if not at:
        raise DecodeError("the payload is empty")
    return [Reading(measurements, properties)]
