"""What a worker takes from its shelf, when, and what it says of it."""

from __future__ import annotations

import json
import uuid

from treaty_events.decisions import PluginState
from treaty_normalization.shelf import Shelf

from .conftest import PATIENCE_S, Worker, until
from .packages import acme_uplink, name_of, write


def test_only_plugins_in_use_are_judged_and_given_a_child(worker: Worker) -> None:
    idle = [name_of("idle") for _ in range(20)]
    used = name_of("used")
    for name in [*idle, used]:
        write(worker.folder, name)
    for name in idle:
        worker.decide(name, PluginState.ADMITTED, used=False)
    worker.decide(used, PluginState.ADMITTED)
    worker.start()
    until(lambda: worker.ready().get("ready"), "readiness")
    assert [entry["plugin"] for entry in worker.logged("plugin taken")] == [used]
    assert {c for c in worker.ready()["checks"] if c.startswith("plugin ")} == {f"plugin {used}"}

    device = str(uuid.uuid4())
    worker.decide(idle[3], PluginState.ADMITTED)
    worker.accept(idle[3], [acme_uplink(device, b"\x07", 0)])
    until(lambda: len(worker.readings({device})) == 1, "a reading of the plugin that came into use")


def test_it_is_not_ready_before_everything_it_is_to_host_is_decided_on(worker: Worker) -> None:
    name = name_of("acme")
    write(worker.folder, name)
    worker.start()
    until(lambda: worker.check(f"plugin {name}") == "no decision on it yet", "the objection")
    assert worker.ready()["ready"] is False
    worker.decide(name, PluginState.REFUSED)
    until(lambda: "refused: test" in worker.check(f"plugin {name}"), "the other objection")
    worker.decide(name, PluginState.ADMITTED)
    until(lambda: worker.ready().get("ready"), "readiness")


def test_each_package_it_takes_is_attested(worker: Worker) -> None:
    name = name_of("acme")
    write(worker.folder, name)
    worker.decide(name, PluginState.ADMITTED)
    worker.start()
    until(lambda: worker.ready().get("ready"), "readiness")
    until(lambda: worker.reports(name), "the attestation")
    [report] = worker.reports(name)
    attested = json.loads(report.detail)
    assert report.kind == "attested by 0"
    assert attested["attestation"] == "treaty-attestation/v1"
    assert attested["digest"] == report.digest
    assert attested["admitted_here"] is True
    assert {"seccomp", "landlock", "rlimits"} <= attested["sandbox"]["applied"].keys()


def test_a_pattern_without_a_plugin_ends_it_at_once_and_says_what_there_is(worker: Worker) -> None:
    write(worker.folder, "acme-air")
    worker.environment = {"TREATY_PLUGINS": "acme-*,milesight-*"}
    worker.start()
    assert worker.process is not None
    assert worker.process.wait(PATIENCE_S) == 1
    assert "matches 'milesight-*'; there is: acme-air" in worker.log.read_text()


def test_every_shipped_plugin_is_found_by_its_name() -> None:
    from .test_worker import PLUGINS

    shelf = Shelf(PLUGINS)
    shelf.look()
    assert shelf.names == {path.parent.name for path in PLUGINS.glob("*/contract.yaml")}
