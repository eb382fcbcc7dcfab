"""A collector of traces, as a platform is told of one."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1 import trace_pb2

__all__ = ["Collector", "Received"]


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
