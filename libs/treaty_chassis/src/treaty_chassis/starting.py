"""How a process ends that cannot start: one line of what is wrong, and never a value that may be secret."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final, TypeVar

import structlog
from pydantic import ValidationError

from treaty_chassis.settings import ServiceSettings
from treaty_chassis.telemetry import configure_logging

__all__ = ["NOT_STARTED", "UNUSABLE", "started"]

S = TypeVar("S", bound=ServiceSettings)
UNUSABLE: Final = 2
"""The exit code where the settings cannot be used."""
NOT_STARTED: Final = 1
"""The exit code where what they name cannot: a key, a file, a port."""
log = structlog.get_logger(__name__)


def started(
    service: str,
    settings: type[S],
    run: Callable[[S], int],
    *refused: type[Exception],
) -> int:
    """What `run` returns, called with the settings of the environment and with the log configured. Settings
    that cannot be used are told in one line on stderr; an OSError, or one of `refused`, in one of the log."""
    try:
        told = settings()  # type: ignore[call-arg]  # from the environment
        configure_logging(service, told.log_level)
    except ValueError as error:
        sys.stderr.write(f"{service}: {_line(error)}\n")
        return UNUSABLE
    try:
        return run(told)
    except refused + (OSError,) as error:  # noqa: RUF005 - mypy takes no unpacking here
        log.error("not_started", error=str(error))
        return NOT_STARTED


def _line(error: ValueError) -> str:
    """Pydantic's own text has several lines, and quotes what it was given."""
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split())
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        ": ".join([*(str(part) for part in one["loc"][:1]), one["msg"].removeprefix("Value error, ")])
        for one in found
    )
