"""One span a transaction of the runner, linked to the traces of the records in it."""

from __future__ import annotations

import pytest
from opentelemetry.semconv._incubating.attributes import messaging_attributes as semconv
from opentelemetry.trace import SpanKind, StatusCode

from treaty_chassis.kafka.ledger import Batch
from treaty_chassis.kafka.port import AbortedError
from treaty_chassis.kafka.spans import TransactionSpans, Untraced, spans_of
from treaty_chassis.kafka.work import Output, Partition, Record

TOPIC = "uplink.raw.v1"


def traceparent(number: int, flags: str = "01") -> str:
    return f"00-{number + 1:032x}-{number + 1:016x}-{flags}"


def record(offset: int, traced: str | None = None, topic: str = TOPIC, partition: int = 0) -> Record:
    headers = [("content-type", b"application/json")]
    if traced is not None:
        headers.append(("traceparent", traced.encode()))
    return Record(topic, partition, offset, 0, b"key", b"value", headers)


def batch(
    first: int, following: int, topic: str = TOPIC, partition: int = 0, into: Batch | None = None
) -> Batch:
    found = into or Batch()
    where = Partition(topic, partition)
    found.firsts[where], found.offsets[where], found.counts[where] = first, following, following - first
    found.outputs += [Output("uplink.accepted.a.v1", None, None)] * (following - first)
    return found


class Clock:
    def __init__(self) -> None:
        self.ns = 1_000

    def __call__(self) -> int:
        self.ns += 1_000
        return self.ns


@pytest.fixture
def spans(recorded) -> TransactionSpans:
    batches = recorded.tracing.batches("process", "treaty-ingestion-0", "treaty-ingestion")
    return TransactionSpans(batches, Clock())


def linked(span) -> list[str]:
    contexts = [link.context for link in span.links]
    return [f"00-{c.trace_id:032x}-{c.span_id:016x}-{c.trace_flags:02x}" for c in contexts]


def test_a_transaction_is_one_span_that_links_to_the_traces_of_its_records(recorded, spans) -> None:
    spans.submitted([record(7), record(8, traceparent(8)), record(9, traceparent(9))])
    with spans.transaction(batch(7, 10)):
        pass
    (span,) = recorded.spans
    assert span.name == "process uplink.raw.v1"
    assert span.kind is SpanKind.CONSUMER
    assert span.parent is None
    assert linked(span) == [traceparent(8), traceparent(9)]
    assert dict(span.attributes) == {
        semconv.MESSAGING_SYSTEM: semconv.MessagingSystemValues.KAFKA.value,
        semconv.MESSAGING_OPERATION_NAME: "process",
        semconv.MESSAGING_OPERATION_TYPE: semconv.MessagingOperationTypeValues.PROCESS.value,
        semconv.MESSAGING_CONSUMER_GROUP_NAME: "treaty-ingestion",
        semconv.MESSAGING_CLIENT_ID: "treaty-ingestion-0",
        semconv.MESSAGING_BATCH_MESSAGE_COUNT: 3,
        semconv.MESSAGING_DESTINATION_NAME: TOPIC,
        semconv.MESSAGING_DESTINATION_PARTITION_ID: "0",
        "treaty.batch.outputs": 3,
    }
    assert span.resource.attributes["service.name"] == "tested"
    assert span.resource.attributes["service.namespace"] == "treaty"


def test_records_without_a_trace_still_make_one_span_a_batch(recorded, spans) -> None:
    spans.submitted([record(offset) for offset in range(5)])
    with spans.transaction(batch(0, 5)):
        pass
    (span,) = recorded.spans
    assert not span.links
    assert span.attributes[semconv.MESSAGING_BATCH_MESSAGE_COUNT] == 5


def test_a_span_begins_when_the_oldest_of_its_records_was_polled(recorded, spans) -> None:
    spans.submitted([record(0)])
    spans.submitted([record(1), record(2)])
    spans.submitted([record(0, partition=1)])
    for first, following in ((0, 1), (1, 2), (2, 3)):
        with spans.transaction(batch(first, following)):
            pass
    with spans.transaction(batch(0, 1, partition=1)):
        pass
    assert [span.start_time for span in recorded.spans] == [2_000, 3_000, 3_000, 4_000]


