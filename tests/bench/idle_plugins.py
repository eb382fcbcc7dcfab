"""What 600 admitted plugins of which five are in use cost a worker, against five of which all are.

Start: from the process's start to ready. Memory: the worker's, its template's and its children's, once each
plugin in use has made a reading. Medians of interleaved rounds, on a broker each. Progress goes to standard
error; the last line of standard output is one JSON object with figures and bars.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from _plugins.stage import Stage, Worker, broker, say, until

from treaty_contracts.specimen import SPECIMEN_DECODER, write_specimen

USED, MANY = 5, 600
START_BAR, MEMORY_BAR = 1.2, 1.05


def furnish(stage: Stage, count: int) -> list[str]:
    """So many plugins, the first five in use; those five's names."""
    names = [f"acme-{number:03}" for number in range(count)]
    for number, name in enumerate(names):
        write_specimen(stage.folder / name, decoder=f"{SPECIMEN_DECODER}\n\nNUMBER = {number}\n")
    stage.decide(names[USED:], used=False)
    stage.decide(names[:USED])
    for name in names[:USED]:
        stage.accept(name, "acme/one", [(b"\x07", 1)])
    return names[:USED]


def measure(stage: Stage, used: list[str]) -> dict[str, float]:
    with Worker(stage) as worker:
        until(worker.ready, "readiness")
        start = time.monotonic() - worker.began
        until(
            lambda: all(worker.metric("treaty_normalization_readings_total", name) for name in used),
            "a reading of each",
        )
        return {"start_s": start, "memory_mib": worker.memory_mib(), "children": worker.children()}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--rounds", type=int, default=5)
    rounds = arguments.parse_args().rounds
    with TemporaryDirectory(prefix="treaty-bench-") as folder, ExitStack() as stack:
        stages, taken = {}, {}
        for count in (USED, MANY):
            say(f"{count} plugins, {USED} of them in use")
            servers = stack.enter_context(broker(Path(folder) / f"kafka-{count}"))
            stage = Stage(servers, Path(folder) / f"plugins-{count}")
            stages[count], taken[count] = (stage, furnish(stage, count)), []
        for number in range(rounds):
            for count, (stage, used) in stages.items():
                taken[count].append(measure(stage, used))
                say(f"round {number + 1}, {count} plugins: {taken[count][-1]}")
    figures: dict[str, Any] = {
        f"of_{count}": {key: round(statistics.median(one[key] for one in found), 3) for key in found[0]}
        for count, found in taken.items()
    }
    few, many = figures[f"of_{USED}"], figures[f"of_{MANY}"]
    start, memory = many["start_s"] / few["start_s"], many["memory_mib"] / few["memory_mib"]
    figures["start_ratio"], figures["memory_ratio"] = round(start, 3), round(memory, 3)
    bars = [
        ("start with 600 admitted, five in use / five of five", start, f"<= {START_BAR}", start <= START_BAR),
        ("memory, the same", memory, f"<= {MEMORY_BAR}", memory <= MEMORY_BAR),
        ("children with 600 admitted", many["children"], f"{USED}", many["children"] == USED),
    ]
    keys = ("what", "value", "bar", "holds")
    print(json.dumps({"figures": figures, "bars": [dict(zip(keys, bar, strict=True)) for bar in bars]}))


if __name__ == "__main__":
    main()
