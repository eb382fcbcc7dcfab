"""What a worker sees of its plugins at run time, and whom it tells."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

from treaty_contracts.specimen import SPECIMEN_DECODER
from treaty_events.decisions import PluginState

from .conftest import Worker, until
from .packages import acme_uplink, name_of, write

BROKEN = SPECIMEN_DECODER.replace(
    '"air_temperature"', '"undeclared" if uplink.payload == b"x" else "air_temperature"'
)


def test_past_its_budget_a_version_is_reported_and_what_was_in_order_goes_on(worker: Worker) -> None:
    name, device = name_of("acme"), str(uuid.uuid4())
    write(worker.folder, name, decoder=BROKEN)
    worker.environment = {"TREATY_VIOLATIONS": "30", "TREATY_VIOLATION_SHARE": "1"}
    worker.decide(name, PluginState.ADMITTED)
    worker.start()
    until(lambda: worker.ready().get("ready"), "readiness")
    worker.accept(name, [acme_uplink(device, b"x" if n % 2 else b"\x07", n) for n in range(50)])
    until(lambda: len(worker.readings({device})) == 25, "the readings")
    assert "budget_exceeded" not in {report.kind for report in worker.reports(name)}

    worker.accept(name, [acme_uplink(device, b"x", n) for n in range(50, 60)])
    until(lambda: "budget_exceeded" in {r.kind for r in worker.reports(name)}, "the report")
    [told] = [report for report in worker.reports(name) if report.kind == "budget_exceeded"]
    assert (told.plugin_version, told.slot) == ("1.0.0", "0")
    assert "allowed are 30" in told.detail
    until(lambda: len(worker.committed("uplink.deadletter.v1", {device})) == 35, "the dead letters")


def test_the_age_of_a_held_backlog_and_how_long_it_is_kept_are_told_in_seconds(worker: Worker) -> None:
    name, device = name_of("acme"), str(uuid.uuid4())
    write(worker.folder, name)
    worker.decide(name, PluginState.QUARANTINED)
    worker.program = Path(__file__).with_name("impatient.py")
    worker.start()
    until(lambda: worker.ready().get("ready"), "readiness")
    began = time.time()
    worker.accept(name, [acme_uplink(device, b"\x07", n) for n in range(3)])
    age = "treaty_normalization_oldest_waiting_seconds"
    until(lambda: worker.metric(age) > 0, "the backlog's age")
    assert worker.metric(age) <= time.time() - began + 1
    assert worker.metric("treaty_normalization_retention_seconds") == 7 * 86_400

    worker.decide(name, PluginState.ADMITTED)
    until(lambda: len(worker.readings({device})) == 3, "the backlog")
    until(lambda: worker.metric(age) == 0, "the series to end")


def test_a_package_that_is_changed_under_a_worker_is_reported_and_what_was_judged_goes_on(
    worker: Worker,
) -> None:
    name, device = name_of("acme"), str(uuid.uuid4())
    path = write(worker.folder, name)
    worker.environment = {"TREATY_RECHECK_S": "1"}
    worker.decide(name, PluginState.ADMITTED)
    worker.start()
    until(lambda: worker.ready().get("ready"), "readiness")
    (path / "decoder.py").write_text("raise RuntimeError")
    until(lambda: "package_changed" in {r.kind for r in worker.reports(name)}, "the report")
    worker.accept(name, [acme_uplink(device, b"\x07", 0)])
    until(lambda: len(worker.readings({device})) == 1, "a reading of what was judged")
