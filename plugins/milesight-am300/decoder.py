"""Milesight AM300 series ambience sensors: AM307 and AM308.

Source: Milesight, AM300 Series User Guide, section "Device Payload" (uplink and historical data), and the
payload definitions in the vendor's SensorDecoders repository (am-series/am307/README.md and am308). A payload
is a sequence of channel (1 byte), type (1 byte) and data of the length that the two imply; data is
little-endian, that of the history channels included.
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
_PIR: Final = ("idle", "trigger")
_IAQ: Final = ("total_voc_index", 100)
_MASS: Final = ("total_voc_mass_concentration", 1)
_HISTORY_IAQ: Final = b"\x20\xce"
_HISTORY_MASS: Final = b"\x21\xce"


def _measure(name: str, divisor: int = 1) -> Read:
    def read(data: tuple[Any, ...], measurements: dict[str, float], _: dict[str, PropertyValue]) -> None:
        measurements[name] = data[0] / divisor

    return read


def _tell(name: str, say: Callable[[Any], PropertyValue]) -> Read:
    def read(data: tuple[Any, ...], _: dict[str, float], properties: dict[str, PropertyValue]) -> None:
        properties[name] = say(data[0])

    return read


def _pass(_: tuple[Any, ...], __: dict[str, float], ___: dict[str, PropertyValue]) -> None:
    """Known, and nothing to tell: a sensor that this model has not, or a fact without use."""


def _pir(value: int) -> PropertyValue:
    return _PIR[value] if value < 2 else "unknown"


def _layout(form: str) -> struct.Struct:
    return struct.Struct("<" + form)


_SERIES: Final[dict[bytes, tuple[struct.Struct, Read]]] = {
    b"\x01\x75": (_layout("B"), _measure("battery_level")),
    b"\x03\x67": (_layout("h"), _measure("air_temperature", 10)),
    b"\x04\x68": (_layout("B"), _measure("air_humidity", 2)),
    b"\x05\x00": (_layout("B"), _tell("pir", _pir)),
    b"\x06\xcb": (_layout("B"), _tell("light_level", int)),
    b"\x07\x7d": (_layout("H"), _measure("co2_concentration")),
    b"\x08\x7d": (_layout("H"), _measure(*_IAQ)),
    b"\x08\xe6": (_layout("H"), _measure(*_MASS)),
    b"\x09\x73": (_layout("H"), _measure("barometric_pressure", 10)),
    b"\x0a\x7d": (_layout("H"), _pass),
    b"\x0b\x7d": (_layout("H"), _pass),
    b"\x0c\x7d": (_layout("H"), _pass),
    b"\x0d\x7d": (_layout("H"), _pass),
    b"\x0e\x01": (_layout("B"), _tell("beep", lambda v: "yes" if v == 1 else "no")),
    b"\xff\x01": (_layout("B"), _tell("protocol_version", lambda v: f"v{v >> 4}.{v & 15}")),
    b"\xff\x09": (_layout("2s"), _tell("hardware_version", lambda v: f"v{v[0]:x}.{v[1] >> 4:x}")),
    b"\xff\x0a": (_layout("2s"), _tell("firmware_version", lambda v: f"v{v[0]:x}.{v[1]:x}")),
    b"\xff\x0b": (_layout("B"), _tell("power", lambda _: "on")),
    b"\xff\x0f": (_layout("B"), _tell("lorawan_class", lambda v: _CLASSES[v] if v < 4 else "unknown")),
    b"\xff\x16": (_layout("8s"), _tell("serial_number", lambda v: v.hex().upper())),
    b"\xff\xfe": (_layout("B"), _pass),
    b"\xff\xff": (_layout("2s"), _pass),
}
# model: its channels, and the layout of a history record (both tVOC forms share it)
_MODELS: Final = {
    "milesight-iot/am307": (_SERIES, _layout("IhHBBHHH")),
    "milesight-iot/am308": (
        {
            **_SERIES,
            b"\x0b\x7d": (_layout("H"), _measure("pm2_5_mass_concentration")),
            b"\x0c\x7d": (_layout("H"), _measure("pm10_mass_concentration")),
        },
        _layout("IhHBBHHHHH"),
    ),
}


def _recorded(data: tuple[Any, ...], voc: tuple[str, int]) -> Reading:
    """One record of the device's memory, which carries its own time (seconds since 1970-01-01 UTC)."""
    name, divisor = voc
    measurements = {
        "air_temperature": data[1] / 10,
        "air_humidity": data[2] / 2,
        "co2_concentration": data[5],
        name: data[6] / divisor,
        "barometric_pressure": data[7] / 10,
    }
    if len(data) > 8:
        measurements["pm2_5_mass_concentration"], measurements["pm10_mass_concentration"] = data[8:]
    return Reading(
        measurements,
        {"pir": _pir(data[3]), "light_level": data[4]},
        observed_at=datetime.fromtimestamp(data[0], UTC),
    )


def decode(uplink: Uplink) -> Decoded:
    """A reading of what is measured now, then one of each record from the device's memory.

    Raises DecodeError where nothing can be read, or a channel is cut short. The form has no lengths of its
    own, so that nothing can be read beyond an unknown channel: what follows is given, in hex, as the property
    `undecoded`.
    """
    payload = uplink.payload
    model = _MODELS.get(uplink.model)
    if model is None:
        raise DecodeError(f"model {uplink.model!r} is none of {', '.join(_MODELS)}")
    channels, history = model
    measurements: dict[str, float] = {}
    properties: dict[str, PropertyValue] = {}
    records: Decoded = []
    at = 0
    while at < len(payload):
        channel = payload[at : at + 2]
        known = channels.get(channel)
        layout = known[0] if known else history
        if known is None and channel not in (_HISTORY_IAQ, _HISTORY_MASS):
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
            records.append(_recorded(data, _IAQ if channel == _HISTORY_IAQ else _MASS))
        at += 2 + layout.size
    if not at:
        raise DecodeError("the payload is empty")
    if measurements or properties or not records:
        return [Reading(measurements, properties), *records]
    return records
