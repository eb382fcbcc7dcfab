"""On a whole platform that exports to a collector: one trace is found at every hop of its uplink, from the
raw record to the WebSocket frame, and a request's trace in the event it caused."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1 import trace_pb2

from treaty_embedded.process import wait_until
from treaty_push_gateway.client import Filter, Readings, Stream

from .conftest import ANSWER_S, PATIENCE_S, READY_S

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Received:
    service: str
    span: trace_pb2.Span

    @property
    def attributes(self) -> dict[str, str | int]:
        values = {a.key: a.value for a in self.span.attributes}
        return {name: v.string_value or v.int_value for name, v in values.items()}

    @property
    def linked(self) -> set[str]:
        return {link.trace_id.hex() for link in self.span.links}


class Collector:
    """Takes OTLP over HTTP, as protobuf, and keeps what it was sent."""

    def __init__(self) -> None:
        self.spans: list[Received] = []
        spans = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                assert self.path == "/v1/traces"
                assert self.headers["content-type"] == "application/x-protobuf"
                for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
                    names = {a.key: a.value.string_value for a in sent.resource.attributes}
                    spans.extend(
                        Received(names["service.name"], span)
                        for scope in sent.scope_spans
                        for span in scope.spans
                    )
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.end_headers()
                self.wfile.write(ExportTraceServiceResponse().SerializeToString())

            def log_message(self, format: str, *args: object) -> None:
                """What came is asserted on."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def linked_to(self, trace: str) -> dict[str, Received]:
        """The spans that link to it, by service."""
        return {found.service: found for found in list(self.spans) if trace in found.linked}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    found = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
    yield found
    found.close()


def test_a_devices_trace_is_followed_from_its_raw_record_to_the_frame(
    collector: Collector, treaty_in, tmp_path: Path
) -> None:
    treaty = treaty_in(tmp_path / ".treaty")
    treaty.start("demo", "--rate", "2")
    treaty.wait_said("Live page", READY_S)

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
    """The traceparents of what was said of the key, once something was."""
    servers = json.loads((home / "platform.json").read_text())["bootstrap_servers"]
    consumer = Consumer(
        {"bootstrap.servers": servers, "group.id": "test", "isolation.level": "read_committed"}
    )
    partitions = consumer.list_topics(topic, timeout=ANSWER_S).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    end = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < end:
            message = consumer.poll(1)
            if message is not None and message.error() is None and message.key() == key.encode():
                return [value.decode() for name, value in message.headers() or [] if name == "traceparent"]
    finally:
        consumer.close()
    raise AssertionError(f"nothing was said of {key}")
