"""python -m treaty_device_registry.projector: readings into state and history."""

from __future__ import annotations

import signal
import threading
from functools import partial

import structlog

from treaty_chassis.postgres.projection import Projection
from treaty_chassis.postgres.readiness import ready
from treaty_chassis.probes import Check, Probes, remembered
from treaty_chassis.starting import started
from treaty_device_registry.schema import MIGRATIONS, SCHEMA
from treaty_device_registry.settings import ProjectorSettings
from treaty_device_registry.telemetry.projection import PROJECTION, Telemetry
from treaty_events.topics import READING_NORMALIZED

__all__ = ["main", "run"]

log = structlog.get_logger(__name__)


def run(settings: ProjectorSettings, stopping: threading.Event) -> int:
    """Projects until told to stop: 0; 1 where it cannot go on, which the log and readiness explain."""
    url = settings.database_url.get_secret_value()
    telemetry = Telemetry(settings.history_days)
    projection = Projection(
        PROJECTION,
        SCHEMA,
        [READING_NORMALIZED],
        telemetry.apply,
        idle=telemetry.idle,
        database_url=url,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        accept_loss=settings.accept_loss,
    )
    checks: dict[str, Check] = {
        "database": remembered(partial(ready, url, MIGRATIONS, SCHEMA)),
        "projection": projection.check,
    }
    served = Probes(settings.http_host, settings.http_port, checks).start()
    log.info("listening", host=settings.http_host, port=served.port)
    projection.start()
    while not stopping.wait(0.2) and not projection.failed.is_set():
        pass
    projection.stop()
    served.close()
    return 1 if projection.failed.is_set() else 0


def main() -> int:
    return started("device-registry-projector", ProjectorSettings, _run, ValueError)


def _run(settings: ProjectorSettings) -> int:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return run(settings, stopping)


if __name__ == "__main__":
    raise SystemExit(main())
