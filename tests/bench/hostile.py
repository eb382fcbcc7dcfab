"""How much of its rate a plugin keeps while another in the same worker is hostile, a case of harm each.

A worker drains a backlog of real Decentlab uplinks, alone and beside each hostile plugin of
tests/integration/normalization/hostile, whose own backlog is half harm and outlasts the run. Interleaved
rounds; a case's figure is the median of its rates against the median of those without a neighbour. Progress
goes to standard error; the last line of standard output is one JSON object with figures and bars.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from _plugins.stage import Stage, Worker, broker, say, until

from treaty_contracts.specimen import write_specimen

ROOT = Path(__file__).parents[2]
CASES = sorted(
    path.parent for path in (ROOT / "tests/integration/normalization/hostile").glob("*/decoder.py")
)
HONEST, ALONE = "decentlab", "alone"
BAR = 0.9
HARM = 20_000
PATIENCE_S = 60.0


def real_uplinks(count: int) -> tuple[str, list[tuple[bytes, int | None]]]:
    """A model, and payloads of it with their ports, again and again."""
    cases = json.loads((ROOT / "plugins/decentlab/vectors/golden.json").read_text())["cases"]
    good = [case for case in cases if "readings" in case["expected"]]
    model = good[0]["model"]
    of_it = [(bytes.fromhex(case["payload"]), case["f_port"]) for case in good if case["model"] == model]
    return model, list(itertools.islice(itertools.cycle(of_it), count))


def furnish(stage: Stage, cases: list[Path], uplinks: int) -> dict[str, str]:
    """The hostile plugins' names by case."""
    shutil.copytree(ROOT / "plugins" / HONEST, stage.folder / HONEST)
    names = {case.name: case.name.replace("_", "-") for case in cases}
    for case in cases:
        decoder = (case / "decoder.py").read_text()
        write_specimen(stage.folder / names[case.name], decoder=decoder, memory_mib=128)
    stage.decide([HONEST, *names.values()])
    stage.accept(HONEST, *real_uplinks(uplinks))
    for name in names.values():
        stage.accept(name, "acme/one", [(b"!" if number % 2 else b"1", 1) for number in range(HARM)])
    return names


def rate(stage: Stage, neighbour: str | None, uplinks: int) -> float:
    """Honest readings a second, between a tenth and all of the backlog."""
    plugins = HONEST if neighbour is None else f"{HONEST},{neighbour}"
    # Budgets as far away as they go: the neighbour is not to be held for its violations.
    far = {"TREATY_VIOLATIONS": "1000000000", "TREATY_VIOLATION_SHARE": "1"}
    with Worker(stage, plugins=plugins, credulous=True, **far) as worker:

        def read() -> float:
            return worker.metric("treaty_normalization_readings_total", HONEST)

        until(lambda: read() >= uplinks / 10, "the first tenth")
        first, began = read(), time.monotonic()
        try:
            until(lambda: read() >= uplinks, "the backlog", PATIENCE_S)
        except TimeoutError as error:
            # A rate too, and the other cases' are wanted all the same.
            say(f"beside {neighbour}: {error}")
        return (read() - first) / (time.monotonic() - began)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--uplinks", type=int, default=60_000)
    arguments.add_argument("--case", action="append", help="only these, by folder name")
    told = arguments.parse_args()
    cases = [case for case in CASES if not told.case or case.name in told.case]
    with TemporaryDirectory(prefix="treaty-bench-") as folder, broker(Path(folder) / "kafka") as servers:
        stage = Stage(servers, Path(folder) / "plugins")
        names = furnish(stage, cases, told.uplinks)
        runs: dict[str, list[float]] = {ALONE: [], **{case: [] for case in names}}
        for number in range(told.rounds):
            for run, taken in runs.items():
                taken.append(rate(stage, names.get(run), told.uplinks))
                say(f"round {number + 1}, {run}: {taken[-1]:,.0f} readings/s")
    medians = {run: statistics.median(taken) for run, taken in runs.items()}
    kept = {run: round(medians[run] / medians[ALONE], 3) for run in names}
    figures: dict[str, Any] = {
        "rounds": told.rounds,
        "uplinks": told.uplinks,
        "readings_per_s": {run: round(value) for run, value in medians.items()},
        "kept": kept,
    }
    bars = [
        {"what": f"rate kept beside {case}", "value": value, "bar": f">= {BAR}", "holds": value >= BAR}
        for case, value in kept.items()
    ]
    print(json.dumps({"figures": figures, "bars": bars}))


if __name__ == "__main__":
    main()
