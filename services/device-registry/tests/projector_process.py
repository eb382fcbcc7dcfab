"""A projector of a topic that kills itself, as kill -9 would, at a point of one of its batches."""

import os
import signal
import sys
import threading

from treaty_chassis.postgres.projection import Projection
from treaty_chassis.telemetry import configure_logging
from treaty_device_registry.schema import SCHEMA
from treaty_device_registry.telemetry.projection import PROJECTION, Telemetry


def main(topic: str, database_url: str, servers: str, point: str, batch: str) -> None:
    left = int(batch)

    def die_at(reached: str) -> None:
        nonlocal left
        left -= reached == point
        if reached == point and left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    configure_logging("projector")
    telemetry = Telemetry(90)
    projection = Projection(
        PROJECTION,
        SCHEMA,
        [topic],
        telemetry.apply,
        database_url=database_url,
        bootstrap_servers=servers,
        batch=10,
        failpoint=die_at,
    )
    projection.start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
