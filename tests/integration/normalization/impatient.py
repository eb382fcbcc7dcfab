"""A worker that looks at its backlog every second, and whose session ends 15 s after its death: what tests
would wait for without seeing more."""

import sys
from typing import Any

from treaty_chassis.kafka import config
from treaty_normalization import backlog
from treaty_normalization.app import main

SESSION_MS = 15_000
usual = config.consumer


def consumer(*identity: str) -> dict[str, Any]:
    return usual(*identity) | {"session.timeout.ms": SESSION_MS}


if __name__ == "__main__":
    config.consumer = consumer
    backlog.LOOK_EVERY_S = 1.0  # type: ignore[misc]
    sys.exit(main())