def test_a_batch_of_several_topics_names_none(recorded, spans) -> None:
    spans.submitted([record(0), record(4, topic="uplink.raw.own.v1")])
    with spans.transaction(batch(4, 5, "uplink.raw.own.v1", into=batch(0, 1))):
        pass
    (span,) = recorded.spans
    assert span.name == "process"
    assert semconv.MESSAGING_DESTINATION_NAME not in span.attributes
    assert semconv.MESSAGING_DESTINATION_PARTITION_ID not in span.attributes


def test_records_left_for_the_next_transaction_are_linked_there(recorded, spans) -> None:
    spans.submitted([record(offset, traceparent(offset)) for offset in range(4)])
    for first, following in ((0, 3), (3, 4)):
        with spans.transaction(batch(first, following)):
            pass
    first, second = recorded.spans
    assert linked(first) == [traceparent(n) for n in (0, 1, 2)]
    assert linked(second) == [traceparent(3)]


def test_an_aborted_transaction_is_a_failed_span_and_its_records_are_linked_again(recorded, spans) -> None:
    records = [record(offset, traceparent(offset)) for offset in range(3)]
    spans.submitted(records)
    with spans.transaction(batch(0, 2)) as span:
        span.failed(AbortedError("the coordinator was away"))
    spans.submitted(records)
    with spans.transaction(batch(0, 3)):
        pass
    failed, done = recorded.spans
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.attributes["error.type"] == "AbortedError"
    assert done.status.status_code is StatusCode.UNSET
    assert linked(done) == [traceparent(n) for n in range(3)]


def test_what_ends_the_runner_ends_the_span_as_a_failure(recorded, spans) -> None:
    spans.submitted([record(0)])
    with pytest.raises(RuntimeError), spans.transaction(batch(0, 1)):
        raise RuntimeError("gone")
    (span,) = recorded.spans
    assert span.attributes["error.type"] == "RuntimeError"


def test_offsets_committed_without_a_record_make_no_span(recorded, spans) -> None:
    carried = Batch()
    carried.offsets[Partition(TOPIC, 0)] = 12
    carried.counts[Partition(TOPIC, 0)] = 0
    with spans.transaction(carried):
        pass
    assert recorded.spans == ()


def test_links_are_bounded_and_those_left_out_are_counted(record_with) -> None:
    recorded, spans = record_with(OTEL_SPAN_LINK_COUNT_LIMIT="2")
    spans.submitted([record(offset, traceparent(offset)) for offset in range(20)])
    with spans.transaction(batch(0, 5)):
        pass
    with spans.transaction(batch(5, 20)):
        pass
    first, second = recorded.spans
    assert linked(first) == [traceparent(0), traceparent(1)]
    assert linked(second) == [traceparent(5), traceparent(6)]
    left = [span.attributes["treaty.batch.links_dropped"] for span in (first, second)]
    assert sum(left) == 20 - 4
    assert recorded.sample("treaty_tracing_links_dropped_total") == 16


@pytest.mark.parametrize(
    ("sampler", "flags", "seen"),
    [
        ("parentbased_always_off", "01", True),
        ("parentbased_always_off", "00", False),
        ("parentbased_always_on", "00", True),
        ("always_off", "01", False),
        ("always_on", "00", True),
    ],
)
def test_a_sampled_device_decides_for_a_batch_as_a_parent_would(record_with, sampler, flags, seen) -> None:
    recorded, spans = record_with(OTEL_TRACES_SAMPLER=sampler)
    spans.submitted([record(0), record(1, traceparent(1, flags))])
    with spans.transaction(batch(0, 2)):
        pass
    assert bool(recorded.spans) is seen


@pytest.fixture
def record_with(record):
    def make(**environment: str):
        recorded = record(**environment)
        return recorded, TransactionSpans(recorded.tracing.batches("process", "client", "group"))

    return make


def test_the_environment_names_the_service(record) -> None:
    recorded = record(OTEL_SERVICE_NAME="mine", OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=site")
    recorded.tracing.tracer.start_span("a").end()
    attributes = recorded.spans[0].resource.attributes
    assert attributes["service.name"] == "mine"
    assert attributes["deployment.environment.name"] == "site"


def test_a_runner_without_tracing_keeps_nothing() -> None:
    spans = spans_of(None, "group", "0")
    assert isinstance(spans, Untraced)
    spans.submitted([record(0, traceparent(0))])
    with spans.transaction(batch(0, 1)) as span:
        span.failed(AbortedError("away"))
