"""Decentlab LoRaWAN sensors, payload protocol version 2.

Source: Decentlab, DL-IAM datasheet and DL-PM datasheet (catalog.decentlab.com), each its section on the
payload and the conversion table in it. A payload is a version byte (2), the device's serial number (uint16),
flags (uint16) and then, for each sensor whose flag is set, from bit 0 up, its words (uint16), everything
big-endian. Which sensor a flag stands for is told by the model, not by the payload.
"""

from __future__ import annotations

import struct
from typing import Final, TypeAlias

from treaty import Decoded, DecodeError, Reading, Uplink

__all__ = ["decode"]

# measurement name, position of its word in the sensor, factor, offset: value = word * factor + offset
Linear: TypeAlias = tuple[str, int, float, float]
Plan: TypeAlias = tuple[struct.Struct, tuple[Linear, ...], int | None, int | None]

_HEADER: Final = struct.Struct(">BHH")
_VERSION: Final = 2
_LIGHT: Final = "light"
_CO2: Final = "co2"

# sensor in order of its flag: number of words, measurements that are linear, and what is not
_BATTERY: Final = (1, (("battery_voltage", 0, 1 / 1000, 0.0),), None)
_SHT3X: Final = (2, (("air_temperature", 0, 175 / 65535, -45.0), ("air_humidity", 1, 100 / 65535, 0.0)), None)
_SHT21: Final = (
    2,
    (("air_temperature", 0, 175.72 / 65536, -46.85), ("air_humidity", 1, 125 / 65536, -6.0)),
    None,
)
_BAROMETER: Final = (1, (("barometric_pressure", 0, 2.0, 0.0),), None)
_MODELS: Final[dict[str, tuple[tuple[int, tuple[Linear, ...], str | None], ...]]] = {
    "decentlab/dl-iam": (
        _BATTERY,
        _SHT3X,
        _BAROMETER,
        (
            2,
            (("ambient_light_visible_infrared", 0, 1.0, 0.0), ("ambient_light_infrared", 1, 1.0, 0.0)),
            _LIGHT,
        ),
        (3, (("co2_concentration", 0, 1.0, -32768.0), ("raw_ir_reading", 2, 1.0, 0.0)), _CO2),
        (1, (("activity_counter", 0, 1.0, 0.0),), None),
        (1, (("total_voc", 0, 1.0, 0.0),), None),
    ),
    "decentlab/dl-pm": (
        _BATTERY,
        (
            10,
            (
                ("pm1_0_mass_concentration", 0, 0.1, 0.0),
                ("pm2_5_mass_concentration", 1, 0.1, 0.0),
                ("pm4_mass_concentration", 2, 0.1, 0.0),
                ("pm10_mass_concentration", 3, 0.1, 0.0),
                ("typical_particle_size", 4, 1.0, 0.0),
                ("pm0_5_number_concentration", 5, 0.1, 0.0),
                ("pm1_0_number_concentration", 6, 0.1, 0.0),
                ("pm2_5_number_concentration", 7, 0.1, 0.0),
                ("pm4_number_concentration", 8, 0.1, 0.0),
                ("pm10_number_concentration", 9, 0.1, 0.0),
            ),
            None,
        ),
        _SHT21,
        _BAROMETER,
    ),
}


def _plan(model: str, flags: int) -> Plan:
    """How to read the words of the sensors that these flags name."""
    words = 0
    linear: list[Linear] = []
    special: dict[str, int] = {}
    for bit, (count, measurements, more) in enumerate(_MODELS[model]):
        if flags >> bit & 1:
            linear += ((name, words + word, factor, offset) for name, word, factor, offset in measurements)
            if more is not None:
                special[more] = words
            words += count
    return struct.Struct(f">{words}H"), tuple(linear), special.get(_LIGHT), special.get(_CO2)


_PLANS: Final = {
    (model, flags): _plan(model, flags)
    for model, sensors in _MODELS.items()
    for flags in range(1 << len(sensors))
}


def _stranger(model: str, flags: int) -> DecodeError:
    if model not in _MODELS:
        return DecodeError(f"model {model!r} is none of {', '.join(_MODELS)}")
    return DecodeError(
        f"flags {flags:#06x} name sensor {flags.bit_length() - 1}, but {model} ends at sensor"
        f" {len(_MODELS[model]) - 1}: is the device of another model?"
    )


def _illuminance(visible_infrared: int, infrared: int) -> float:
    """In lux, of the two channels of the light sensor; DL-IAM datasheet, conversion table."""
    first = visible_infrared - 1.64 * infrared
    second = 0.59 * visible_infrared - 0.86 * infrared
    return max(first, second, 0.0) * 1.5504


def decode(uplink: Uplink) -> Decoded:
    """One reading of every sensor the flags name. DecodeError where version, flags or length do not fit."""
    payload = uplink.payload
    if len(payload) < _HEADER.size:
        raise DecodeError(f"a payload has 5 bytes of header, this one has {len(payload)}: {payload.hex()}")
    version, _, flags = _HEADER.unpack_from(payload)
    if version != _VERSION:
        raise DecodeError(f"protocol version {version}, expected {_VERSION}: {payload[:16].hex()}")
    plan = _PLANS.get((uplink.model, flags))
    if plan is None:
        raise _stranger(uplink.model, flags)
    layout, linear, light, co2 = plan
    if len(payload) != 5 + layout.size:
        raise DecodeError(
            f"flags {flags:#06x} of {uplink.model} call for {5 + layout.size} bytes, not {len(payload)}"
        )
    words = layout.unpack_from(payload, 5)
    measurements = {name: words[word] * factor + offset for name, word, factor, offset in linear}
    if light is not None:
        measurements["illuminance"] = _illuminance(words[light], words[light + 1])
    if co2 is None:
        return [Reading(measurements)]
    return [Reading(measurements, {"co2_sensor_status": words[co2 + 1]})]
