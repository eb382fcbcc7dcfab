"""On a whole platform that exports to a collector: one trace is found at every hop of its uplink, from the
raw record to the WebSocket frame, and a request's trace in the event it caused; `treaty trace` follows an
uplink to its readings, and an action becomes one downlink."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Message
from opentelemetry.proto.trace.v1 import trace_pb2

from treaty_embedded.process import wait_until
from treaty_embedded.reading import read_to_end
from treaty_push_gateway.client import Filter, Readings, Stream

from .collector import Collector, Received
from .conftest import ANSWER_S, PATIENCE_S, Treaty

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(900)]
MODEL = "milesight-iot/em300-th"
TOPIC = "downlink.encoded.v1"


def test_a_devices_trace_is_followed_from_its_raw_record_to_the_frame(
    collector: Collector, slow_demo: Treaty
) -> None:
    treaty = slow_demo
    since = datetime.now(UTC) - timedelta(seconds=1)
    sent = treaty.json("uplink", "send", "--traced")
    reading = asyncio.run(received(treaty, sent, since))
    assert reading["traceparent"].split("-")[1] == sent["trace"]

    hops = {"ingestion", "normalization", "push-gateway"}
    assert wait_until(lambda: collector.linked_to(sent["trace"]).keys() >= hops, PATIENCE_S)
    ingestion, normalization, push = (collector.linked_to(sent["trace"])[hop] for hop in sorted(hops))
    # A batch of several topics names none.
    assert ingestion.span.name in {"process", f"process {sent['topic']}"}
    assert re.fullmatch(r"process( uplink\.accepted\.[a-z0-9-]+\.v1)?", normalization.span.name)
    assert push.span.name == "fan_out reading.normalized.v1"
    polled = [hop.span.start_time_unix_nano for hop in (ingestion, normalization)]
    assert max(polled) <= push.span.start_time_unix_nano
    for hop in (ingestion, normalization, push):
        assert hop.span.trace_id.hex() != sent["trace"], "a batch is a trace of its own"
        assert hop.span.kind == trace_pb2.Span.SPAN_KIND_CONSUMER
        assert hop.attributes["messaging.system"] == "kafka"
        assert hop.attributes["messaging.operation.type"] == "process"
        assert hop.attributes["messaging.batch.message_count"] >= 1

    def untraced() -> list[Received]:
        roots = [s for s in list(collector.spans) if s.service == "ingestion" and not s.span.parent_span_id]
        return [span for span in roots if not span.linked]

    assert wait_until(lambda: bool(untraced()), PATIENCE_S), "the demo's own uplinks, which bring no trace"

    request_reaches_its_event(collector, treaty)
    every_api_answers_within_its_callers_trace(collector, treaty)


async def received(treaty, sent: dict[str, str], since: datetime) -> dict[str, str]:
    """The reading of the uplink, as a subscriber gets it."""
    url = treaty.urls()["push"].replace("http://", "ws://") + "/v1/stream"
    token = treaty.lines("token")[0]
    async with (
        asyncio.timeout(PATIENCE_S),
        Stream(url, token, filter=Filter(devices=(sent["device"],)), time=since) as stream,
    ):
        async for message in stream:
            for reading in message.readings if isinstance(message, Readings) else ():
                if reading["provenance"]["uplink"] == sent["uplink"]:
                    return reading
    raise AssertionError("the stream ended")


def request_reaches_its_event(collector: Collector, treaty) -> None:
    trace, parent = secrets.token_hex(16), secrets.token_hex(8)
    token = treaty.lines("token")[0]
    workspace = json.loads((treaty.home / "demo.json").read_text())["workspace"]
    made = httpx.post(
        f"{treaty.urls()['registry']}/v1/workspaces/{workspace}/gateways",
        json={"slug": f"traced-{trace[:8]}", "name": "a", "network": "native", "authentication": "signature"},
        headers={"Authorization": f"Bearer {token}", "traceparent": f"00-{trace}-{parent}-01"},
        timeout=ANSWER_S,
    )
    assert made.status_code == 201, made.text

    def spans() -> list[Received]:
        return [s for s in list(collector.spans) if s.span.trace_id.hex() == trace]

    assert wait_until(lambda: bool(spans()), PATIENCE_S)
    (request,) = spans()
    assert request.service == "device-registry"
    assert request.span.name == "POST /v1/workspaces/{workspace}/gateways"
    assert request.span.kind == trace_pb2.Span.SPAN_KIND_SERVER
    assert request.span.parent_span_id.hex() == parent
    assert request.attributes["http.response.status_code"] == 201
    told = events(treaty.home, "gateway.changed.v1", made.json()["id"])
    assert told == [f"00-{trace}-{request.span.span_id.hex()}-01"]


def every_api_answers_within_its_callers_trace(collector: Collector, treaty) -> None:
    trace = secrets.token_hex(16)
    apis = {"device-registry": "registry", "contract-governance": "governance", "push-gateway": "push"}
    for name in apis.values():
        headers = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
        assert httpx.get(f"{treaty.urls()[name]}/openapi.json", headers=headers, timeout=ANSWER_S).is_success

    def answered() -> set[tuple[str, str]]:
        found = [s for s in list(collector.spans) if s.span.trace_id.hex() == trace]
        return {(s.service, str(s.attributes["url.path"])) for s in found}

    assert wait_until(lambda: answered() == {(service, "/openapi.json") for service in apis}, PATIENCE_S)


def events(home: Path, topic: str, key: str) -> list[str]:
    """The traceparents of what was first said of the key, once something was."""
    said: list[Message] = []

    def told() -> bool:
        said[:] = [message for message in records(home, topic) if message.key() == key.encode()]
        return bool(said)

    assert wait_until(told, PATIENCE_S), f"nothing was said of {key}"
    return [value.decode() for name, value in said[0].headers() or [] if name == "traceparent"]


def records(home: Path, topic: str) -> list[Message]:
    servers = json.loads((home / "platform.json").read_text())["bootstrap_servers"]
    return read_to_end(servers, topic)


def test_an_uplink_is_traced_and_an_action_becomes_one_downlink(slow_demo: Treaty) -> None:
    treaty = slow_demo
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
    return [json.loads(message.value() or b"{}") for message in records(home, TOPIC)]
