"""A JavaScript codec, unmodified, through the whole worker on a real broker: uplinks in, readings out."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import pytest

from treaty_events.decisions import PluginState
from treaty_events.headers import header
from treaty_events.uplinks import UplinkAccepted

from .conftest import NOW_MS, Worker, until

CODEC = Path(__file__).parents[3] / "cli/tests/lorawan/checkout/vendor/acme/fridge.js"
CONTRACT = """
contract: treaty/v1
plugin: {name}
version: 1.0.0
owner: Acme
licence: Apache-2.0
description: Acme's refrigerator logger.
language: javascript
entry: {{decode: "codec:decodeUplink"}}
models: [acme/fridge]
networks: [native]
content_types: [application/octet-stream]
emits:
  measurements:
    temperature: {{quantity: temperature, unit: Cel}}
    battery_voltage: {{quantity: battery_voltage, unit: V}}
  properties:
    door: {{type: string, values: [closed, open]}}
    seen: {{type: string}}
"""


@pytest.fixture
def codec(worker: Worker) -> str:
    name = f"acme-{uuid.uuid4().hex[:8]}"
    (worker.folder / name).mkdir()
    shutil.copy(CODEC, worker.folder / name / "codec.js")
    (worker.folder / name / "contract.yaml").write_text(CONTRACT.format(name=name))
    return name


def uplink(device: str, payload: str, f_port: int, counter: int) -> UplinkAccepted:
    return UplinkAccepted(
        device, "w", "s", "g", "acme/fridge", "native", "70b3d57ba0000002", NOW_MS + counter,
        bytes.fromhex(payload), f_port=f_port, counter=counter, dedup_id=str(uuid.uuid4()),
    )  # fmt: skip


def test_uplinks_become_readings_and_what_the_codec_refuses_a_dead_letter(worker: Worker, codec: str) -> None:
    device, stranger = str(uuid.uuid4()), str(uuid.uuid4())
    worker.decide(codec, PluginState.ADMITTED)
    worker.start()
    until(lambda: worker.ready().get("ready"), "readiness")
    payloads = [f"{100 * n:04x}000d16" for n in range(50)]
    worker.accept(codec, [uplink(device, payload, 2, n) for n, payload in enumerate(payloads)])
    worker.accept(codec, [uplink(stranger, "01", 9, 0)])

    until(lambda: len(worker.readings({device})) == len(payloads), "the readings")
    readings = worker.readings({device})
    assert [{m.name: m.value for m in r.measurements} for r in readings] == [
        {"temperature": float(n), "battery_voltage": 3.35} for n in range(len(payloads))
    ]
    assert {m.name: m.unit for m in readings[0].measurements} == {
        "temperature": "Cel",
        "battery_voltage": "V",
    }
    assert readings[0].properties == {"door": "closed", "seen": "2026-01-02T03:04:05.700Z"}
    assert {r.provenance.plugin for r in readings} == {codec}

    until(lambda: worker.committed("uplink.deadletter.v1", {stranger}), "the dead letter")
    [letter] = worker.committed("uplink.deadletter.v1", {stranger})
    assert header(letter.headers, "treaty-reason") == b"decode_error"
    assert b"unknown FPort" in (header(letter.headers, "treaty-detail") or b"")
