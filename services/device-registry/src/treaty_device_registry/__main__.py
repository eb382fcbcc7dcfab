"""python -m treaty_device_registry: the API, the outbox's relay and the inbox."""

from __future__ import annotations

import asyncio

import uvloop

from treaty_chassis.http.tokens import KeySetError
from treaty_chassis.sealing import SealError
from treaty_chassis.starting import started
from treaty_device_registry.app import serve
from treaty_device_registry.identity.model import IssuerError
from treaty_device_registry.settings import ApiSettings


def main() -> int:
    return started("device-registry", ApiSettings, _run, KeySetError, SealError, IssuerError, ValueError)


def _run(settings: ApiSettings) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(settings))


if __name__ == "__main__":
    raise SystemExit(main())
