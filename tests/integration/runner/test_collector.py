"""Whatever the collector of traces does, records are copied once and commits wait for nothing."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Producer

from .broker import PATIENCE_S, read, values, wait_for
from .conftest import Flow

ANSWER_S = 240.0
"""How long an export waits for its answer: a commit that waited for one would take as long."""


class Collector:
    """A listening socket that takes connections and answers each with the given bytes, or never."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.asked = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._open.append(connection)
            connection.recv(65536)
            self.asked.set()
            if self._answer:
                connection.sendall(self._answer)
                connection.close()

    def close(self) -> None:
        self._listening.close()
        for connection in self._open:
            connection.close()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], Collector]]:
    made: list[Collector] = []

    def make(answer: bytes) -> Collector:
        made.append(Collector(answer))
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made[-1].url)
        return made[-1]

    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "4")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", str(ANSWER_S))
    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 503 later\r\ncontent-length: 0\r\n\r\n",
    ],
    ids=["never answers", "refuses", "asks to be asked again"],
)
def test_a_collector_in_trouble_neither_loses_nor_delays(
    flow: Flow, collector: Callable[[bytes], Collector], answer: bytes
) -> None:
    found = collector(answer)
    began = time.monotonic()
    process = flow.process()
    produce_traced(flow, [b"first"])
    wait_for(lambda: values(read(flow.servers, flow.out)) == [b"first"], "the first copy")
    assert found.asked.wait(PATIENCE_S), "the first batch's span was never sent"
    # Now the exporter is busy with that, and more transactions come than its queue has room for.
    each = [b"%03d" % number for number in range(8)]
    for number, value in enumerate(each):
        produce_traced(flow, [value])
        wait_for(lambda up_to=number: len(read(flow.servers, flow.out)) == up_to + 2, "each copy in turn")
    many = [b"many %04d" % number for number in range(2_000)]
    produce_traced(flow, many)
    wait_for(lambda: len(read(flow.servers, flow.out)) >= 2_009, "all copies")
    assert values(read(flow.servers, flow.out)) == sorted([b"first", *each, *many])
    process.terminate()
    assert process.wait(PATIENCE_S) == 0
    assert time.monotonic() - began < ANSWER_S, "something waited for the collector"


def test_a_collector_that_is_away_is_no_reason_not_to_start(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{listening.getsockname()[1]}")
    process = flow.process()
    produce_traced(flow, [b"1", b"2", b"3"])
    wait_for(lambda: values(read(flow.servers, flow.out)) == [b"1", b"2", b"3"], "the copies")
    process.terminate()
    assert process.wait(PATIENCE_S) == 0


def produce_traced(flow: Flow, found: list[bytes]) -> None:
    producer = Producer({"bootstrap.servers": flow.servers, "enable.idempotence": True})
    for value in found:
        traceparent = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
        producer.produce(flow.source, value, value, headers=[("traceparent", traceparent.encode())])
    assert producer.flush(PATIENCE_S) == 0
