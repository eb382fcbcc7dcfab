"""Single uplinks of the demo's fleet, wrapped and signed as their gateways would, delivered for certain."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import SystemRandom

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from treaty_chassis.kafka.security import reach
from treaty_chassis.kafka.topics import admin, topic_ids
from treaty_cli.demo import corpora
from treaty_cli.demo.corpora import Case
from treaty_cli.demo.seed import Seed, SeedDevice
from treaty_cli.demo.traffic import WRAP, Sending, Traffic
from treaty_events.identity import EventId
from treaty_events.networks import Network

__all__ = ["NotDeliveredError", "produce", "sending"]

_DELIVERED_S = 30.0
_REACHED_S = 5.0


class NotDeliveredError(RuntimeError):
    """Kafka did not take it."""


def sending(seed: Seed, device: SeedDevice, plugins: Path, payload: bytes | None = None) -> Sending:
    """A real uplink of the device as of now, with another payload where one is given."""
    corpus = corpora.load({device.corpus}, plugins)[device.corpus]
    if payload is not None:
        corpus = replace(corpus, cases=(_with_payload(corpus.cases[0], device.network, payload),))
    alone = replace(seed, devices=(device,), unknown=())
    return Traffic(alone, {device.corpus: corpus}, SystemRandom()).next(time.time_ns() // 1_000_000)


def _with_payload(case: Case, network: Network, payload: bytes) -> Case:
    if network not in WRAP:
        return replace(case, payload=payload)
    wrapped = WRAP[network](case.message, external_id="0" * 16, at_ms=0, counter=0, dedup_id="", data=payload)
    return replace(case, payload=payload, message=json.loads(wrapped.value))


def produce(bootstrap_servers: str, sendings: Sequence[Sending]) -> list[EventId]:
    """Where each now stands in the log, in the order given. Raises NotDeliveredError."""
    settings = reach(bootstrap_servers) | {"enable.idempotence": True, "log_level": 0}
    producer = Producer(settings)
    try:
        producer.list_topics(timeout=_REACHED_S)
    except KafkaException as error:
        raise NotDeliveredError(
            f"Kafka at {bootstrap_servers} does not answer: is the platform up?"
        ) from error
    found: dict[int, Message] = {}
    for number, one in enumerate(sendings):

        def delivered(error: KafkaError | None, message: Message, number: int = number) -> None:
            if error is None:
                found[number] = message

        producer.produce(
            one.topic, key=one.key, value=one.value, headers=list(one.headers), on_delivery=delivered
        )
    producer.flush(_DELIVERED_S)
    if len(found) < len(sendings):
        lost = next(one.topic for number, one in enumerate(sendings) if number not in found)
        raise NotDeliveredError(f"{lost} on {bootstrap_servers} did not take it in {_DELIVERED_S:.0f} s")
    ids = topic_ids(admin(bootstrap_servers), sorted({one.topic for one in sendings}))
    return [
        EventId(ids[one.topic], found[number].partition() or 0, found[number].offset() or 0)
        for number, one in enumerate(sendings)
    ]
