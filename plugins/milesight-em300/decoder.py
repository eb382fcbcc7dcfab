"""Milesight EM300 series: EM300-TH (temperature, humidity) and EM300-MLD (membrane leak detection).

Source: Milesight, EM300 Series User Guide, sections 5.1 "Basic Information" and 5.2 "Sensor Data", and the
payload definitions in the vendor's SensorDecoders repository (em-series/em300-th and em300-mld, README.md). A
payload is a sequence of channel (1 byte), type (1 byte) and data of the length that the two imply; data is
little-endian. The repository's table for EM300-MLD prints the leak channel as 06 00; its own example and the
guide say 05 00, and so do devices.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from treaty import Decoded, DecodeError, PropertyValue, Reading, Uplink

__all__ = ["decode"]

Read: TypeAlias = Callable[[tuple[Any, ...], dict[str, float], dict[str, PropertyValue]], None]

_CLASSES: Final = ("A", "B", "C", "C to B")
_LEAKAGE: Final = ("normal", "leak")
_HISTORY: Final = b"\x20\xce"
_RECORD: Final = struct.Struct("<IhBB")
_MODELS: Final = ("milesight-iot/em300-th", "milesight-iot/em300-mld")


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


def _leakage(value: int) -> PropertyValue:
    return _LEAKAGE[value] if value < 2 else "unknown"


def _layout(form: str) -> struct.Struct:
    return struct.Struct("<" + form)


_CHANNELS: Final[dict[bytes, tuple[struct.Struct, Read]]] = {
    b"\x01\x75": (_layout("B"), _measure("battery_level")),
    b"\x03\x67": (_layout("h"), _measure("air_temperature", 10)),
    b"\x04\x68": (_layout("B"), _measure("air_humidity", 2)),
    b"\x05\x00": (_layout("B"), _tell("leakage_status", _leakage)),
    b"\xff\x01": (_layout("B"), _tell("protocol_version", lambda v: f"v{v >> 4}.{v & 15}")),
    b"\xff\x09": (_layout("2s"), _tell("hardware_version", lambda v: f"v{v[0]:x}.{v[1] >> 4:x}")),
    b"\xff\x0a": (_layout("2s"), _tell("firmware_version", lambda v: f"v{v[0]:x}.{v[1]:x}")),
    b"\xff\x0b": (_layout("B"), _tell("power", lambda _: "on")),
    b"\xff\x0f": (_layout("B"), _tell("lorawan_class", lambda v: _CLASSES[v] if v < 4 else "unknown")),
    b"\xff\x16": (_layout("8s"), _tell("serial_number", lambda v: v.hex().upper())),
    b"\xff\xfe": (_layout("B"), _pass),
    b"\xff\xff": (_layout("2s"), _pass),
}


def _recorded(model: str, data: tuple[Any, ...]) -> Reading:
    """One record of the device's memory: EM300-MLD fills only the last byte, EM300-TH all but that."""
    seconds, temperature, humidity, leakage = data
    at = datetime.fromtimestamp(seconds, UTC)
    if model == "milesight-iot/em300-mld":
        return Reading(properties={"leakage_status": _leakage(leakage)}, observed_at=at)
    return Reading({"air_temperature": temperature / 10, "air_humidity": humidity / 2}, observed_at=at)


def decode(uplink: Uplink) -> Decoded:
    """A reading of what is measured now, then one of each record from the device's memory.

    Raises DecodeError where nothing can be read, or a channel is cut short. The form has no lengths of its
    own, so that nothing can be read beyond an unknown channel: what follows is given, in hex, as the property
    `undecoded`.
    """
    payload = uplink.payload
    if uplink.model not in _MODELS:
        raise DecodeError(f"model {uplink.model!r} is none of {', '.join(_MODELS)}")
    measurements: dict[str, float] = {}
    properties: dict[str, PropertyValue] = {}
    records: Decoded = []
    at = 0
    while at < len(payload):
        channel = payload[at : at + 2]
        known = _CHANNELS.get(channel)
        layout = known[0] if known else _RECORD
        if known is None and channel != _HISTORY:
            if not at:
                raise DecodeError(f"channel {channel.hex(' ')} is unknown: {payload[:24].hex()}")
            properties["undecoded"] = payload[at:].hex()
            break
        try:
            data = layout.unpack_from(payload, at + 2)
        except struct.error:
            raise DecodeError(
                f"channel {channel.hex(' ')} at byte {at} needs {layout.size} bytes of data,"
                f" {len(payload) - at - 2} follow"
            ) from None
        if known:
            known[1](data, measurements, properties)
        else:
            records.append(_recorded(uplink.model, data))
        at += 2 + layout.size
    if not at:
        raise DecodeError("the payload is empty")
    if measurements or properties or not records:
        return [Reading(measurements, properties), *records]
    return records
