"""Topics from their specifications, idempotently; and the UUIDs of topics."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import structlog
from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.cimpl import NewTopic

from treaty_chassis.kafka.security import reach

__all__ = ["Difference", "TopicSpec", "admin", "apply", "existing", "topic_ids"]

log = structlog.get_logger(__name__)
REQUEST_TIMEOUT_S = 30.0
_LOOK_S = 0.05


class TopicSpec(Protocol):
    """What a topic is to be: `config` by Kafka's own names (cleanup.policy, retention.ms, ...)."""

    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> int: ...
    @property
    def config(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """A topic that exists otherwise than specified. It is left as it is: changing it is an operator's act."""

    topic: str
    setting: str
    expected: str
    found: str


def admin(bootstrap_servers: str) -> AdminClient:
    settings = reach(bootstrap_servers) | {"client.id": "treaty-admin"}
    return AdminClient(settings | {"logger": logging.getLogger("librdkafka")})


def apply(client: AdminClient, specs: Iterable[TopicSpec]) -> list[Difference]:
    """Creates the topics that are missing, at the broker's default replication, and reports every existing
    one that differs, in the log too. Those it made are known, with their leaders, when it returns. Two
    processes may do so at once. Raises KafkaException."""
    wanted = {spec.name: spec for spec in specs}
    if not wanted:
        return []
    found = existing(client)
    missing = [
        NewTopic(s.name, num_partitions=s.partitions, replication_factor=-1, config=dict(s.config))
        for s in wanted.values()
        if s.name not in found
    ]
    if missing:
        for name, future in client.create_topics(missing, request_timeout=REQUEST_TIMEOUT_S).items():
            if _created(future):
                log.info("topic created", topic=name)
        _await_leaders(client, {topic.topic for topic in missing})
    differences = _differences(client, [wanted[name] for name in sorted(wanted.keys() & found.keys())], found)
    for difference in differences:
        log.warning(
            "topic differs from its specification",
            topic=difference.topic,
            setting=difference.setting,
            expected=difference.expected,
            found=difference.found,
        )
    return differences


def _await_leaders(client: AdminClient, names: Collection[str]) -> None:
    """The controller's word comes before a broker's knowledge: a group that asks for a topic in between is
    told that there is none, and asks again minutes later."""
    end = time.monotonic() + REQUEST_TIMEOUT_S
    while not _led(client, names):
        if time.monotonic() > end:
            told = f"made, and not known after {REQUEST_TIMEOUT_S:.0f} s: {', '.join(sorted(names))}"
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, told, retriable=True))
        time.sleep(_LOOK_S)


def _led(client: AdminClient, names: Collection[str]) -> bool:
    found = client.list_topics(timeout=REQUEST_TIMEOUT_S).topics
    return all(
        name in found
        and found[name].error is None
        and all(partition.leader >= 0 for partition in found[name].partitions.values())
        for name in names
    )


def existing(client: AdminClient) -> dict[str, int]:
    """Every topic there is and its number of partitions."""
    topics = client.list_topics(timeout=REQUEST_TIMEOUT_S).topics
    return {name: len(topic.partitions) for name, topic in topics.items() if topic.error is None}


def topic_ids(client: AdminClient, names: Sequence[str]) -> dict[str, UUID]:
    """The UUID each topic got when it was created; topics that do not exist are left out."""
    if not names:
        return {}
    described: dict[str, Future[Any]] = client.describe_topics(
        TopicCollection(list(names)), request_timeout=REQUEST_TIMEOUT_S
    )
    ids: dict[str, UUID] = {}
    for name, future in described.items():
        topic = _unless(future, KafkaError.UNKNOWN_TOPIC_OR_PART)
        if topic is not None:
            ids[name] = _uuid(topic.topic_id)
    return ids


def _uuid(kafka: Any) -> UUID:
    """`kafka` is a confluent_kafka.Uuid, whose type stubs leave its two accessors out."""
    halves = (kafka.get_most_significant_bits(), kafka.get_least_significant_bits())
    return UUID(bytes=b"".join(half.to_bytes(8, "big", signed=True) for half in halves))


def _differences(
    client: AdminClient, specs: Sequence[TopicSpec], found: Mapping[str, int]
) -> list[Difference]:
    if not specs:
        return []
    resources = [ConfigResource(ConfigResource.Type.TOPIC, spec.name) for spec in specs]
    configs = {
        resource.name: future.result()
        for resource, future in client.describe_configs(resources, request_timeout=REQUEST_TIMEOUT_S).items()
    }
    differences = []
    for spec in specs:
        if found[spec.name] != spec.partitions:
            differences.append(
                Difference(spec.name, "partitions", str(spec.partitions), str(found[spec.name]))
            )
        for setting, expected in sorted(spec.config.items()):
            entry = configs[spec.name].get(setting)
            if entry is None or entry.value != expected:
                value = "absent" if entry is None else str(entry.value)
                differences.append(Difference(spec.name, setting, expected, value))
    return differences


def _created(future: Future[None]) -> bool:
    try:
        future.result()
    except KafkaException as error:
        if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
            return False
        raise
    return True


def _unless(future: Future[Any], code: int) -> Any:
    try:
        return future.result()
    except KafkaException as error:
        if error.args[0].code() == code:
            return None
        raise
