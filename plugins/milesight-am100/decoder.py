"""Milesight AM107 ambience sensors (also sold as AM100 series).

Source: Milesight, AM100 Series User Guide, section 7 "Sensor Payload", and the payload definition of AM107
in the vendor's SensorDecoders repository (am-series/am107/README.md). A payload is a sequence of channel (1
byte), type (1 byte) and data of the length that the two imply; data is little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from treaty import Decoded, DecodeError, PropertyValue, Reading, Uplink

__all__ = ["decode"]

Read: TypeAlias = Callable[[tuple[Any, ...], dict[str, float], dict[str, PropertyValue]], None]

_CLASSES: Final = ("A", "B", "C", "C to B")


def _measure(name: str, divisor: int = 1) -> Read:
    def read(data: tuple[Any, ...], measurements: dict[str, float], _: dict[str, PropertyValue]) -> None:
        measurements[name] = data[0] / divisor

    return read


def _tell(name: str, say: Callable[[Any], PropertyValue]) -> Read:
    def read(data: tuple[Any, ...], _: dict[str, float], properties: dict[str, PropertyValue]) -> None:
        properties[name] = say(data[0])

    return read


def _pass(_: tuple[Any, ...], __: dict[str, float], ___: dict[str, PropertyValue]) -> None:
    """Known, and nothing to tell."""


def _light(data: tuple[Any, ...], measurements: dict[str, float], _: dict[str, PropertyValue]) -> None:
    measurements["illuminance"], measurements["ambient_light_visible_infrared"] = data[0], data[1]
    measurements["ambient_light_infrared"] = data[2]


def _layout(form: str) -> struct.Struct:
    return struct.Struct("<" + form)


_CHANNELS: Final[dict[bytes, tuple[struct.Struct, Read]]] = {
    b"\x01\x75": (_layout("B"), _measure("battery_level")),
    b"\x03\x67": (_layout("h"), _measure("air_temperature", 10)),
    b"\x04\x68": (_layout("B"), _measure("air_humidity", 2)),
    b"\x05\x6a": (_layout("H"), _measure("activity_level")),
    b"\x06\x65": (_layout("HHH"), _light),
    b"\x07\x7d": (_layout("H"), _measure("co2_concentration")),
    b"\x08\x7d": (_layout("H"), _measure("total_voc")),
    b"\x09\x73": (_layout("H"), _measure("barometric_pressure", 10)),
    b"\xff\x01": (_layout("B"), _tell("protocol_version", lambda v: f"v{v >> 4}.{v & 15}")),
    b"\xff\x09": (_layout("2s"), _tell("hardware_version", lambda v: f"v{v[0]:x}.{v[1] >> 4:x}")),
    b"\xff\x0a": (_layout("2s"), _tell("firmware_version", lambda v: f"v{v[0]:x}.{v[1]:x}")),
    b"\xff\x0b": (_layout("B"), _tell("power", lambda _: "on")),
    b"\xff\x0f": (_layout("B"), _tell("lorawan_class", lambda v: _CLASSES[v] if v < 4 else "unknown")),
    b"\xff\x16": (_layout("8s"), _tell("serial_number", lambda v: v.hex().upper())),
    b"\xff\x18": (_layout("2s"), _pass),
}


def decode(uplink: Uplink) -> Decoded:
    """One reading of all channels. Raises DecodeError where none can be read, or one is cut short.

    The form has no lengths of its own, so that nothing can be read beyond an unknown channel: what follows
    is given, in hex, as the property `undecoded`.
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
