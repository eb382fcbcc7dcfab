"""A relay in a process of its own that says when it has come to a point, and waits there to be killed."""

import sys
import threading

from sqlalchemy import MetaData

from treaty_chassis.postgres.outbox import Outbox
from treaty_chassis.postgres.relay import Relay
from treaty_chassis.telemetry import configure_logging


def main(schema: str, topic: str, database_url: str, servers: str, point: str) -> None:
    def stop_at(reached: str) -> None:
        if reached == point:
            print(point, flush=True)
            threading.Event().wait()

    configure_logging("relay")
    Relay(Outbox(MetaData(), schema, topic), database_url, servers, failpoint=stop_at).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
