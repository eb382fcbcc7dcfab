"""Logs as JSON lines on stderr, and the registry of metrics: the same in every service."""

from __future__ import annotations

import logging
import sys
from typing import Final

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

__all__ = ["LATENCY_BUCKETS", "METRICS", "Seldom", "configure_logging"]

METRICS: Final[CollectorRegistry] = REGISTRY
"""The process's registry. Names in base units (seconds, bytes), counters end in _total, no label a device."""

LATENCY_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds; for everything between a poll and a commit."""

LIBRDKAFKA: Final = "librdkafka"
"""The logger its clients are given. Its lines begin with a word for their kind (FAIL, TXNERR, ...)."""


class Seldom(logging.Filter):
    """One line of a kind in so many seconds: while a broker or a collector is away they come by the hundred.
    A line's kind is its first two words."""

    def __init__(self, seconds: float = 5.0) -> None:
        super().__init__()
        self._seconds = seconds
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind = " ".join(record.getMessage().split(" ", 2)[:2])
        if record.levelno >= logging.CRITICAL or record.created - self._last.get(kind, 0.0) >= self._seconds:
            self._last[kind] = record.created
            return True
        return False


def configure_logging(service: str, level: str = "INFO") -> None:
    """One JSON object a line, with level, RFC 3339 UTC time, logger and service; the standard library's
    loggers go the same way. Raises ValueError for a level that does not exist."""
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"log level: expected one of DEBUG, INFO, WARNING, ERROR, got {level!r}")

    def name_service(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {**event, "service": service}

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        name_service,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.EventRenamer("message"),
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.getLogger(LIBRDKAFKA).addFilter(Seldom())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
