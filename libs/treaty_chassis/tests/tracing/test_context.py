"""The traceparent that records carry (W3C Trace Context), and the one that runs now."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from treaty_chassis.telemetry import configure_logging
from treaty_chassis.tracing.context import current, read, within
from treaty_chassis.tracing.spans import link

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GIVEN = f"00-{TRACE}-{SPAN}-01"


def test_the_last_traceparent_of_a_record_is_its_own() -> None:
    assert read([]) is None
    assert read([("other", b"1"), ("traceparent", GIVEN.encode()), ("after", None)]) == GIVEN
    assert read([("traceparent", b"no"), ("traceparent", GIVEN.encode())]) == GIVEN


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"01",
        f"ff-{TRACE}-{SPAN}-01".encode(),
        f"00-{'0' * 32}-{SPAN}-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(),
        f"00-{TRACE.upper()}-{SPAN}-01".encode(),
        f"{GIVEN}-more".encode(),
        f"{GIVEN}\n".encode(),
    ],
)
def test_what_is_no_traceparent_is_none(value: bytes | None) -> None:
    assert read([("traceparent", value)]) is None


def test_every_byte_of_a_traceparent_is_looked_at_and_what_is_read_names_a_span() -> None:
    for at, own in enumerate(GIVEN.encode()):
        for byte in range(256):
            value = GIVEN.encode()[:at] + bytes([byte]) + GIVEN.encode()[at + 1 :]
            meant = byte == own or (own != ord("-") and byte in b"0123456789abcdef")
            found = read([("traceparent", value)])
            assert found == (value.decode() if meant else None)
            assert found is None or link(found).context.is_valid


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """For tests to come, after one that configures the process's logging."""
    root, clients, chosen = logging.getLogger(), logging.getLogger("librdkafka"), structlog.get_config()
    level, handlers, filters = root.level, root.handlers[:], clients.filters[:]
    yield
    root.setLevel(level)
    root.handlers[:], clients.filters[:] = handlers, filters
    structlog.configure(**chosen)


@pytest.mark.usefixtures("logging_as_it_was")
def test_lines_logged_within_a_span_name_it_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = io.StringIO()
    monkeypatch.setattr(sys, "stderr", heard)
    configure_logging("tested")
    log = structlog.get_logger("tested")
    assert current() is None
    log.info("before")
    with within(int(TRACE, 16), int(SPAN, 16), 1):
        assert current() == GIVEN
        log.info("inside")
    log.info("after")
    assert current() is None
    before, inside, after = map(json.loads, heard.getvalue().splitlines())
    assert (inside["trace_id"], inside["span_id"]) == (TRACE, SPAN)
    assert "trace_id" not in before
    assert "trace_id" not in after
