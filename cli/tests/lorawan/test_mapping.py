"""What a contract says of a codec's values follows from their names and from what they were seen to be."""

from __future__ import annotations

import pytest

from treaty_cli.lorawan.definition import plugin_name
from treaty_cli.lorawan.emitting import emits_of
from treaty_cli.lorawan.quantities import known_measurement


@pytest.mark.parametrize(
    ("name", "values", "measurement"),
    [
        ("temperature", [21.5], ("temperature", "Cel")),
        ("temp_c_sht", [], ("temperature", "Cel")),
        ("temperature_f", [70.0], ("temperature", "[degF]")),
        ("humidity", [40.0], ("relative_humidity", "%")),
        ("soil_humidity", [12.0], ("water_content", "%")),
        ("co_2", [612.0], ("carbon_dioxide", "[ppm]")),
        ("bat_v", [3.6], ("battery_voltage", "V")),
        ("battery_mv", [3600.0], ("battery_voltage", "mV")),
        ("battery_percent", [99.0], ("battery_level", "%")),
        ("pressure", [1013.2], ("barometric_pressure", "hPa")),
        ("pressure", [101320.0], ("barometric_pressure", "Pa")),
        ("pressure_kpa", [3.0], ("pressure", "kPa")),
        ("active_energy_kwh", [3.0], ("energy", "kW.h")),
        ("temperature", [2150.0], None),
        ("humidity", [400.0], None),
        ("pressure", [], None),
        ("battery", [3.6], None),
        ("temperature_alarm", [1.0], None),
        ("humidity_threshold", [40.0], None),
        ("x", [1.0], None),
    ],
)
def test_a_measurement_is_what_names_quantity_and_unit(name, values, measurement):
    assert known_measurement(name, values) == measurement


def test_each_kind_of_value_has_its_place():
    kinds = {
        "temp_c_ds": "ds",
        "humidity": "n",
        "count": "n",
        "door": "s",
        "open": "b",
        "level": "bns",
        "serial": "d",
        "latitude": "n",
        "longitude": "n",
    }
    assert emits_of(kinds, {"humidity": [40.0]}) == {
        "measurements": {
            "humidity": {"quantity": "relative_humidity", "unit": "%"},
            "level": {"quantity": "index", "unit": "1"},
            "temp_c_ds": {"quantity": "temperature", "unit": "Cel"},
        },
        "properties": {
            "count": {"type": "number"},
            "door": {"type": "string"},
            "latitude": {"type": "number"},
            "level_flag": {"type": "boolean"},
            "level_text": {"type": "string"},
            "longitude": {"type": "number"},
            "open": {"type": "boolean"},
            "serial": {"type": "string"},
            "temp_c_ds_text": {"type": "string"},
        },
        "position": True,
    }


def test_a_plugin_is_named_after_vendor_and_codec():
    assert plugin_name("elsys", "ers-codec") == "elsys-ers"
    assert plugin_name("1m2m", "tracker") == "lorawan-1m2m-tracker"
    assert plugin_name("acme", "s31b_v1.8") == "acme-s31b-v1-8"
    long = plugin_name("acme", "x" * 90 + "-codec")
    assert len(long) <= 63
    assert long != plugin_name("acme", "x" * 91 + "-codec")
