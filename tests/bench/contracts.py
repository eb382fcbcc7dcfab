"""How fast plugins are judged, warm and cold, and the corpus's verdicts beside ImportSpy 0.5.0's.

Progress goes to standard error; the last line of standard output is one JSON object with figures and bars.
ImportSpy is installed from PyPI into an environment of its own under .treaty/, and asked in a process of
its own: `AdmissionEngine().check` on the same files, with its own contract form beside them.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from treaty_contracts import Engine
from treaty_contracts.probe.channel import close_templates

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "contract" / "corpus"
IMPORTSPY = "importspy==0.5.0"
WARM_BAR_MS, COLD_BAR_MS = 0.5, 60.0
WARM_ROUNDS, COLD_ROUNDS = 400, 15

THEIRS = """
import json, sys, time
from pathlib import Path
from importspy.domain import AdmissionRequest
from importspy.engine import AdmissionEngine
verdicts, cold, warm = {}, [], []
for line in sys.stdin:
    case = Path(line.strip())
    request = AdmissionRequest(subject=case / "input/plugin.py", contract=case / "spymodel.yml")
    try:
        started = time.perf_counter()
        engine = AdmissionEngine()
        verdicts[str(case)] = engine.check(request).admitted
        cold.append(time.perf_counter() - started)
        started = time.perf_counter()
        engine.check(request)
        warm.append(time.perf_counter() - started)
    except Exception as error:
        verdicts[str(case)] = f"{type(error).__name__}"
print(json.dumps({"verdicts": verdicts, "cold": cold, "warm": warm}))
"""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def importspy_python() -> Path:
    """The interpreter of ImportSpy's own environment, made on first use."""
    home = ROOT / ".treaty" / "bench" / "importspy"
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        say(f"installing {IMPORTSPY} into an environment of its own")
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", IMPORTSPY], check=True, stdout=sys.stderr)
        (home / "ready").touch()
    return python


def ten_vectors(folder: Path) -> Path:
    """The corpus's honest decoder with ten vectors."""
    package = folder / "thermometer"
    shutil.copytree(CORPUS / "honest" / "decoder_with_vectors" / "input", package)
    cases = [
        {
            "name": f"{tenths / 10} degrees",
            "model": "corpus/one",
            "f_port": 1,
            "payload": (tenths.to_bytes(2, "big", signed=True) + (3600).to_bytes(2, "big") + b"\x01").hex(),
            "expected": {
                "readings": [
                    {
                        "measurements": {"temperature": tenths / 10, "battery": 3600},
                        "properties": {"door": "open"},
                    }
                ]
            },
        }
        for tenths in range(-200, 200, 40)
    ]
    (package / "vectors" / "golden.json").write_text(json.dumps({"cases": cases}))
    return package


