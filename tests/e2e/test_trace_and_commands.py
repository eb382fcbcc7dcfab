"""On a whole platform: an uplink is traced to its readings, and an action becomes one downlink."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition

from treaty_embedded.process import wait_until

from .conftest import ANSWER_S, PATIENCE_S, READY_S

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(900)]
MODEL = "milesight-iot/em300-th"
TOPIC = "downlink.encoded.v1"


def test_an_uplink_is_traced_and_an_action_becomes_one_downlink(treaty_in, tmp_path: Path) -> None:
    treaty = treaty_in(tmp_path / ".treaty")
    treaty.start("demo", "--rate", "2")
    treaty.wait_said("Live page", READY_S)
    sent = treaty.json("uplink", "send")
    arrived = lambda: treaty.tells(lambda told: told["outcome"] == "readings", "trace", sent["uplink"])  # noqa: E731
    assert wait_until(arrived, PATIENCE_S)
    trace = treaty.json("trace", sent["uplink"])
    assert [stage["stage"] for stage in trace["stages"]][:3] == ["raw", "accepted", "reading"]
    assert trace["stages"][1]["device"] == sent["device"]
    (nearest,) = treaty.json("trace", "--device", sent["external_id"], "--at", trace["stages"][0]["at"])
    assert nearest == trace

    device = next(
        d for d in json.loads((treaty.home / "demo.json").read_text())["devices"] if d["model"] == MODEL
    )
    token = treaty.lines("token")[0]
    workspace = json.loads((treaty.home / "demo.json").read_text())["workspace"]
    registry = httpx.Client(
        base_url=treaty.urls()["registry"], headers={"Authorization": f"Bearer {token}"}, timeout=ANSWER_S
    )
    path = f"/v1/workspaces/{workspace}/devices/{device['id']}"
    assert wait_until(lambda: bool(answered(registry, f"{path}/actions")), PATIENCE_S)
    body, headers = {"arguments": {"seconds": 1200}}, {"Idempotency-Key": uuid.uuid4().hex}
    asked = [
        registry.post(f"{path}/actions/set_reporting_interval", json=body, headers=headers) for _ in range(2)
    ]
    assert [a.status_code for a in asked] == [202, 202]
    where = asked[0].headers["location"]
    assert wait_until(
        lambda: (answered(registry, where) or {}).get("state", "requested") != "requested", PATIENCE_S
    )
    assert answered(registry, where)["state"] == "encoded"
    found = [d for d in downlinks(treaty.home) if d["device"] == device["id"]]
    assert [(d["command"], d["payload"], d["f_port"]) for d in found] == [
        (asked[0].json()["id"], "/wOwBA==", 85)
    ]


def answered(registry: httpx.Client, path: str) -> Any:
    """What is there, None while nothing is."""
    try:
        answer = registry.get(path)
    except httpx.HTTPError:
        return None
    return answer.json() if answer.status_code == 200 else None


def downlinks(home: Path) -> list[dict[str, object]]:
    """All there are."""
    servers = json.loads((home / "platform.json").read_text())["bootstrap_servers"]
    settings = {"group.id": "test", "isolation.level": "read_committed", "enable.partition.eof": True}
    consumer = Consumer(settings | {"bootstrap.servers": servers})
    partitions = set(consumer.list_topics(TOPIC, timeout=ANSWER_S).topics[TOPIC].partitions)
    consumer.assign([TopicPartition(TOPIC, number, 0) for number in partitions])
    found = []
    end = time.monotonic() + PATIENCE_S
    while partitions:
        assert time.monotonic() < end, "the topic could not be read to its end"
        message = consumer.poll(1)
        if message is None:
            continue
        error = message.error()
        if error is None:
            found.append(json.loads(message.value() or b"{}"))
        elif error.code() == KafkaError._PARTITION_EOF:
            partitions.discard(message.partition())
    consumer.close()
    return found
