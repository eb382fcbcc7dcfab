"""A newly admitted version takes over while uplinks flow."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from itertools import groupby

from treaty_contracts.specimen import SPECIMEN_DECODER
from treaty_events.decisions import PluginState

from .conftest import Worker, until
from .packages import acme_uplink, name_of, write

NEWER = SPECIMEN_DECODER.replace("float(uplink.payload[0])", "float(uplink.payload[0]) + 0.5")


def test_under_load_every_uplink_is_read_once_and_each_partition_switches_once(worker: Worker) -> None:
    name, devices = name_of("acme"), [str(uuid.uuid4()) for _ in range(4)]
    write(worker.folder, name)
    worker.decide(name, PluginState.ADMITTED)
    worker.start()
    until(lambda: worker.ready().get("ready"), "readiness")
    sent: list[str] = []

    def load(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            at = len(sent)
            sent.extend(
                worker.accept(name, [acme_uplink(devices[i % 4], b"\x07", i) for i in range(at, at + 100)])
            )

    load(1)
    write(worker.folder, name, "2.0.0", NEWER)
    load(1)
    assert worker.metric("treaty_normalization_upgrades_total") == 0
    worker.decide(name, PluginState.ADMITTED)
    while worker.metric("treaty_normalization_upgrades_total") == 0:
        load(0.2)
    load(1)

    until(lambda: len(worker.readings(set(devices))) >= len(sent), "every reading")
    readings = worker.readings(set(devices))
    assert Counter(reading.provenance.uplink for reading in readings) == Counter(sent)
    for device in devices:
        told = [reading for reading in readings if reading.device == device]
        assert [key for key, _ in groupby(r.provenance.version for r in told)] == ["1.0.0", "2.0.0"]
        for reading in told:
            value = 7.0 if reading.provenance.version == "1.0.0" else 7.5
            assert [m.value for m in reading.measurements] == [value + 273.15] or [
                m.value for m in reading.measurements
            ] == [value]
    assert worker.stop() == 0


def test_a_version_admitted_before_its_files_are_there_waits_for_them(worker: Worker) -> None:
    name, device = name_of("acme"), str(uuid.uuid4())
    write(worker.folder, name)
    worker.decide(name, PluginState.ADMITTED)
    worker.start()
    until(lambda: worker.ready().get("ready"), "readiness")
    path = write(worker.folder, f"{name}-next", "2.0.0", NEWER)
    (path / "contract.yaml").write_text(
        (path / "contract.yaml").read_text().replace(f"plugin: {name}-next", f"plugin: {name}")
    )
    hidden = path.rename(worker.folder / ".not-there-yet")
    from treaty_contracts import digest

    worker.decide(name, PluginState.ADMITTED, digest(hidden))
    until(lambda: "is admitted, not sha256:" in worker.check(f"plugin {name}"), "the objection")
    worker.accept(name, [acme_uplink(device, b"\x07", 0)])
    hidden.rename(worker.folder / f"{name}-2")
    until(lambda: len(worker.readings({device})) == 1, "the reading, by the version beside the old one")
    assert worker.readings({device})[0].provenance.version == "2.0.0"
