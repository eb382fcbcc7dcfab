"""Consumers without a group: they assign themselves and commit nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from confluent_kafka import Consumer

from treaty_chassis.kafka.security import reach

__all__ = ["TOPIC", "client_id", "consumer"]

TOPIC: Final = "reading.normalized.v1"


def client_id(role: str) -> str:
    """What a consumer of this role calls itself."""
    return f"treaty-push-{role}"


def consumer(
    bootstrap_servers: str, role: str, on_statistics: Callable[[str], None] | None = None
) -> Consumer:
    """Reads committed records only, says where a partition ends, and takes a lost position for an error."""
    settings = reach(bootstrap_servers) | {
        "client.id": client_id(role),
        # librdkafka wants a name even of a consumer that never joins or commits.
        "group.id": client_id(role),
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "fetch.min.bytes": 1,
        "fetch.wait.max.ms": 100,
        "queued.max.messages.kbytes": 16384,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1000,
    }
    if on_statistics is not None:
        settings |= {"statistics.interval.ms": 2000, "stats_cb": on_statistics}
    return Consumer(settings)
