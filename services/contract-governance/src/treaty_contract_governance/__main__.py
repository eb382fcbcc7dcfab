"""python -m treaty_contract_governance"""

from __future__ import annotations

import asyncio
import sys

import structlog
import uvloop
from pydantic import ValidationError

from treaty_chassis.http.tokens import KeySetError
from treaty_chassis.telemetry import configure_logging
from treaty_chassis.tracing.environment import TracingError
from treaty_contract_governance.app import StartError, StoppedError, serve
from treaty_contract_governance.plugins.signatures import KeysError
from treaty_contract_governance.settings import Settings

log = structlog.get_logger(__name__)


def main() -> int:
    try:
        settings = Settings()  # type: ignore[call-arg]  # from the environment
    except ValidationError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    configure_logging("contract-governance", settings.log_level)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except (StartError, KeySetError, KeysError, TracingError, OSError) as error:
        log.error("not_started", error=str(error))
        return 1
    except StoppedError as error:
        log.error("stopped", error=str(error))
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