def timed(work: Any, rounds: int) -> list[float]:
    """Milliseconds of each round."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def seconds_of_processor() -> float:
    """What this process and every interpreter it has started took so far, forked children included."""
    pids = {os.getpid()}
    tick = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for stat in sorted(Path("/proc").glob("[0-9]*/stat"), key=lambda path: int(path.parent.name)):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) in pids or int(fields[1]) in pids:
            pids.add(int(stat.parent.name))
            total += sum(int(field) for field in fields[11:15]) / tick
    return total


def processor(work: Any, rounds: int) -> float:
    """Milliseconds of processor time a round, judge, template and children together."""
    started = seconds_of_processor()
    for _ in range(rounds):
        work()
    return (seconds_of_processor() - started) * 1000 / rounds


def measure(package: Path) -> dict[str, float]:
    """Medians and 95th percentiles of one package."""
    first = timed(lambda: Engine().check(package), 1)[0]
    cold = timed(lambda: Engine().check(package), COLD_ROUNDS)
    cold_cpu = processor(lambda: Engine().check(package), COLD_ROUNDS)
    engine = Engine()
    engine.check(package)
    warm = timed(lambda: engine.check(package), WARM_ROUNDS)
    close_templates()
    started = timed(lambda: (close_templates(), Engine().check(package)), 5)
    return {
        "warm_ms": round(statistics.median(warm), 4),
        "warm_p95_ms": round(statistics.quantiles(warm, n=20)[18], 4),
        "cold_ms": round(statistics.median(cold), 2),
        "cold_cpu_ms": round(cold_cpu, 1),
        "cold_p95_ms": round(statistics.quantiles(cold, n=20)[18], 2),
        "first_in_process_ms": round(first, 1),
        "cold_with_new_interpreters_ms": round(statistics.median(started), 1),
    }


def cases() -> list[Path]:
    return sorted(path for kind in ("hostile", "honest") for path in (CORPUS / kind).iterdir())


def ours() -> dict[str, bool]:
    engine = Engine()
    return {str(case): engine.check(case / "input").admitted_here for case in cases()}


def theirs() -> dict[str, Any]:
    given = "".join(f"{case}\n" for case in cases())
    ran = subprocess.run(
        [importspy_python(), "-c", THEIRS], input=given, capture_output=True, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return answer


def table(mine: dict[str, bool], other: dict[str, Any]) -> dict[str, int]:
    """Both verdicts of every case, and how many are wrong."""
    wrong = {
        "admitted_hostile": 0,
        "refused_honest": 0,
        "importspy_admitted_hostile": 0,
        "importspy_refused_honest": 0,
    }
    say(f"{'case':60} {'treaty':10} importspy")
    for case in cases():
        name = f"{case.parent.name}/{case.name}"
        honest = case.parent.name == "honest"
        words = [
            value if isinstance(value, str) else "admits" if value else "refuses"
            for value in (mine[str(case)], other[str(case)])
        ]
        marks = [word if (word == "admits") == honest else f"{word} !" for word in words]
        say(f"{name:60} {marks[0]:10} {marks[1]}")
        for prefix, verdict in (("", mine[str(case)]), ("importspy_", other[str(case)])):
            if (verdict is True) != honest:
                wrong[prefix + ("refused_honest" if honest else "admitted_hostile")] += 1
    say("! is a wrong verdict")
    return wrong


def main() -> None:
    with TemporaryDirectory() as folder:
        say("judging a decoder with ten vectors")
        figures: dict[str, Any] = {"ten_vectors": measure(ten_vectors(Path(folder)))}
    for plugin in sorted(path.parent for path in (ROOT / "plugins").glob("*/contract.yaml")):
        say(f"judging {plugin.name}")
        figures[plugin.name] = measure(plugin)
    say("judging the corpus")
    mine = ours()
    say("judging the corpus with ImportSpy")
    answer = theirs()
    wrong = table(mine, answer["verdicts"])
    figures["load"] = [round(value, 1) for value in os.getloadavg()]
    figures["corpus"] = {
        "hostile": sum(case.parent.name == "hostile" for case in cases()),
        "honest": sum(case.parent.name == "honest" for case in cases()),
        **wrong,
    }
    figures["importspy"] = {
        "version": IMPORTSPY.split("==")[1],
        "cold_ms": round(statistics.median(answer["cold"]) * 1000, 3),
        "warm_ms": round(statistics.median(answer["warm"]) * 1000, 3),
        "note": "static only: it runs nothing and reproduces no vectors",
    }
    decoder = figures["ten_vectors"]
    bars = [
        (
            "warm verdict, files re-hashed, median",
            decoder["warm_ms"],
            "ms",
            f"< {WARM_BAR_MS}",
            decoder["warm_ms"] < WARM_BAR_MS,
        ),
        (
            "cold verdict, fresh engine and child, median",
            decoder["cold_ms"],
            "ms",
            f"< {COLD_BAR_MS:g}",
            decoder["cold_ms"] < COLD_BAR_MS,
        ),
        (
            "hostile plugins admitted",
            wrong["admitted_hostile"],
            "plugins",
            "0",
            wrong["admitted_hostile"] == 0,
        ),
        ("honest plugins refused", wrong["refused_honest"], "plugins", "0", wrong["refused_honest"] == 0),
    ]
    keys = ("what", "value", "unit", "bar", "holds")
    print(json.dumps({"figures": figures, "bars": [dict(zip(keys, bar, strict=True)) for bar in bars]}))


if __name__ == "__main__":
    main()
