"""python -m treaty_contract_governance"""

from __future__ import annotations

import asyncio

import structlog
import uvloop

from treaty_chassis.http.tokens import KeySetError
from treaty_chassis.starting import started
from treaty_chassis.tracing.environment import TracingError
from treaty_contract_governance.app import StartError, StoppedError, serve
from treaty_contract_governance.plugins.signatures import KeysError
from treaty_contract_governance.settings import Settings

log = structlog.get_logger(__name__)


def main() -> int:
    refused = (StartError, KeySetError, KeysError, TracingError)
    return started("contract-governance", Settings, _run, *refused)


def _run(settings: Settings) -> int:
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except StoppedError as error:
        log.error("stopped", error=str(error))
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
