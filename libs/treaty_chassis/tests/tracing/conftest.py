"""Spans kept in memory, as the SDK's own exporter keeps them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from treaty_chassis.tracing.exporting import Measures, recording
from treaty_chassis.tracing.spans import Tracing


class Recorded:
    """A process that traces, and what it recorded."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._memory = InMemorySpanExporter()
        kept = SimpleSpanProcessor(self._memory)
        self.tracing: Tracing = recording("tested", kept, Measures(self.registry))

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._memory.get_finished_spans()

    def sample(self, name: str) -> float | None:
        return self.registry.get_sample_value(name)


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Recorded]:
    """With the given variables of the environment."""

    def make(**environment: str) -> Recorded:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return Recorded()

    return make


@pytest.fixture
def recorded(record: Callable[..., Recorded]) -> Recorded:
    return record()
