"""The broker: real, small, clean to stop, hard to kill for good, and at home on its data."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time

import pytest
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

from treaty_embedded import DataDirBusyError, EmbeddedError, Kafka, PortBusyError, StartError, ahead
from treaty_embedded.process import running, wait_until
from treaty_embedded.reading import read_to_end
from treaty_embedded.settling import settle

# One server for those that share it.
pytestmark = pytest.mark.xdist_group("embedded-kafka")
PATIENCE_S = 120
CUT_S = 4
"""How long a transaction may be open that is cut off."""


def create(bootstrap: str, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(PATIENCE_S)


def produce(bootstrap: str, topic: str, value: bytes, transactional_id: str | None = None) -> None:
    settings = {"bootstrap.servers": bootstrap}
    if transactional_id is not None:
        settings["transactional.id"] = transactional_id
    producer = Producer(settings)
    if transactional_id is not None:
        producer.init_transactions(PATIENCE_S)
        producer.begin_transaction()
    producer.produce(topic, value)
    if transactional_id is not None:
        producer.commit_transaction(PATIENCE_S)
    assert producer.flush(PATIENCE_S) == 0


def values(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "none", "isolation.level": "read_committed"}
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    found: list[bytes] = []
    end = time.monotonic() + PATIENCE_S
    while len(found) < count and time.monotonic() < end:
        record = consumer.poll(1)
        if record is not None and record.error() is None:
            found.append(record.value())
    consumer.close()
    return found


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory):
    with Kafka(tmp_path_factory.mktemp("kafka")) as found:
        yield found


def test_a_transaction_is_committed_and_read(broker):
    create(broker.bootstrap_servers, "committed")
    produce(broker.bootstrap_servers, "committed", b"once", transactional_id="t")
    assert values(broker.bootstrap_servers, "committed", 1) == [b"once"]


def test_a_topic_nobody_declared_is_not_created(broker):
    consumer = Consumer(
        {"bootstrap.servers": broker.bootstrap_servers, "group.id": "g", "allow.auto.create.topics": True}
    )
    consumer.subscribe(["undeclared"])
    told = []

    def refused() -> bool:
        record = consumer.poll(1)
        if record is not None:
            told.append(record.error() and record.error().code())
        return KafkaError.UNKNOWN_TOPIC_OR_PART in told

    assert wait_until(refused, PATIENCE_S), told
    consumer.close()


def test_a_restart_keeps_port_and_data_and_so_does_a_kill(broker):
    before = broker.bootstrap_servers
    create(before, "kept")
    produce(before, "kept", b"1")
    broker.restart()
    produce(before, "kept", b"2")
    broker.kill()
    assert not broker.alive()
    broker.start()
    assert broker.bootstrap_servers == before
    assert values(before, "kept", 2) == [b"1", b"2"]


@pytest.mark.timeout(600)
def test_a_transaction_that_a_kill_cuts_off_leaves_nothing_that_hangs(broker):
    """Its time is over before the broker is back, which aborts it; see Kafka._end_session."""
    create(broker.bootstrap_servers, "cut")
    produce(broker.bootstrap_servers, "cut", b"before")
    place, own = TopicPartition("cut", 0, 1), {"bootstrap.servers": broker.bootstrap_servers}
    member = Consumer(own | {"group.id": "cut"})
    cut = Producer(own | {"transactional.id": "cut", "transaction.timeout.ms": CUT_S * 1000})
    cut.init_transactions(PATIENCE_S)

    def begin() -> float:
        began = time.monotonic()
        cut.begin_transaction()
        cut.produce("cut", b"cut off")
        cut.send_offsets_to_transaction([place], member.consumer_group_metadata(), PATIENCE_S)
        assert cut.flush(PATIENCE_S) == 0
        return began

    # The first of a broker waits for topics that are made for it, which may take longer than it may itself.
    with contextlib.suppress(KafkaException):
        begin()
        cut.abort_transaction(PATIENCE_S)
    cut = Producer(own | {"transactional.id": "cut", "transaction.timeout.ms": CUT_S * 1000})
    cut.init_transactions(PATIENCE_S)
    began = begin()
    broker.kill()
    assert wait_until(lambda: time.monotonic() - began > CUT_S, PATIENCE_S)
    broker.start()
    produce(broker.bootstrap_servers, "cut", b"after", "another")
    assert values(broker.bootstrap_servers, "cut", 2) == [b"before", b"after"]
    admin = AdminClient(own)

    def settled() -> bool:
        asked = ConsumerGroupTopicPartitions("cut", [TopicPartition("cut", 0)])
        (found,) = admin.list_consumer_group_offsets([asked], require_stable=True).values()
        try:
            return found.result(PATIENCE_S).topic_partitions[0].error is None
        except KafkaException:  # The coordinator has only just begun.
            return False

    assert wait_until(settled, PATIENCE_S, 0.1), "the group's offset hangs"
    member.close()


def test_topics_just_made_are_waited_for_until_they_answer_and_missing_ones_are_named(broker):
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    names = [f"settled-{n}" for n in range(8)]
    for made in admin.create_topics([NewTopic(name, 4, 1) for name in names]).values():
        made.result(PATIENCE_S)
    settle(broker.bootstrap_servers, names)
    reader = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "none"})
    places = [TopicPartition(name, number) for name in names for number in range(4)]
    assert {reader.get_watermark_offsets(place, timeout=PATIENCE_S) for place in places} == {(0, 0)}
    reader.close()
    with pytest.raises(EmbeddedError, match="missing: nowhere"):
        settle(broker.bootstrap_servers, ["nowhere"], 0.1)


def test_a_topic_is_read_to_its_end_and_no_aborted_record_of_it(broker):
    servers = broker.bootstrap_servers
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_topics([NewTopic("ended", 2, 1)])["ended"].result(PATIENCE_S)
    settle(servers, ["ended"])
    assert read_to_end(servers, "ended") == []
    producer = Producer({"bootstrap.servers": servers, "transactional.id": "ended"})
    producer.init_transactions(PATIENCE_S)
    for value, finish in (
        (b"a", producer.commit_transaction),
        (b"b", producer.abort_transaction),
        (b"c", producer.commit_transaction),
    ):
        producer.begin_transaction()
        for partition in (0, 1):
            producer.produce("ended", value, partition=partition)
        producer.flush(PATIENCE_S)
        finish(PATIENCE_S)

    def told(**given):
        found = read_to_end(servers, "ended", **given)
        return sorted((message.partition(), message.value()) for message in found)

    assert told() == [(0, b"a"), (0, b"c"), (1, b"a"), (1, b"c")]
    assert told(begin={0: 1}) == [(0, b"c"), (1, b"a"), (1, b"c")]
    assert len(told(isolation="read_uncommitted")) == 6
    with pytest.raises(KafkaException):
        read_to_end(servers, "nowhere-ended")
    with pytest.raises(EmbeddedError, match="was not read to its end"):
        read_to_end(servers, "ended", timeout_s=-1)


def test_a_data_directory_has_one_broker(broker):
    with pytest.raises(DataDirBusyError, match=f"in use by process {os.getpid()}"):
        Kafka(broker.log.parent).start()
    assert broker.alive()


def test_a_busy_port_names_the_port_and_the_setting(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortBusyError, match=rf"port {port} .*TREATY_KAFKA_PORT"):
            Kafka(tmp_path, port=port).start()


def test_without_java_s_prepared_classes_or_with_others_it_starts_all_the_same(tmp_path, monkeypatch):
    damaged = tmp_path / "damaged.aot"
    damaged.write_bytes(b"no such thing" * 1000)
    for prepared in (damaged, tmp_path / "missing.aot"):
        monkeypatch.setattr(ahead, "cache_file", lambda prepared=prepared: prepared)
        with Kafka(tmp_path / prepared.stem) as found:
            assert found.alive()


def test_a_broker_that_cannot_start_says_why(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "meta.properties").write_text("version=1\ncluster.id=x\nnode.id=7\n")
    with pytest.raises(StartError, match=r"(?s)ended with code 1.*node.id"):
        Kafka(tmp_path).start()


def test_a_broker_ends_with_the_process_that_started_it(tmp_path):
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(
                """
                import sys, time
                from pathlib import Path
                from treaty_embedded import Kafka

                kafka = Kafka(Path(sys.argv[1]))
                kafka.start()
                print(kafka.pid, flush=True)
                time.sleep(600)
                """
            ),
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    broker = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert wait_until(lambda: not running(broker), PATIENCE_S)
    with Kafka(tmp_path) as again:
        assert again.alive()


def test_a_stopped_broker_is_gone(tmp_path):
    with Kafka(tmp_path) as found:
        pid = found.pid
        bootstrap = found.bootstrap_servers
    assert not running(pid)
    with pytest.raises(KafkaException):
        AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "error_cb": lambda _: None}).list_topics(
            timeout=1
        )
