"""Views of real compacted topics: complete before they count, and up to date from then on."""

from __future__ import annotations

from confluent_kafka import Producer

from treaty_chassis.kafka.follower import Follower
from treaty_chassis.kafka.view import CompactedView
from treaty_embedded.pytest_plugin import KafkaAddress

from .broker import PATIENCE_S, Spec, create, unique, wait_for


def transact(servers: str, topic: str, changes: dict[str, bytes | None], *, commit: bool = True) -> None:
    producer = Producer({"bootstrap.servers": servers, "transactional.id": unique("relay")})
    producer.init_transactions(PATIENCE_S)
    producer.begin_transaction()
    for key, value in changes.items():
        producer.produce(topic, value, key)
    producer.flush(PATIENCE_S)
    if commit:
        producer.commit_transaction(PATIENCE_S)
    else:
        producer.abort_transaction(PATIENCE_S)


def test_it_is_complete_only_when_every_topic_exists_and_has_been_read_to_its_end(
    kafka: KafkaAddress,
) -> None:
    servers = kafka.bootstrap_servers
    here, later = (CompactedView(unique(name), int) for name in ("here", "later"))
    create(servers, Spec(here.topic, 3, {"cleanup.policy": "compact"}))
    transact(servers, here.topic, {str(n): b"%d" % n for n in range(300)})
    # What stands last in the log is a marker, and before it records nobody is to see.
    transact(servers, here.topic, {"0": b"-1"}, commit=False)
    follower = Follower(servers, unique("views"), [here, later]).start()
    try:
        wait_for(
            lambda: follower.check() == f"no such topic yet: {later.topic}", "what is missing to be told"
        )
        assert not follower.wait(0.2)
        create(servers, Spec(later.topic, 1, {"cleanup.policy": "compact"}))
        assert follower.wait(PATIENCE_S)
        assert follower.check() is None
        assert dict(here.items()) == {str(n): n for n in range(300)}
        transact(servers, later.topic, {"a": b"7"})
        wait_for(lambda: later.get("a") == 7, "the change to be followed")
        transact(servers, later.topic, {"a": None})
        wait_for(lambda: "a" not in later, "the tombstone to be followed")
    finally:
        follower.close()


def test_a_view_that_fails_says_so_and_tells_whoever_runs_it(kafka: KafkaAddress) -> None:
    servers = kafka.bootstrap_servers
    view = CompactedView(unique("things"), int, max_entries=1)
    create(servers, Spec(view.topic))
    transact(servers, view.topic, {"a": b"1", "b": b"2"})
    told: list[str] = []
    follower = Follower(servers, unique("views"), [view], on_failure=told.append).start()
    try:
        wait_for(lambda: bool(told), "the failure")
        assert "more than 1 keys" in (follower.check() or "")
    finally:
        follower.close()


def test_partitions_that_are_added_are_followed_too(kafka: KafkaAddress, monkeypatch) -> None:
    from confluent_kafka.cimpl import NewPartitions

    from treaty_chassis.kafka import follower as module
    from treaty_chassis.kafka.topics import admin

    monkeypatch.setattr(module, "_GROWTH_S", 0.2)
    servers = kafka.bootstrap_servers
    view = CompactedView(unique("things"), int)
    create(servers, Spec(view.topic))
    follower = Follower(servers, unique("views"), [view]).start()
    try:
        assert follower.wait(PATIENCE_S)
        client = admin(servers)
        client.create_partitions([NewPartitions(view.topic, 6)])[view.topic].result(PATIENCE_S)
        transact(servers, view.topic, {str(n): b"%d" % n for n in range(60)})
        wait_for(lambda: len(view) == 60, "keys of all six partitions")
    finally:
        follower.close()
