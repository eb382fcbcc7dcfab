"""On a whole platform: an uplink is traced to its readings, and an action becomes one downlink."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition

from treaty_embedded.process import wait_until

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(900)]
MODEL = "milesight-iot/em300-th"


def test_an_uplink_is_traced_and_an_action_becomes_one_downlink(treaty_in, tmp_path: Path) -> None:
    treaty = treaty_in(tmp_path / ".treaty")
    treaty.start("demo", "--rate", "2")
    treaty.wait_said("Live page", 600)
    sent = treaty.json("uplink", "send")
    assert wait_until(lambda: treaty.json("trace", sent["uplink"])["outcome"] == "readings", 240)
    trace = treaty.json("trace", sent["uplink"])
    assert [stage["stage"] for stage in trace["stages"]][:3] == ["raw", "accepted", "reading"]
    assert trace["stages"][1]["device"] == sent["device"]
    (nearest,) = treaty.json("trace", "--device", sent["external_id"], "--at", trace["stages"][0]["at"])
    assert nearest == trace

    device = next(
        d for d in json.loads((treaty.home / "demo.json").read_text())["devices"] if d["model"] == MODEL
    )
    token = treaty.run("token").stdout.strip()
    workspace = json.loads((treaty.home / "demo.json").read_text())["workspace"]
    registry = httpx.Client(
        base_url=treaty.urls()["registry"], headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
    path = f"/v1/workspaces/{workspace}/devices/{device['id']}"
    assert wait_until(lambda: registry.get(f"{path}/actions").json() != [], 240)
    body, headers = {"arguments": {"seconds": 1200}}, {"Idempotency-Key": uuid.uuid4().hex}
    asked = [
        registry.post(f"{path}/actions/set_reporting_interval", json=body, headers=headers) for _ in range(2)
    ]
    assert [a.status_code for a in asked] == [202, 202]
    where = asked[0].headers["location"]
    assert wait_until(lambda: registry.get(where).json()["state"] != "requested", 120)
    assert registry.get(where).json()["state"] == "encoded"
    found = [d for d in downlinks(treaty.home) if d["device"] == device["id"]]
    assert [(d["command"], d["payload"], d["f_port"]) for d in found] == [
        (asked[0].json()["id"], "/wOwBA==", 85)
    ]


def downlinks(home: Path) -> list[dict[str, object]]:
    servers = json.loads((home / "platform.json").read_text())["bootstrap_servers"]
    consumer = Consumer(
        {"bootstrap.servers": servers, "group.id": "test", "isolation.level": "read_committed"}
    )
    consumer.assign([TopicPartition("downlink.encoded.v1", 0, 0)])
    found = []
    while (message := consumer.poll(10)) is not None:
        found.append(json.loads(message.value() or b"{}"))
    consumer.close()
    return found
