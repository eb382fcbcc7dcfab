"""No plugin's slowness, crash or loop delays another's commit."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from treaty_events.decisions import PluginState

from .conftest import Worker, until
from .packages import acme_uplink, name_of, write

DECODER = """
import os
import time

from treaty import Decoded, Reading, Uplink


def decode(uplink: Uplink) -> Decoded:
    if uplink.payload == b"!":
        %s
    return [Reading({"air_temperature": 1.0})]
"""
HARM = {
    "slowness": "time.sleep(600)",
    "a loop": "\n        while True:\n            pass",
    "crashes": "os._exit(1)",
}


@pytest.mark.parametrize("harm", HARM)
def test_what_one_plugin_has_in_hand_holds_up_nobody_else(worker: Worker, harm: str) -> None:
    """Of slowness and loops not one uplink is done before the other's are all committed, so nothing of the
    order in which they come hangs on how fast this machine is."""
    hostile, honest = name_of("hostile"), name_of("honest")
    write(worker.folder, hostile, decoder=DECODER % HARM[harm], deadline_ms=60_000)
    write(worker.folder, honest)
    worker.program = Path(__file__).with_name("credulous.py")
    for name in (hostile, honest):
        worker.decide(name, PluginState.ADMITTED)
    stuck, free = str(uuid.uuid4()), str(uuid.uuid4())
    worker.accept(hostile, [acme_uplink(stuck, b"!", n) for n in range(20)])
    worker.start()
    until(lambda: worker.ready().get("ready"), "readiness")
    if harm != "crashes":
        until(lambda: worker.metric("treaty_normalization_waiting_uplinks") == 20, "harm in hand")
    for burst in range(3):
        worker.accept(honest, [acme_uplink(free, b"\x07", burst * 100 + n) for n in range(100)])
        until(lambda burst=burst: len(worker.readings({free})) == (burst + 1) * 100, f"burst {burst}")
    if harm != "crashes":
        assert worker.committed("uplink.deadletter.v1", {stuck}) == []
        assert worker.metric("treaty_normalization_waiting_uplinks") == 20
    else:
        until(lambda: len(worker.committed("uplink.deadletter.v1", {stuck})) == 20, "the dead letters")
    assert len(worker.readings({free})) == 300
