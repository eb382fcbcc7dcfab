"""What a contract declares of a codec's values, from the kinds of value they were seen to have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from treaty_cli.lorawan.quantities import known_measurement

__all__ = ["MOST_VALUES", "emits_of"]

MOST_VALUES = 2_000
_PLACE = ("latitude", "longitude", "altitude")
_KIND = {"n": "number", "s": "string", "d": "string", "ds": "string", "b": "boolean"}


def emits_of(kinds: Mapping[str, str], numbers: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """The contract's `emits`. `kinds` maps a name to what it was seen as (n number, s text, d text of a
    decimal number, b boolean), `numbers` to its values in the examples.

    A name that tells quantity and unit is a measurement in that unit. A number without is a property, unless
    the same name also holds texts or booleans: then it is an `index`, and those are `<name>_text` and
    `<name>_flag`.
    """
    measurements: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for name in sorted(kinds):
        seen = kinds[name]
        known = known_measurement(name, numbers.get(name, ())) if set(seen) & {"n", "d"} else None
        if known is None and seen in _KIND:
            properties[name] = {"type": _KIND[seen]}
            continue
        quantity, unit = known or ("index", "1")
        measurements[name] = {"quantity": quantity, "unit": unit}
        if "s" in seen:
            properties[f"{name}_text"] = {"type": "string"}
        if "b" in seen:
            properties[f"{name}_flag"] = {"type": "boolean"}
    placed = all("n" in kinds.get(name, "") for name in _PLACE[:2])
    return {"measurements": measurements, "properties": properties, "position": placed}
