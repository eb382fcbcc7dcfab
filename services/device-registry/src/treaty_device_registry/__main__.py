"""python -m treaty_device_registry: the API, the outbox's relay and the inbox."""

from __future__ import annotations

import asyncio
import sys

import structlog
import uvloop
from pydantic import ValidationError

from treaty_chassis.http.tokens import KeySetError
from treaty_chassis.sealing import SealError
from treaty_chassis.telemetry import configure_logging
from treaty_device_registry.app import serve
from treaty_device_registry.identity.model import IssuerError
from treaty_device_registry.settings import ApiSettings

log = structlog.get_logger(__name__)


def main() -> int:
    try:
        settings = ApiSettings()  # type: ignore[call-arg]  # from the environment
        configure_logging("device-registry", settings.log_level)
    except (ValidationError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(serve(settings))
    except (KeySetError, SealError, IssuerError, ValueError, OSError) as error:
        log.error("not_started", error=str(error))
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
