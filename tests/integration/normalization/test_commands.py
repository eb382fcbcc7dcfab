"""Commands through a real worker and a real broker: one downlink a command, whatever dies meanwhile."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

from treaty_chassis.kafka import topics
from treaty_contracts import check
from treaty_events.codec import decode, encode
from treaty_events.commands import (
    CommandProgressed,
    CommandRequested,
    CommandState,
    DownlinkEncoded,
    PluginOffered,
)
from treaty_events.decisions import PluginState
from treaty_events.envelope import Envelope
from treaty_events.topics import COMMAND_PROGRESSED, DOWNLINK_ENCODED, PLUGIN_OFFERED, command_topic

from .conftest import Worker, read, until

CONTRACT = """contract: treaty/v1
plugin: {name}
version: 1.0.0
entry: {{decode: "decoder:decode", encode: "decoder:encode"}}
models: [acme/one]
emits: {{measurements: {{air_temperature: {{quantity: temperature, unit: Cel}}}}}}
actions:
  set_interval:
    arguments: {{type: object, properties: {{seconds: {{type: integer, minimum: 60}}}}, required: [seconds]}}
"""
DECODER = """from treaty import Action, Decoded, Downlink, EncodeError, Uplink


def decode(uplink: Uplink) -> Decoded:
    return []


def encode(action: Action) -> Downlink:
    seconds = action.arguments.get("seconds")
    if not isinstance(seconds, int) or not 0 <= seconds <= 65535:
        raise EncodeError("more than the field holds")
    return Downlink(seconds.to_bytes(2, "little"), 85)
"""


def package(worker: Worker) -> str:
    name = f"c{uuid.uuid4().hex[:12]}"
    folder: Path = worker.folder / name
    folder.mkdir()
    (folder / "contract.yaml").write_text(CONTRACT.format(name=name))
    (folder / "decoder.py").write_text(DECODER)
    assert check(folder).admitted
    return name


def command(seconds: int, life_ms: int = 600_000, device: str = "") -> CommandRequested:
    now = time.time_ns() // 1_000_000
    return CommandRequested(
        str(uuid.uuid4()), device or str(uuid.uuid4()), "w1", "g1", "70b3d57ba0000001", "chirpstack",
        "acme/one", "set_interval", {"seconds": seconds}, now, now + life_ms,
    )  # fmt: skip


def ask(worker: Worker, plugin: str, commands: list[CommandRequested]) -> None:
    """As the registry's relay does."""
    rows = [
        (c.device.encode(), encode(c), Envelope(c.command, "/test", CommandRequested.TYPE).headers())
        for c in commands
    ]
    worker._produce(command_topic(plugin).name, rows)


def offered(worker: Worker, plugin: str) -> PluginOffered | None:
    found = [r for r in read(worker.servers, PLUGIN_OFFERED) if r.key == plugin.encode()]
    return decode(PluginOffered, found[-1].value or b"") if found else None


def reports(worker: Worker, devices: set[str]) -> list[CommandProgressed]:
    return [decode(CommandProgressed, r.value or b"") for r in worker.committed(COMMAND_PROGRESSED, devices)]


def downlinks(worker: Worker, devices: set[str]) -> list[DownlinkEncoded]:
    return [decode(DownlinkEncoded, r.value or b"") for r in worker.committed(DOWNLINK_ENCODED, devices)]


def test_a_hosted_plugin_offers_its_actions_and_encodes_what_is_asked(worker: Worker) -> None:
    plugin = package(worker)
    worker.decide(plugin, PluginState.ADMITTED)
    worker.start()
    until(lambda: offered(worker, plugin), "the offer")
    offer = offered(worker, plugin)
    assert offer is not None
    assert offer.digest == check(worker.folder / plugin).digest
    assert command_topic(plugin).name in topics.existing(topics.admin(worker.servers))
    good, bad, old = command(1200), command(70_000), command(60, life_ms=0)
    ask(worker, plugin, [good, bad, old, good])
    devices = {c.device for c in (good, bad, old)}
    until(lambda: len(reports(worker, devices)) == 3, "three outcomes")
    assert {r.command: r.state for r in reports(worker, devices)} == {
        good.command: CommandState.ENCODED,
        bad.command: CommandState.FAILED,
        old.command: CommandState.EXPIRED,
    }
    [downlink] = downlinks(worker, devices)
    assert (downlink.payload, downlink.f_port) == (b"\xb0\x04", 85)


def test_a_quarantined_plugins_commands_wait(worker: Worker) -> None:
    plugin = package(worker)
    worker.decide(plugin, PluginState.QUARANTINED)
    worker.start()
    until(lambda: offered(worker, plugin), "the offer")
    asked, later = command(1200), command(60)
    ask(worker, plugin, [asked])
    until(lambda: worker.ready().get("ready"), "readiness")
    assert reports(worker, {asked.device}) == []
    ask(worker, plugin, [later])
    worker.decide(plugin, PluginState.ADMITTED)
    devices = {asked.device, later.device}
    until(lambda: len(reports(worker, devices)) == 2, "both outcomes")
    assert [r.command for r in reports(worker, devices)] == [asked.command, later.command]


def test_killed_again_and_again_a_worker_makes_one_downlink_a_command(worker: Worker) -> None:
    plugin = package(worker)
    worker.decide(plugin, PluginState.ADMITTED)
    worker.start()
    until(lambda: offered(worker, plugin), "the offer")
    device, asked = str(uuid.uuid4()), []
    for _ in range(4):
        batch = [command(60 + n, device=device) for n in range(40)]
        before = len(reports(worker, {device}))
        ask(worker, plugin, [*batch, *asked[-10:]])
        asked += batch
        until(lambda before=before: len(reports(worker, {device})) > before, "some outcome")
        worker.kill()
        worker.start()
    until(lambda: len(downlinks(worker, {device})) >= len(asked), "every downlink")
    assert [d.command for d in downlinks(worker, {device})] == [c.command for c in asked]
    assert [r.command for r in reports(worker, {device})] == [c.command for c in asked]
