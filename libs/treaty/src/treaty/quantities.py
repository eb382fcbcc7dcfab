"""The quantity catalogue: what a measurement may be a measurement of.

A contract declares each measurement as a quantity of this catalogue in the vendor's unit; readings carry the
quantity's canonical unit. The plausible range tells a sensor's fault from a value (quality "suspect"): it is
what can be met where such sensors hang, not what is comfortable. A contract may narrow it, never widen it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from treaty.units import Conversion, Dimension, UnitError, unit
from treaty.units import conversion as between

__all__ = ["CATALOGUE", "Quantity", "QuantityError", "UnitError", "conversion", "quantity"]


class QuantityError(ValueError):
    """No quantity has that name; the message offers those that resemble it."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """`unit` is the canonical UCUM code; `low` and `high` bound what is plausible, in that unit."""

    name: str
    unit: str
    low: float
    high: float
    meaning: str

    @property
    def dimension(self) -> Dimension:
        """What its units have in common."""
        return unit(self.unit).dimension


CATALOGUE: Final[dict[str, Quantity]] = {
    entry.name: entry
    for entry in (
        Quantity("temperature", "Cel", -100, 150, "of air, water, soil or a surface"),
        Quantity("process_temperature", "Cel", -273.15, 2500, "in a furnace, a freezer, a process"),
        Quantity("relative_humidity", "%", 0, 100, "of air"),
        Quantity("water_content", "%", 0, 100, "volumetric, of soil or another material"),
        Quantity("barometric_pressure", "Pa", 30000, 115000, "of the atmosphere, absolute"),
        Quantity("pressure", "Pa", -1e5, 1e9, "of a fluid or a gas, gauge or differential"),
        Quantity("illuminance", "lx", 0, 200000, "of visible light"),
        Quantity("irradiance", "W/m2", 0, 2000, "of sunlight"),
        Quantity("photon_flux", "umol/m2/s", 0, 4000, "photosynthetically active"),
        Quantity("carbon_dioxide", "[ppm]", 0, 50000, "fraction by volume"),
        Quantity("gas_fraction", "[ppm]", 0, 1e6, "fraction by volume of a gas the name tells"),
        Quantity("volatile_organics", "[ppb]", 0, 65000, "total volatile organic compounds, by volume"),
        Quantity("mass_concentration", "ug/m3", 0, 10000, "of particles or a gas in air"),
        Quantity("number_concentration", "/cm3", 0, 100000, "of particles in air"),
        Quantity("particle_size", "nm", 0, 100000, "diameter"),
        Quantity("radon_activity", "Bq/m3", 0, 100000, "activity concentration"),
        Quantity("sound_level", "dB[SPL]", 0, 160, "sound pressure, the name tells its weighting"),
        Quantity("voltage", "V", -1e6, 1e6, "of a circuit"),
        Quantity("battery_voltage", "V", 0, 100, "of the device's own supply"),
        Quantity("battery_level", "%", 0, 100, "of the device's own supply"),
        Quantity("current", "A", -1e6, 1e6, "electric"),
        Quantity("charge", "A.h", -1e9, 1e9, "electric, accumulated"),
        Quantity("power", "W", -1e9, 1e9, "electric, active"),
        Quantity("apparent_power", "V.A", 0, 1e9, "electric"),
        Quantity("energy", "kW.h", -1e12, 1e12, "electric or thermal, accumulated"),
        Quantity("power_factor", "1", -1, 1, "electric"),
        Quantity("frequency", "Hz", 0, 1e10, "of a signal"),
        Quantity("resistance", "Ohm", 0, 1e12, "electric"),
        Quantity("conductivity", "uS/cm", 0, 1e6, "electric, of water or soil"),
        Quantity("acidity", "[pH]", 0, 14, "of water or soil"),
        Quantity("distance", "m", 0, 1e6, "to a surface, or a level"),
        Quantity("displacement", "m", -1e6, 1e6, "along an axis"),
        Quantity("angle", "deg", -360, 360, "of direction, tilt or rotation"),
        Quantity("speed", "m/s", 0, 300, "of wind, water or a vehicle"),
        Quantity("acceleration", "m/s2", -2000, 2000, "along an axis"),
        Quantity("precipitation", "mm", 0, 20000, "depth of water, accumulated"),
        Quantity("precipitation_rate", "mm/h", 0, 2000, "depth of water a time"),
        Quantity("volume", "m3", 0, 1e9, "of water or gas, accumulated"),
        Quantity("volume_flow", "m3/h", -1e6, 1e6, "of water or gas"),
        Quantity("mass", "kg", 0, 1e6, "weighed"),
        Quantity("duration", "s", 0, 1e10, "of a state or since an event"),
        Quantity("ratio", "%", -1e6, 1e6, "of two like things the name tells: valve opening, fill level"),
        Quantity("count", "1", 0, 1e15, "of things or pulses"),
        Quantity("index", "1", -1e9, 1e9, "on a vendor's scale the plugin's README explains"),
    )
}


def quantity(name: str) -> Quantity:
    """Raises QuantityError with what resembles the name."""
    found = CATALOGUE.get(name)
    if found is None:
        import difflib  # noqa: PLC0415  only a mistake pays for it

        near = difflib.get_close_matches(name, CATALOGUE, 3, 0.5)
        raise QuantityError(
            f"no quantity {name[:60]!r} in the catalogue" + (f"; near it: {', '.join(near)}" if near else "")
        )
    return found


def conversion(name: str, source: str) -> Conversion:
    """From a vendor's unit to the quantity's canonical one. Raises QuantityError or UnitError."""
    return between(source, quantity(name).unit)
