"""librdkafka's settings for the data path, each with the reason it is not the default."""

from __future__ import annotations

from typing import Any

from treaty_chassis.kafka.security import reach

__all__ = ["consumer", "producer", "reader"]

# The largest record any topic takes; what a record may have is judged before, topic by topic.
MESSAGE_MAX_BYTES = 16 << 20


def _common(bootstrap_servers: str, client_id: str) -> dict[str, Any]:
    return reach(bootstrap_servers) | {
        "client.id": client_id,
        "reconnect.backoff.ms": 20,
        "reconnect.backoff.max.ms": 1000,
        "log.connection.close": False,
        "allow.auto.create.topics": False,
        "message.max.bytes": MESSAGE_MAX_BYTES,
    }


def reader(bootstrap_servers: str, client_id: str) -> dict[str, Any]:
    """A consumer without a group: partitions and offsets are given to it, and ends are told."""
    return _common(bootstrap_servers, client_id) | {
        "group.id": client_id,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        "auto.offset.reset": "error",
        "queued.max.messages.kbytes": 8192,
        "fetch.queue.backoff.ms": 5,
    }


def consumer(bootstrap_servers: str, group: str, slot: str) -> dict[str, Any]:
    return _common(bootstrap_servers, f"{group}-{slot}") | {
        "group.id": group,
        # The classic protocol: with the newer one a member killed without a word keeps its instance id
        # until its session times out, and its successor waits as long.
        "group.protocol": "classic",
        "group.instance.id": f"{group}-{slot}",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": 45_000,
        # How soon a member hears that the group is assigning anew.
        "heartbeat.interval.ms": 1000,
        "max.poll.interval.ms": 300_000,
        # Offsets travel in the producer's transactions.
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # A record that retention took before it was read is an alarm, never a silent skip.
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        # The end's offset lies past markers and aborted records, of which nothing else tells.
        "enable.partition.eof": True,
        # How soon a topic that appears is seen.
        "topic.metadata.refresh.interval.ms": 1000,
        # Memory: what is fetched ahead of the loop, a partition, and how soon a full queue is looked at
        # again (the default of a second would be felt as a stall).
        "queued.max.messages.kbytes": 4096,
        "fetch.queue.backoff.ms": 5,
        "fetch.message.max.bytes": 1 << 20,
        "fetch.max.bytes": 16 << 20,
    }


def producer(bootstrap_servers: str, group: str, slot: str) -> dict[str, Any]:
    return _common(bootstrap_servers, f"{group}-{slot}") | {
        "transactional.id": f"{group}-{slot}",
        "transaction.timeout.ms": 10_000,
        # A transaction that follows another is told to come back until the first one's markers are
        # written: with the default of 100 ms it comes back after most of a tenth of a second.
        "retry.backoff.ms": 1,
        "retry.backoff.max.ms": 5,
        # The loop makes the batches; a batch never exceeds the smallest topic's limit (1 MiB).
        "linger.ms": 0,
        "batch.size": 1_000_000,
        "queue.buffering.max.messages": 1_000_000,
        "queue.buffering.max.kbytes": 128 << 10,
        "delivery.report.only.error": True,
    }


def acknowledged_producer(bootstrap_servers: str, group: str, slot: str) -> dict[str, Any]:
    """For brokers that may know neither transactions nor idempotent producers."""
    settings = producer(bootstrap_servers, group, slot)
    for name in ("transactional.id", "transaction.timeout.ms"):
        del settings[name]
    return settings | {
        "acks": "all",
        # With more, a batch that is sent again would come after the one that followed it.
        "max.in.flight.requests.per.connection": 1,
        "delivery.timeout.ms": 30_000,
    }
