"""Spans on their way out: a bounded queue, a thread that sends it, and counters of what did not leave.

Whoever ends a span hands it over and goes on; a collector that is away, slow or silent costs spans and
nothing else.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from prometheus_client import CollectorRegistry, Counter, Gauge

from treaty_chassis.telemetry import METRICS, Seldom
from treaty_chassis.tracing.environment import TracingError
from treaty_chassis.tracing.sampling import honouring_links
from treaty_chassis.tracing.spans import Tracing

__all__ = ["Bounded", "Measures", "exported", "recording"]

FLUSH_S: Final = 2.0
"""How long a process waits at its end for the last spans to leave."""
DEFAULT_LINKS: Final = 128
_LOGGERS: Final = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk._shared_internal",
)
"""Of the SDK, which would say the same of every batch while a collector is away."""


class Measures:
    """One a process."""

    def __init__(self, registry: CollectorRegistry = METRICS) -> None:
        self.exported = Counter(
            "treaty_tracing_spans_exported", "Spans that the collector took.", registry=registry
        )
        self.dropped = Counter(
            "treaty_tracing_spans_dropped",
            "Spans lost: the queue was full, the collector did not take them, or the process ended first.",
            ["reason"],
            registry=registry,
        )
        for reason in ("queue_full", "export_failed", "shutdown"):
            self.dropped.labels(reason)
        self.waiting = Gauge("treaty_tracing_spans_waiting", "Spans that wait to be sent.", registry=registry)
        self.links_dropped = Counter(
            "treaty_tracing_links_dropped",
            "Records' traces that a batch's span does not link to, beyond the most links of a span.",
            registry=registry,
        )


class Bounded(SpanProcessor):
    """Ended spans wait, `limit` of them at most, for a thread that sends them through `exporter`. When they
    are too many the newest is dropped; the SDK's own queue would push out the oldest, and count none."""

    def __init__(self, exporter: SpanExporter, measures: Measures, limit: int | None = None) -> None:
        self._measures = measures
        self._lock = threading.Lock()
        self._waiting = 0
        self._closed = False
        try:
            self._limit = limit or int(os.environ.get("OTEL_BSP_MAX_QUEUE_SIZE") or 2048)
            self._queue = BatchSpanProcessor(_Reporting(exporter, self._left), self._limit)
        except ValueError as error:
            raise TracingError(f"OTEL_BSP_*: {error}") from error
        measures.waiting.set_function(lambda: self._waiting)

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None or not span.context.trace_flags.sampled:
            return
        with self._lock:
            refused = "shutdown" if self._closed else "queue_full" if self._waiting >= self._limit else None
            if refused is None:
                self._waiting += 1
        if refused is None:
            self._queue.on_end(span)
        else:
            self._measures.dropped.labels(refused).inc()

    def shutdown(self) -> None:
        """Within FLUSH_S, whatever the collector does: the thread that waits for it dies with the process."""
        with self._lock:
            self._closed = True
        leaving = threading.Thread(target=self._queue.shutdown, name="last-spans", daemon=True)
        leaving.start()
        leaving.join(FLUSH_S)
        self._measures.dropped.labels("shutdown").inc(self._waiting)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._queue.force_flush(timeout_millis)

    def _left(self, count: int, taken: bool) -> None:
        with self._lock:
            self._waiting -= count
        if taken:
            self._measures.exported.inc(count)
        else:
            self._measures.dropped.labels("export_failed").inc(count)


class _Reporting(SpanExporter):
    """Tells how many spans a call was about, and whether they were taken."""

    def __init__(self, exporter: SpanExporter, left: Callable[[int, bool], None]) -> None:
        self._exporter = exporter
        self._left = left

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            self._left(len(spans), result is SpanExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


def exported(service: str) -> Tracing:
    """Spans that go where the environment says. Raises TracingError."""
    for name in [name for name, value in os.environ.items() if name.startswith("OTEL_") and not value]:
        # Empty is unset, says the specification; the SDK would take some for a mistake.
        del os.environ[name]
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(Seldom(60.0))
    try:
        exporter = OTLPSpanExporter()
    except (OSError, ValueError) as error:
        raise TracingError(f"OTEL_EXPORTER_OTLP_*: {error}") from error
    measures = Measures()
    return recording(service, Bounded(exporter, measures), measures)


def recording(service: str, processor: SpanProcessor, measures: Measures) -> Tracing:
    """Spans that go to the processor, sampled and described as the environment says. Raises TracingError."""
    told = OTELResourceDetector().detect().attributes
    own = {"service.name": service, "service.namespace": "treaty"}
    resource = Resource.create({name: value for name, value in own.items() if name not in told})
    try:
        limits = SpanLimits()
    except ValueError as error:
        raise TracingError(str(error)) from error
    provider = TracerProvider(resource=resource, span_limits=limits, shutdown_on_exit=False)
    provider.sampler = honouring_links(provider.sampler)
    provider.add_span_processor(processor)
    links = DEFAULT_LINKS if limits.max_links is None else limits.max_links
    return Tracing(provider.get_tracer("treaty"), links, measures.links_dropped.inc, provider.shutdown)
