"""UCUM codes are read as UCUM means them, and conversions keep what was measured."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty.quantities import CATALOGUE, QuantityError, quantity
from treaty.quantities import conversion as to_canonical
from treaty.units import UnitError, conversion, unit

CODES = [
    "Cel", "[degF]", "K", "mK", "Pa", "hPa", "kPa", "mbar", "bar", "[psi]", "[in_i'Hg]", "%", "1",
    "[ppm]", "[ppb]", "lx", "klx", "V", "mV", "A", "mA", "A.h", "mA.h", "C", "W.h", "kW.h", "J",
    "V.A", "W", "m", "mm", "nm", "[ft_i]", "ug/m3", "mg/m3", "/cm3", "/m3", "m/s", "km/h", "[kn_i]",
    "deg", "rad", "s", "min", "d", "uS/cm", "dS/m", "umol/m2/s", "Bq/m3", "L/min", "m3/h", "m/s2",
    "[g]", "dB[SPL]", "[pH]", "10*3/uL", "mm/h", "L", "[gal_us]",
]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (0.0, "Cel", "K", 273.15),
        (212.0, "[degF]", "Cel", 100.0),
        (-40.0, "[degF]", "Cel", -40.0),
        (1013.25, "hPa", "Pa", 101325.0),
        (1013.25, "mbar", "hPa", 1013.25),
        (1.0, "[psi]", "Pa", 6894.757293168361),
        (29.92, "[in_i'Hg]", "hPa", 29.92 * 25.4 * 1.33322387415),
        (1.0, "[ppm]", "[ppb]", 1000.0),
        (50.0, "%", "1", 0.5),
        (3.6, "km/h", "m/s", 1.0),
        (1.0, "[kn_i]", "km/h", 1.852),
        (1.0, "kW.h", "MJ", 3.6),
        (1.0, "mA.h", "C", 3.6),
        (1.0, "A", "C/s", 1.0),
        (1.0, "W", "V.A", 1.0),
        (1.0, "/cm3", "/m3", 1e6),
        (1.0, "dS/m", "uS/cm", 1000.0),
        (180.0, "deg", "rad", math.pi),
        (1.0, "L/min", "m3/h", 0.06),
        (1.0, "10*3/uL", "/m3", 1e12),
        (2.0, "{pulses}", "1", 2.0),
        (1.0, "m.s-2", "m/s2", 1.0),
    ],
)
def test_known_conversions(value: float, source: str, target: str, expected: float) -> None:
    assert conversion(source, target)(value) == pytest.approx(expected, rel=1e-9)


@given(st.sampled_from(CODES), st.sampled_from(CODES), st.floats(-1e6, 1e6))
def test_there_and_back_or_refused(source: str, target: str, value: float) -> None:
    """Two units of one dimension convert both ways and agree; of two dimensions neither way."""
    if unit(source).dimension == unit(target).dimension:
        back = conversion(target, source)(conversion(source, target)(value))
        assert back == pytest.approx(value, rel=1e-9, abs=1e-6)
    else:
        for pair in ((source, target), (target, source)):
            with pytest.raises(UnitError, match="does not convert"):
                conversion(*pair)


@given(st.sampled_from(CODES), st.sampled_from(CODES), st.sampled_from(CODES), st.floats(-1e3, 1e3))
def test_by_way_of_a_third_unit(a: str, b: str, c: str, value: float) -> None:
    if unit(a).dimension == unit(b).dimension == unit(c).dimension:
        by_way = conversion(b, c)(conversion(a, b)(value))
        assert by_way == pytest.approx(
            conversion(a, c)(value), rel=1e-9, abs=1e-9 * abs(conversion(a, c)(1e3))
        )


@given(st.sampled_from(CODES), st.floats(allow_nan=False, allow_infinity=False))
def test_the_same_unit_changes_nothing(code: str, value: float) -> None:
    same = conversion(code, code)
    assert same.identity
    assert same(value) == value


@pytest.mark.parametrize(
    ("value", "source", "target", "exactly"),
    [
        (3300, "mV", "V", 3.3),
        (3350, "mV", "V", 3.35),
        (1008.6, "hPa", "Pa", 100860.0),
        (7, "[ppb]", "[ppm]", 0.007),
    ],
)
def test_what_is_exact_in_decimal_stays_so(value: float, source: str, target: str, exactly: float) -> None:
    assert conversion(source, target)(value) == exactly


def test_units_too_far_apart_are_refused() -> None:
    with pytest.raises(UnitError, match="too far"):
        conversion("Ym9.Ym9", "m9.m9")


@given(st.text(max_size=60))
def test_any_text_is_a_unit_or_a_unit_error(text: str) -> None:
    with contextlib.suppress(UnitError):
        assert unit(text).factor > 0


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("", "1 to 40"),
        ("°C", "not a UCUM component"),
        ("celsius", "'celsius' is not a UCUM unit"),
        ("ppm", "'ppm' is not a UCUM unit"),
        ("Cel/s", "must stand alone"),
        ("m//s", "not a UCUM component"),
        ("m0", "exponent 0"),
        ("kmin", "'kmin' is not a UCUM unit"),
        ("0", "not a positive integer"),
        ("10*99", "beyond 24"),
    ],
)
def test_what_is_wrong_is_said(code: str, told: str) -> None:
    with pytest.raises(UnitError) as caught:
        unit(code)
    assert told in str(caught.value)


def test_the_catalogue_is_in_order() -> None:
    for name, entry in CATALOGUE.items():
        assert entry.name == name
        assert entry.low < entry.high
        assert entry.dimension
        assert entry.meaning


def test_a_vendors_unit_becomes_the_canonical_one() -> None:
    assert to_canonical("barometric_pressure", "hPa")(1008.6) == 100860.0
    with pytest.raises(UnitError, match="does not convert"):
        to_canonical("temperature", "%")


def test_an_unknown_quantity_offers_its_neighbours() -> None:
    with pytest.raises(QuantityError, match="relative_humidity"):
        quantity("relativ_humidity")
