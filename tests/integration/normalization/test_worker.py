"""The worker on a real broker with a shipped plugin, under a name of the test's own."""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from treaty.quantities import conversion, quantity
from treaty_contracts import load
from treaty_events.decisions import PluginState
from treaty_events.headers import header
from treaty_events.uplinks import UplinkAccepted

from .conftest import NOW_MS, Worker, until
from .packages import name_of, write

PLUGINS = Path(__file__).parents[3] / "plugins"
HOSTILE = '''
from treaty import Decoded, Reading, Uplink


def decode(uplink: Uplink) -> Decoded:
    """Hangs on what its own vectors never show it."""
    while uplink.payload == b"hang":
        pass
    return [Reading({"air_temperature": 20.0})]
'''


@pytest.fixture
def decentlab(worker: Worker) -> str:
    """The shipped plugin, renamed, so that no other test's decisions are about it."""
    name = name_of("decentlab")
    shutil.copytree(PLUGINS / "decentlab", worker.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    contract = worker.folder / name / "contract.yaml"
    contract.write_text(re.sub(r"(?m)^plugin: .*$", f"plugin: {name}", contract.read_text()))
    return name


def cases() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((PLUGINS / "decentlab/vectors/golden.json").read_text())["cases"]
    return found


def uplink_of(case: dict[str, Any], device: str, counter: int = 0) -> UplinkAccepted:
    return UplinkAccepted(
        device, "w", "s", "g", case["model"], "chirpstack", "70b3d57ba0000001", NOW_MS + counter,
        bytes.fromhex(case["payload"]), f_port=case["f_port"], counter=counter, dedup_id=str(uuid.uuid4()),
    )  # fmt: skip


def test_nothing_is_read_before_the_digest_is_admitted_and_then_every_vector_is_a_reading(
    worker: Worker, decentlab: str
) -> None:
    worker.topic(decentlab)
    device = {case["name"]: str(uuid.uuid4()) for case in cases()}
    worker.accept(decentlab, [uplink_of(case, device[case["name"]]) for case in cases()])
    worker.decide(decentlab, PluginState.ADMITTED, digest="sha256:" + "0" * 64)
    worker.start()
    check = f"plugin {decentlab}"
    until(
        lambda: "is admitted, not" in worker.ready().get("checks", {}).get(check, ""),
        "the worker's objection",
    )
    assert worker.ready()["ready"] is False
    assert worker.readings(set(device.values())) == []

    worker.decide(decentlab, PluginState.ADMITTED)
    until(lambda: worker.ready().get("ready"), "readiness")
    good = [case for case in cases() if "readings" in case["expected"]]
    wanted = sum(len(case["expected"]["readings"]) for case in good)
    until(lambda: len(worker.readings(set(device.values()))) == wanted, "the readings")
    promised = load(worker.folder / decentlab).emits.measurements
    by_device = {reading.device: reading for reading in worker.readings(set(device.values()))}
    for case in good:
        reading = by_device[device[case["name"]]]
        [expected] = case["expected"]["readings"]
        measured = {m.name: m for m in reading.measurements}
        values = expected.get("measurements", {})
        assert measured.keys() == values.keys()
        for name, value in values.items():
            promise = promised[name]
            canonical = conversion(promise.quantity, promise.unit)(value)
            assert measured[name].value == pytest.approx(canonical, rel=1e-9)
            assert measured[name].unit == quantity(promise.quantity).unit
        assert reading.properties == expected.get("properties", {})
        assert reading.provenance.plugin == decentlab

    broken = {device[case["name"]] for case in cases() if "error" in case["expected"]}
    until(lambda: len(worker.committed("uplink.deadletter.v1", broken)) == len(broken), "the dead letters")
    reasons = {header(r.headers, "treaty-reason") for r in worker.committed("uplink.deadletter.v1", broken)}
    assert reasons <= {b"decode_error"}


def test_a_quarantine_holds_the_backlog_and_a_reinstatement_drains_it_in_order(
    worker: Worker, decentlab: str
) -> None:
    device, case = str(uuid.uuid4()), cases()[0]
    worker.decide(decentlab, PluginState.ADMITTED)
    worker.start()
    until(lambda: worker.ready().get("ready"), "readiness")
    worker.accept(decentlab, [uplink_of(case, device, n) for n in range(10)])
    until(lambda: len(worker.readings({device})) == 10, "the first readings")

    worker.decide(decentlab, PluginState.QUARANTINED)
    until(lambda: worker.metric("treaty_runner_suspended_partitions") == 1, "the partition to be held")
    worker.accept(decentlab, [uplink_of(case, device, n) for n in range(10, 30)])
    worker.kill()
    worker.start()
    until(lambda: worker.ready().get("ready"), "readiness under quarantine")
    until(lambda: worker.metric("treaty_runner_suspended_partitions") == 1, "the partition to be held again")
    assert len(worker.readings({device})) == 10

    worker.decide(decentlab, PluginState.ADMITTED)
    until(lambda: len(worker.readings({device})) == 30, "the backlog")
    received = [reading.received_at for reading in worker.readings({device})]
    assert received == sorted(received)


def test_killed_again_and_again_under_load_it_loses_nothing_and_repeats_nothing(
    worker: Worker, decentlab: str
) -> None:
    devices = [str(uuid.uuid4()) for _ in range(5)]
    good = [case for case in cases() if "readings" in case["expected"]]
    worker.decide(decentlab, PluginState.ADMITTED)
    ids: list[str] = []
    for round_ in range(4):
        worker.start()
        until(lambda: worker.ready().get("checks", {}).get("runner") == "ok", "the runner")
        for burst in range(5):
            number = round_ * 5 + burst
            uplinks = [
                uplink_of(good[(number + i) % len(good)], devices[i % 5], number * 100 + i)
                for i in range(100)
            ]
            ids += worker.accept(decentlab, [*uplinks, uplinks[0]])[:-1]
        worker.kill()
    worker.start()

    def seen() -> Counter[str]:
        return Counter(reading.provenance.uplink for reading in worker.readings(set(devices)))

    until(lambda: len(seen()) >= len(ids), "every reading")
    assert worker.stop() == 0
    assert seen() == Counter(ids)


def test_a_plugin_that_hangs_costs_its_own_uplink_and_nobody_elses_time(
    worker: Worker, decentlab: str
) -> None:
    hostile = name_of("hostile")
    write(worker.folder, hostile, decoder=HOSTILE)
    for plugin in (hostile, decentlab):
        worker.decide(plugin, PluginState.ADMITTED)
    worker.start()
    until(lambda: worker.ready().get("ready"), "readiness")
    stuck, honest = str(uuid.uuid4()), str(uuid.uuid4())
    payloads = [b"fine", b"hang", b"fine", b"hang", b"fine"]
    worker.accept(
        hostile,
        [
            UplinkAccepted(stuck, "w", "s", "g", "acme/one", "native", "x", NOW_MS, p, counter=n)
            for n, p in enumerate(payloads)
        ],
    )
    worker.accept(decentlab, [uplink_of(cases()[0], honest, n) for n in range(200)])
    until(lambda: len(worker.readings({honest})) == 200, "the honest plugin's readings")
    until(lambda: len(worker.readings({stuck})) == 3, "the hostile plugin's other readings")
    letters = worker.committed("uplink.deadletter.v1", {stuck})
    assert [header(r.headers, "treaty-reason") for r in letters] == [b"deadline_exceeded"] * 2
    until(lambda: "deadline_exceeded" in {told.kind for told in worker.reports(hostile)}, "the report")
    assert worker.metric("treaty_normalization_child_restarts_total") >= 2
