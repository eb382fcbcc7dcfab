"""The worker as it is deployed, its child and its broker, killed under load: the crash benchmark in small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.timeout(900)
def test_killed_children_workers_and_brokers_cost_no_uplink_and_repeat_none() -> None:
    command = [sys.executable, str(ROOT / "tests/bench/crash.py"), "--json", "--rounds", "2"]
    ended = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=880)
    told = ended.stdout.splitlines()[-1:]
    assert [line[:1] for line in told] == ["{"], f"{ended.returncode}: {ended.stderr[-3000:]}"
    found = json.loads(told[0])
    figures = found["figures"]
    print(json.dumps(figures))
    assert (figures["lost"], figures["duplicated"], figures["strangers"]) == (0, 0, 0)
    assert figures["kills"] == {"child": 2, "worker": 2, "kafka": 2}
    assert figures["worker_exit_codes"]["-9"] >= 2
    assert figures["outcomes"] > 3 * 200 * 2, "it was under load all the while"
    assert all(bar["holds"] for bar in found["bars"])
    assert ended.returncode == 0
