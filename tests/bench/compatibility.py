"""Schema compatibility on pairs with known verdicts: how many are decided, and whether any wrongly.

Progress goes to standard error; the last line of standard output is one JSON object with figures and bars.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from treaty_contracts.compatibility import Verdict, contains

PAIRS = Path(__file__).parents[1] / "contract" / "compatibility-pairs.yaml"
UNDECIDED_BAR = 5.0


def pairs() -> list[tuple[str, Any, Any, bool]]:
    """(name, reader, writer, whether compatible), both ways round."""
    groups: dict[str, list[dict[str, Any]]] = yaml.safe_load(PAIRS.read_text())
    return [
        (f"{group}/{pair['name']}{'' if right == 'compatible' else ', reversed'}", *schemas, pair[right])
        for group, held in groups.items()
        for pair in held
        for right, schemas in (
            ("compatible", (pair["reader"], pair["writer"])),
            ("reverse", (pair["writer"], pair["reader"])),
        )
    ]


def main() -> None:
    taken, unsound, overstrict, undecided = [], [], [], []
    cases = pairs()
    for name, reader, writer, compatible in cases:
        started = time.process_time()
        verdict = contains(reader, writer).verdict
        taken.append((time.process_time() - started) * 1000)
        if verdict is Verdict.UNDECIDED:
            undecided.append(name)
        elif verdict is Verdict.YES and not compatible:
            unsound.append(name)
        elif verdict is Verdict.NO and compatible:
            overstrict.append(name)
    for what, names in (("unsound", unsound), ("over-strict", overstrict), ("undecided", undecided)):
        for name in names:
            print(f"{what}: {name}", file=sys.stderr)
    rate = round(100 * len(undecided) / len(cases), 2)
    figures = {
        "pairs": len(cases),
        "compatible": sum(compatible for *_, compatible in cases),
        "unsound": unsound,
        "over_strict": overstrict,
        "undecided": undecided,
        "undecided_percent": rate,
        "cpu_ms_median": round(statistics.median(taken), 3),
        "cpu_ms_p95": round(statistics.quantiles(taken, n=20)[18], 3),
    }
    bars = [
        ("pairs called compatible that are not", len(unsound), "pairs", "0", not unsound),
        ("pairs called incompatible that are not", len(overstrict), "pairs", "0", not overstrict),
        ("pairs undecided", rate, "%", f"< {UNDECIDED_BAR:g}", rate < UNDECIDED_BAR),
    ]
    keys = ("what", "value", "unit", "bar", "holds")
    print(json.dumps({"figures": figures, "bars": [dict(zip(keys, bar, strict=True)) for bar in bars]}))


if __name__ == "__main__":
    main()
