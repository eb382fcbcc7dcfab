"""A collector that is slow, silent or away costs spans, which are counted, and never whoever records them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client import CollectorRegistry

from treaty_chassis.telemetry import Seldom
from treaty_chassis.tracing import exporting
from treaty_chassis.tracing.environment import TracingError
from treaty_chassis.tracing.exporting import Bounded, Measures, recording
from treaty_chassis.tracing.spans import Tracing


class Silent(SpanExporter):
    """Takes a batch and does not come back until told to."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.answer = threading.Event()
        self.result = SpanExportResult.SUCCESS
        self.patience_ended = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        self.patience_ended = not self.answer.wait(120)
        return self.result


class Process:
    def __init__(self, exporter: SpanExporter, limit: int) -> None:
        self.registry = CollectorRegistry()
        measures = Measures(self.registry)
        self.tracing: Tracing = recording("tested", Bounded(exporter, measures, limit), measures)

    def end_spans(self, count: int) -> None:
        for _ in range(count):
            self.tracing.tracer.start_span("batch").end()

    def dropped(self, reason: str) -> float | None:
        return self.registry.get_sample_value("treaty_tracing_spans_dropped_total", {"reason": reason})

    def exported(self) -> float | None:
        return self.registry.get_sample_value("treaty_tracing_spans_exported_total")

    def waiting(self) -> float | None:
        return self.registry.get_sample_value("treaty_tracing_spans_waiting")


@pytest.fixture
def silent() -> Iterator[Silent]:
    found = Silent()
    yield found
    found.answer.set()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_spans_beyond_the_queue_are_dropped_and_counted_and_the_recorder_never_waits(silent: Silent) -> None:
    process = Process(silent, 10)
    process.end_spans(8)
    assert silent.asked.wait(60)
    process.end_spans(5_000)
    assert not silent.patience_ended, "5,000 spans took as long as one answer of the collector's"
    assert process.waiting() == 10
    assert process.dropped("queue_full") == 4_998
    silent.answer.set()
    until(lambda: process.exported() == 10)
    assert process.waiting() == 0


def test_spans_that_the_collector_refuses_are_counted(silent: Silent) -> None:
    silent.result = SpanExportResult.FAILURE
    silent.answer.set()
    process = Process(silent, 100)
    process.end_spans(3)
    until(lambda: process.dropped("export_failed") == 3)
    assert process.exported() == 0


def test_an_exporter_that_raises_costs_its_batch_alone() -> None:
    class Broken(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            raise RuntimeError("a mistake")

    process = Process(Broken(), 100)
    process.end_spans(2)
    until(lambda: process.dropped("export_failed") == 2)
    assert process.waiting() == 0


def test_a_process_ends_in_bounded_time_and_counts_what_it_leaves_behind(
    silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "FLUSH_S", 0.2)
    process = Process(silent, 100)
    process.end_spans(9)
    process.tracing.close()
    assert not silent.patience_ended, "it waited for the collector's answer"
    assert process.dropped("shutdown") == 9
    process.end_spans(1)
    assert process.dropped("shutdown") == 10


def test_the_last_spans_leave_before_the_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "FLUSH_S", 60.0)
    taken: list[str] = []

    class Kept(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            taken.extend(span.name for span in spans)
            return SpanExportResult.SUCCESS

    process = Process(Kept(), 100)
    process.end_spans(3)
    process.tracing.close()
    assert taken == ["batch"] * 3
    assert process.dropped("shutdown") == 0


def test_spans_that_are_not_sampled_do_not_wait(silent: Silent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    process = Process(silent, 10)
    process.end_spans(100)
    assert process.waiting() == 0
    assert process.dropped("queue_full") == 0


def test_a_queue_that_cannot_be_is_refused_by_name(silent: Silent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "many")
    with pytest.raises(TracingError, match="OTEL_BSP"):
        Bounded(silent, Measures(CollectorRegistry()))


def test_a_limit_that_cannot_be_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SPAN_LINK_COUNT_LIMIT", "many")
    measures = Measures(CollectorRegistry())
    with pytest.raises(TracingError, match="OTEL_SPAN_LINK_COUNT_LIMIT"):
        recording("tested", SpanProcessor(), measures)


def test_an_empty_variable_is_one_that_is_not_set(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    for name in ("OTEL_TRACES_SAMPLER", "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(exporting, "Measures", lambda: Measures(CollectorRegistry()))
    tracing = exporting.exported("tested")
    span = tracing.tracer.start_span("batch")
    assert span.is_recording()
    tracing.close()
    assert caplog.messages == []


def test_the_sdk_says_a_thing_once_a_minute() -> None:
    seldom = Seldom(60.0)
    line = logging.LogRecord("otel", logging.ERROR, "", 0, "Failed to export spans", (), None)
    later = logging.LogRecord("otel", logging.ERROR, "", 0, "Failed to export more", (), None)
    later.created = line.created + 59
    other = logging.LogRecord("otel", logging.ERROR, "", 0, "Queue full", (), None)
    assert [seldom.filter(one) for one in (line, later, other)] == [True, False, True]
    later.created = line.created + 61
    assert seldom.filter(later)
