"""Sets tracing up as the environment says, and not at all where it names no one to send spans to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from treaty_chassis.tracing.environment import TracingError, wanted

if TYPE_CHECKING:
    from treaty_chassis.tracing.spans import Tracing

__all__ = ["TracingError", "close", "start"]


def start(service: str, environment: Mapping[str, str] = os.environ) -> Tracing | None:
    """Spans of this process, to be closed at its end; None where nothing asks for them, at no cost.

    `service` is service.name unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES gives another. Nothing is
    connected to yet. Raises TracingError.
    """
    if not wanted(environment):
        return None
    try:
        # Ten megabytes and half a second, for those alone who asked.
        from treaty_chassis.tracing.exporting import exported  # noqa: PLC0415
    except ImportError as error:
        raise TracingError(f"OTLP is asked for, and {error.name} is not installed") from error
    return exported(service)


def close(tracing: Tracing | None) -> None:
    """Sends what waits, for two seconds at most."""
    if tracing is not None:
        tracing.close()
