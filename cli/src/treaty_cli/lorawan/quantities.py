"""Which names of values tell a quantity and its unit. A name that leaves either open is none of these.

Where a name holds no unit, the convention is that of the device repository's normalized payload: temperature
in degrees Celsius, relative humidity in per cent, carbon dioxide in parts per million. A name that holds a
unit is taken at its word.
"""

from __future__ import annotations

from collections.abc import Sequence

from treaty.quantities import CATALOGUE, conversion

__all__ = ["known_measurement"]

_NO_VALUE = frozenset(
    {
        "alarm",
        "alert",
        "status",
        "state",
        "enable",
        "enabled",
        "flag",
        "flags",
        "unit",
        "units",
        "mode",
        "type",
        "id",
        "count",
        "counter",
        "error",
        "event",
        "raw",
        "code",
        "version",
        "index",
        "rate",
        "interval",
        "period",
        "change",
        "delta",
        "diff",
        "calibration",
        "offset",
        "threshold",
        "limit",
        "trend",
        "trigger",
        "correction",
        "time",
        "timestamp",
        "setpoint",
        "set",
        "hysteresis",
        "source",
        "channel",
        "function",
        "res",
        "resolution",
    }
)
_FAHRENHEIT = frozenset({"f", "fahrenheit"})
_TEMPERATURE = frozenset({"temperature", "temp", "tempc"})
_HUMIDITY = frozenset({"humidity", "hum", "rh"})
_GROUND = frozenset({"soil", "ground", "moisture"})
_BATTERY = frozenset({"battery", "bat", "batt", "vbat"})
_PERCENT = frozenset({"percent", "percentage", "pct", "perc"})
_SUFFIXES = {
    "mv": ("voltage", "mV"),
    "kwh": ("energy", "kW.h"),
    "wh": ("energy", "W.h"),
    "hpa": ("pressure", "hPa"),
    "kpa": ("pressure", "kPa"),
    "mbar": ("pressure", "mbar"),
    "lux": ("illuminance", "lx"),
    "ppm": ("gas_fraction", "[ppm]"),
    "ma": ("current", "mA"),
    "mah": ("charge", "mA.h"),
}


def known_measurement(name: str, values: Sequence[float]) -> tuple[str, str] | None:
    """(quantity, UCUM unit) of an emitted name, or None. `values` are the examples' and can only disprove."""
    found = _named(name.split("_"), values)
    if found is None:
        return None
    quantity, unit = found
    converted = conversion(quantity, unit)
    bounds = CATALOGUE[quantity]
    if any(not bounds.low <= converted(value) <= bounds.high for value in values):
        return None
    return found


def _named(words: list[str], values: Sequence[float]) -> tuple[str, str] | None:
    held = set(words)
    if held & _NO_VALUE:
        return None
    joined = "_".join(words)
    if held & _BATTERY:
        return _battery(held, joined)
    if held & _TEMPERATURE:
        return ("temperature", "[degF]" if held & _FAHRENHEIT else "Cel")
    if held & _HUMIDITY:
        return ("water_content" if held & _GROUND else "relative_humidity", "%")
    if joined in {"co_2", "carbon_dioxide", "co_2_ppm", "co_2_concentration"}:
        return ("carbon_dioxide", "[ppm]")
    if joined in {"illuminance", "illumination", "lux", "light_lux", "luminosity_lux"}:
        return ("illuminance", "lx")
    if joined in {"pm_2_5", "pm_10", "pm_1_0", "pm_1", "pm_25"}:
        return ("mass_concentration", "ug/m3")
    if held & {"pressure", "barometer", "barometric"} and not held & {
        "kpa",
        "hpa",
        "mbar",
        "bar",
        "pa",
        "mpa",
    }:
        return _pressure(values)
    return _SUFFIXES.get(words[-1])


def _battery(held: set[str], joined: str) -> tuple[str, str] | None:
    if held & {"level", *_PERCENT}:
        return ("battery_level", "%")
    if "mv" in held:
        return ("battery_voltage", "mV")
    if held & {"voltage", "volt", "volts", "v"} or joined == "vbat":
        return ("battery_voltage", "V")
    return None


def _pressure(values: Sequence[float]) -> tuple[str, str] | None:
    """Of the atmosphere, when the examples leave one unit only."""
    if values and all(300 <= value <= 1150 for value in values):
        return ("barometric_pressure", "hPa")
    if values and all(30_000 <= value <= 115_000 for value in values):
        return ("barometric_pressure", "Pa")
    return None
