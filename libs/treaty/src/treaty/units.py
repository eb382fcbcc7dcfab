"""Units of measure by their UCUM case-sensitive codes, and affine conversions between them.

Source: The Unified Code for Units of Measure, version 2.1 (ucum.org/ucum), sections 2 (grammar), 4.2 to
4.5 (units and prefixes). Parentheses are not supported; everything else a sensor's unit needs is:
prefixes on metric atoms, products, quotients, exponents, integer factors and annotations.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Final, TypeAlias

__all__ = ["Conversion", "Dimension", "Unit", "UnitError", "conversion", "unit"]

Dimension: TypeAlias = str
"""Powers of UCUM's base dimensions, "L-1.T-2.M" for a pressure; "1" for a pure number. Logarithmic
scales are dimensions of their own ("dB[SPL]"): they convert to nothing else."""

_BASE: Final = "LTMACQF"
_NUMBER: Final = (0,) * len(_BASE)


class UnitError(ValueError):
    """A unit is no UCUM code known here, or does not convert to the one asked for; the message says which."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A value v of this unit is v * factor + offset of its dimension's base unit (metre, second, gram,
    radian, kelvin, coulomb, candela)."""

    code: str
    dimension: Dimension
    factor: Fraction
    offset: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Conversion:
    """target = source * factor / divisor + offset, precomputed once.

    Both a factor and a divisor, so that what is exact in decimal stays so: 3300 mV are 3.3 V, which no
    product with 0.001 gives.
    """

    factor: float
    divisor: float
    offset: float

    def __call__(self, value: float) -> float:
        """The value in the target unit."""
        return value * self.factor / self.divisor + self.offset

    @property
    def identity(self) -> bool:
        """True where source and target are one unit: nothing need be computed."""
        return self.factor == self.divisor and self.offset == 0.0


_PREFIXES: Final = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
    "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18,
}  # fmt: skip
_PI: Final = Fraction(3.141592653589793)
_AVOGADRO: Final = Fraction(602214076) * 10**15

# code: (powers of L T M A C Q F, factor to the base units)
_METRIC: Final[dict[str, tuple[tuple[int, ...], Fraction]]] = {
    "m": ((1, 0, 0, 0, 0, 0, 0), Fraction(1)),
    "s": ((0, 1, 0, 0, 0, 0, 0), Fraction(1)),
    "g": ((0, 0, 1, 0, 0, 0, 0), Fraction(1)),
    "rad": ((0, 0, 0, 1, 0, 0, 0), Fraction(1)),
    "K": ((0, 0, 0, 0, 1, 0, 0), Fraction(1)),
    "C": ((0, 0, 0, 0, 0, 1, 0), Fraction(1)),
    "cd": ((0, 0, 0, 0, 0, 0, 1), Fraction(1)),
    "mol": (_NUMBER, _AVOGADRO),
    "sr": ((0, 0, 0, 2, 0, 0, 0), Fraction(1)),
    "Hz": ((0, -1, 0, 0, 0, 0, 0), Fraction(1)),
    "Bq": ((0, -1, 0, 0, 0, 0, 0), Fraction(1)),
    "N": ((1, -2, 1, 0, 0, 0, 0), Fraction(1000)),
    "Pa": ((-1, -2, 1, 0, 0, 0, 0), Fraction(1000)),
    "bar": ((-1, -2, 1, 0, 0, 0, 0), Fraction(10**8)),
    "J": ((2, -2, 1, 0, 0, 0, 0), Fraction(1000)),
    "W": ((2, -3, 1, 0, 0, 0, 0), Fraction(1000)),
    "A": ((0, -1, 0, 0, 0, 1, 0), Fraction(1)),
    "V": ((2, -2, 1, 0, 0, -1, 0), Fraction(1000)),
    "F": ((-2, 2, -1, 0, 0, 2, 0), Fraction(1, 1000)),
    "Ohm": ((2, -1, 1, 0, 0, -2, 0), Fraction(1000)),
    "S": ((-2, 1, -1, 0, 0, 2, 0), Fraction(1, 1000)),
    "T": ((0, -1, 1, 0, 0, -1, 0), Fraction(1000)),
    "lm": ((0, 0, 0, 2, 0, 0, 1), Fraction(1)),
    "lx": ((-2, 0, 0, 2, 0, 0, 1), Fraction(1)),
    "Sv": ((2, -2, 0, 0, 0, 0, 0), Fraction(1)),
    "L": ((3, 0, 0, 0, 0, 0, 0), Fraction(1, 1000)),
    "l": ((3, 0, 0, 0, 0, 0, 0), Fraction(1, 1000)),
    "t": ((0, 0, 1, 0, 0, 0, 0), Fraction(10**6)),
    "[g]": ((1, -2, 0, 0, 0, 0, 0), Fraction(980665, 100000)),
}
_PLAIN: Final[dict[str, tuple[tuple[int, ...], Fraction]]] = {
    "10*": (_NUMBER, Fraction(10)),
    "%": (_NUMBER, Fraction(1, 100)),
    "[ppth]": (_NUMBER, Fraction(1, 10**3)),
    "[ppm]": (_NUMBER, Fraction(1, 10**6)),
    "[ppb]": (_NUMBER, Fraction(1, 10**9)),
    "deg": ((0, 0, 0, 1, 0, 0, 0), _PI / 180),
    "min": ((0, 1, 0, 0, 0, 0, 0), Fraction(60)),
    "h": ((0, 1, 0, 0, 0, 0, 0), Fraction(3600)),
    "d": ((0, 1, 0, 0, 0, 0, 0), Fraction(86400)),
    "wk": ((0, 1, 0, 0, 0, 0, 0), Fraction(604800)),
    "a": ((0, 1, 0, 0, 0, 0, 0), Fraction(31557600)),
    "[in_i]": ((1, 0, 0, 0, 0, 0, 0), Fraction(254, 10000)),
    "[ft_i]": ((1, 0, 0, 0, 0, 0, 0), Fraction(3048, 10000)),
    "[mi_i]": ((1, 0, 0, 0, 0, 0, 0), Fraction(1609344, 1000)),
    "[kn_i]": ((1, -1, 0, 0, 0, 0, 0), Fraction(1852, 3600)),
    "[gal_us]": ((3, 0, 0, 0, 0, 0, 0), Fraction(3785411784, 10**12)),
    "[lb_av]": ((0, 0, 1, 0, 0, 0, 0), Fraction(45359237, 10**5)),
    "[psi]": ((-1, -2, 1, 0, 0, 0, 0), Fraction(45359237 * 980665, 10**10) / Fraction(254, 10**4) ** 2),
    "[in_i'Hg]": ((-1, -2, 1, 0, 0, 0, 0), Fraction(133322387415, 10**6) * Fraction(254, 10**4) * 1000),
}  # fmt: skip
_KELVIN: Final = "C"
# Special units stand alone: a product with one has no meaning.
_SPECIAL: Final[dict[str, tuple[Dimension, Fraction, Fraction]]] = {
    "Cel": (_KELVIN, Fraction(1), Fraction(27315, 100)),
    "[degF]": (_KELVIN, Fraction(5, 9), Fraction(45967, 100) * Fraction(5, 9)),
    "[pH]": ("[pH]", Fraction(1), Fraction(0)),
    "dB": ("dB", Fraction(1), Fraction(0)),
    "dB[SPL]": ("dB[SPL]", Fraction(1), Fraction(0)),
    "dB[mW]": ("dB[mW]", Fraction(1), Fraction(0)),
}
_COMPONENT: Final = re.compile(
    r"(?P<code>10\*|[A-Za-z%]+(?:\[[^\]]*\])?|\[[^\]]*\])?(?P<power>[+-]?\d+)?(?:\{[ -z|~]*\})?"
)
_LONGEST: Final = 40


def _atom(code: str) -> tuple[tuple[int, ...], Fraction] | None:
    if code in _PLAIN:
        return _PLAIN[code]
    if code in _METRIC:
        return _METRIC[code]
    for length in (1, 2):
        prefix, rest = code[:length], code[length:]
        if prefix in _PREFIXES and rest in _METRIC:
            powers, factor = _METRIC[rest]
            return powers, factor * Fraction(10) ** _PREFIXES[prefix]
    return None


def _component(text: str, whole: str) -> tuple[tuple[int, ...], Fraction]:
    found = _COMPONENT.fullmatch(text)
    if found is None or not text:
        raise UnitError(f"unit {whole!r}: {text!r} is not a UCUM component")
    code, power = found["code"], found["power"]
    if code is None:
        if power is not None and int(power) <= 0:
            raise UnitError(f"unit {whole!r}: factor {power} is not a positive integer")
        return _NUMBER, Fraction(int(power)) if power else Fraction(1)
    if code in _SPECIAL:
        raise UnitError(f"unit {whole!r}: {code} has no zero in common with other units and must stand alone")
    atom = _atom(code)
    if atom is None:
        raise UnitError(f"unit {whole!r}: {code!r} is not a UCUM unit known here")
    exponent = 1 if power is None else int(power)
    if not 0 < abs(exponent) < 10 and code != "10*":
        raise UnitError(f"unit {whole!r}: exponent {exponent} is not between 1 and 9")
    if abs(exponent) > 24:
        raise UnitError(f"unit {whole!r}: exponent {exponent} is beyond 24")
    powers, factor = atom
    return tuple(p * exponent for p in powers), factor**exponent


@cache
def unit(code: str) -> Unit:
    """The unit of a UCUM code such as "Cel", "ug/m3" or "kW.h". Raises UnitError saying what is wrong."""
    if not 0 < len(code) <= _LONGEST:
        raise UnitError(f"unit {code[:_LONGEST]!r}: expected a UCUM code of 1 to {_LONGEST} characters")
    special = _SPECIAL.get(code)
    if special is not None:
        return Unit(code, *special)
    powers, factor = _NUMBER, Fraction(1)
    pieces = re.split(r"([./])(?![^{\[]*[}\]])", code)
    if pieces[0] == "" and len(pieces) > 1 and pieces[1] == "/":
        pieces[0] = "1"
    for position in range(0, len(pieces), 2):
        sign = -1 if position and pieces[position - 1] == "/" else 1
        more, by = _component(pieces[position], code)
        powers = tuple(a + sign * b for a, b in zip(powers, more, strict=True))
        factor *= by**sign
    named = (f"{base}{'' if p == 1 else p}" for base, p in zip(_BASE, powers, strict=True) if p)
    return Unit(code, ".".join(named) or "1", factor)


@cache
def conversion(source: str, target: str) -> Conversion:
    """From one unit to another of the same dimension. Raises UnitError naming both dimensions otherwise."""
    here, there = unit(source), unit(target)
    if here.dimension != there.dimension:
        raise UnitError(
            f"unit {source!r} (dimension {here.dimension}) does not convert to {target!r} ({there.dimension})"
        )
    ratio, zero = here.factor / there.factor, (here.offset - there.offset) / there.factor
    try:
        return Conversion(float(ratio.numerator), float(ratio.denominator), float(zero))
    except OverflowError:
        raise UnitError(f"unit {source!r} is too far from {target!r} in size") from None
