"""The spans of a process: of a batch of records, linked to the traces of its records, and of a request.

Names and attributes are OpenTelemetry's: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
and, of requests, https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
)
from opentelemetry.util.types import AttributeValue

from treaty_chassis.tracing.context import within

__all__ = ["BatchSpan", "BatchSpans", "Tracing", "entered", "failed", "link"]

_SYSTEM: Final = "kafka"


@dataclass(frozen=True, slots=True)
class Tracing:
    """What a process that traces has. `links` is the most of a span, `links_dropped` is told of more."""

    tracer: Tracer
    links: int
    links_dropped: Callable[[float], None]
    close: Callable[[], None]
    """See treaty_chassis.tracing.setup.close. Nothing is recorded afterwards."""

    def batches(self, operation: str, client: str, group: str | None = None) -> BatchSpans:
        """Of the consumer that calls itself `client`, in its group where it has one."""
        return BatchSpans(self, operation, client, group)


class BatchSpans:
    """Spans of batches that one consumer reads from Kafka. `operation` is messaging.operation.name."""

    def __init__(self, tracing: Tracing, operation: str, client: str, group: str | None) -> None:
        self._tracing = tracing
        self._operation = operation
        self._constant: dict[str, AttributeValue] = {
            "messaging.system": _SYSTEM,
            "messaging.operation.name": operation,
            "messaging.operation.type": "process",
            "messaging.client.id": client,
        }
        if group is not None:
            self._constant["messaging.consumer.group.name"] = group

    @property
    def links(self) -> int:
        """The most that a batch's span links to."""
        return self._tracing.links

    @contextmanager
    def span(
        self,
        partitions: Collection[tuple[str, int]],
        messages: int,
        linked: Sequence[str],
        untold: int,
        began_ns: int,
        attributes: Mapping[str, AttributeValue],
    ) -> Iterator[BatchSpan]:
        """A root span from `began_ns` of the wall clock to the block's end, linked to the traceparents of
        `linked`; `untold` are traced records besides. What the block raises makes it a failure."""
        found = {**self._constant, "messaging.batch.message_count": messages, **attributes}
        name = self._operation
        topics = {topic for topic, _ in partitions}
        if len(topics) == 1:
            (topic,) = topics
            name = f"{name} {topic}"
            found["messaging.destination.name"] = topic
        if len(partitions) == 1:
            ((_, number),) = partitions
            found["messaging.destination.partition.id"] = str(number)
        left = max(0, len(linked) - self.links) + untold
        if left:
            self._tracing.links_dropped(left)
            found["treaty.batch.links_dropped"] = left
        links = [link(traceparent) for traceparent in linked[: self.links]]
        span = self._tracing.tracer.start_span(
            name,
            context=Context(),
            kind=SpanKind.CONSUMER,
            attributes=found,
            links=links,
            start_time=began_ns,
        )
        batch = BatchSpan(span)
        try:
            with entered(span):
                yield batch
        except BaseException as error:
            batch.failed(error)
            raise
        finally:
            span.end()


class BatchSpan:
    def __init__(self, span: Span) -> None:
        self._span = span

    def note(self, name: str, value: AttributeValue) -> None:
        self._span.set_attribute(name, value)

    def failed(self, error: BaseException) -> None:
        """Its work came to nothing."""
        failed(self._span, type(error).__name__, str(error))


def entered(span: Span) -> AbstractContextManager[None]:
    """What runs in the block, and every line it logs, belongs to the span."""
    context = span.get_span_context()
    return within(context.trace_id, context.span_id, context.trace_flags)


def link(traceparent: str) -> Link:
    """To the span a traceparent names, which is one of treaty_chassis.tracing.context."""
    _, trace_id, span_id, flags = traceparent.split("-")
    sampled = TraceFlags(int(flags, 16))
    return Link(SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=sampled))


def failed(span: Span, kind: str, detail: str = "") -> None:
    """The span's work came to nothing. `kind` is error.type, of few values."""
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, detail or None))
