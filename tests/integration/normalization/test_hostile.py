"""Hostile plugins behind admission, a folder a case: each costs its own uplinks, and is told by its code."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from treaty_events.decisions import PluginState
from treaty_events.headers import header

from .conftest import Worker, until
from .packages import acme_uplink, name_of, write

CASES = sorted(path.parent for path in (Path(__file__).parent / "hostile").glob("*/decoder.py"))
PAYLOADS = [b"1", b"2", b"!", b"3", b"!", b"4"]


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_it_costs_its_own_uplinks_and_nobody_else_s(worker: Worker, case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text())
    hostile, honest = name_of(case.name.replace("_", "-")), name_of("honest")
    write(worker.folder, hostile, decoder=(case / "decoder.py").read_text(), memory_mib=128)
    write(worker.folder, honest)
    worker.program = Path(__file__).with_name("credulous.py")
    for name in (hostile, honest):
        worker.decide(name, PluginState.ADMITTED)
    worker.start()
    until(lambda: worker.ready().get("ready"), "readiness")
    harmed, unharmed = str(uuid.uuid4()), str(uuid.uuid4())
    worker.accept(hostile, [acme_uplink(harmed, payload, n) for n, payload in enumerate(PAYLOADS)])
    worker.accept(honest, [acme_uplink(unharmed, b"\x07", n) for n in range(300)])

    until(lambda: len(worker.readings({unharmed})) == 300, "the honest plugin's readings")
    until(lambda: len(worker.readings({harmed})) == 4, "the hostile plugin's own honest readings")
    until(lambda: len(worker.committed("uplink.deadletter.v1", {harmed})) == 2, "the dead letters")
    letters = worker.committed("uplink.deadletter.v1", {harmed})
    for letter in letters:
        assert header(letter.headers, "treaty-reason") == expected["reason"].encode()
        assert expected["detail"].encode() in (header(letter.headers, "treaty-detail") or b"")
        assert header(letter.headers, "treaty-plugin") == hostile.encode()
    assert all(m.value < 100 + 273.15 for r in worker.readings({harmed}) for m in r.measurements)
    until(lambda: expected["reason"] in {report.kind for report in worker.reports(hostile)}, "the report")
    assert worker.ready()["ready"] is True
    assert worker.process is not None
    assert worker.process.poll() is None
