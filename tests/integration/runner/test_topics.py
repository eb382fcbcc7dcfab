"""Topics from their specifications, on a real broker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from treaty_chassis.kafka.topics import Difference, admin, apply, existing, topic_ids
from treaty_embedded.pytest_plugin import KafkaAddress

from .broker import PATIENCE_S, Spec, create, unique, wait_for


def test_topics_are_created_once_however_many_processes_start_at_once(kafka: KafkaAddress) -> None:
    spec = Spec(unique("made"), 3, {"retention.ms": "60000", "message.timestamp.type": "LogAppendTime"})
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: apply(admin(kafka.bootstrap_servers), [spec]), range(4)))
    assert answers == [[]] * 4
    client = admin(kafka.bootstrap_servers)
    wait_for(lambda: existing(client).get(spec.name) == 3, "the topic to be known")


def test_a_topic_that_is_otherwise_is_reported_and_left_as_it_is(kafka: KafkaAddress) -> None:
    client = admin(kafka.bootstrap_servers)
    name = unique("made")
    create(kafka.bootstrap_servers, Spec(name, 1, {"retention.ms": "60000"}))
    wanted = Spec(name, 2, {"retention.ms": "-1", "cleanup.policy": "compact"})
    differences = [
        Difference(name, "partitions", "2", "1"),
        Difference(name, "cleanup.policy", "compact", "delete"),
        Difference(name, "retention.ms", "-1", "60000"),
    ]
    assert apply(client, [wanted]) == differences
    assert apply(client, [wanted]) == differences


def test_a_topic_made_again_under_its_name_has_another_uuid(kafka: KafkaAddress) -> None:
    client = admin(kafka.bootstrap_servers)
    name = unique("made")
    create(kafka.bootstrap_servers, Spec(name))
    before = topic_ids(client, [name, unique("never")])
    assert list(before) == [name]
    assert isinstance(before[name], UUID)
    assert topic_ids(client, [name]) == before
    client.delete_topics([name], operation_timeout=30)[name].result(PATIENCE_S)
    wait_for(lambda: name not in existing(client), "the topic to be gone")
    create(kafka.bootstrap_servers, Spec(name))
    wait_for(lambda: name in topic_ids(client, [name]), "the topic to be known")
    assert topic_ids(client, [name]) != before
