"""The outbox and its relay on a real PostgreSQL and a real Kafka."""

import asyncio
import inspect
import sys
import threading
import time
import uuid
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from sqlalchemy import MetaData, text

from treaty_chassis.postgres import sender as senders
from treaty_chassis.postgres.engine import create_engine
from treaty_chassis.postgres.outbox import Outbox
from treaty_chassis.postgres.relay import Relay
from treaty_chassis.tracing.context import within

PROCESS = Path(__file__).with_name("relay_process.py")


class Setting:
    """One outbox in a schema and a topic of its own."""

    def __init__(self, database_url, servers):
        self.database_url, self.servers = database_url, servers
        self.name = f"t{uuid.uuid4().hex[:12]}"
        self.topic = f"{self.name}.changed"
        self.metadata = MetaData()
        self.outbox = Outbox(self.metadata, self.name, self.topic)
        self.engine = create_engine(database_url, "test")

    async def create(self):
        admin = AdminClient({"bootstrap.servers": self.servers})
        admin.create_topics([NewTopic(self.topic, 1, 1)])[self.topic].result(60)
        async with self.engine.begin() as connection:
            await connection.execute(text(f"CREATE SCHEMA {self.name}"))
            await connection.execute(
                text(f"CREATE TABLE {self.name}.thing (id int PRIMARY KEY, version int)")
            )
            await connection.run_sync(self.metadata.create_all)

    async def enqueue(self, topic, key, value, headers=()):
        async with self.engine.begin() as connection:
            await self.outbox.enqueue(connection, topic, key, value, headers)

    async def other_topic(self, **config):
        """One more, that only this test uses."""
        name = f"{self.name}.{uuid.uuid4().hex[:8]}"
        admin = AdminClient({"bootstrap.servers": self.servers})
        admin.create_topics([NewTopic(name, 1, 1, config=config)])[name].result(60)
        return name

    async def without(self, topic):
        admin = AdminClient({"bootstrap.servers": self.servers})
        await asyncio.to_thread(admin.delete_topics([topic])[topic].result, 60)

    async def rows(self, topic):
        """Of a topic, in order."""
        sql = f"SELECT * FROM {self.name}.outbox WHERE topic = :topic ORDER BY id"
        async with self.engine.connect() as connection:
            return (await connection.execute(text(sql), {"topic": topic})).all()

    async def change(self, thing, count=1):
        """The thing's next versions, each in a transaction of its own."""
        for _ in range(count):
            async with self.engine.begin() as connection:
                version = await connection.scalar(
                    text(
                        f"INSERT INTO {self.name}.thing VALUES (:id, 1) ON CONFLICT (id) DO UPDATE"
                        " SET version = thing.version + 1 RETURNING version"
                    ),
                    {"id": thing},
                )
                await self.outbox.enqueue(
                    connection, self.topic, b"%d" % thing, b"%d" % version, [("ce_id", b"x"), ("none", None)]
                )

    def relay(self, **options):
        return Relay(self.outbox, self.database_url, self.servers, **options)

    def read(self, count, quiet_s=0.0, within_s=120, topic=None):
        """At least `count` committed records, and whatever else comes while it is quiet for so long."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.servers,
                "group.id": uuid.uuid4().hex,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        # Of no group; an error is what passes, as that a topic is not known yet.
        consumer.assign([TopicPartition(topic or self.topic, 0, 0)])
        found, deadline = [], time.monotonic() + within_s
        try:
            while len(found) < count and time.monotonic() < deadline:
                found += [record for record in consumer.consume(1000, 0.2) if record.error() is None]
            if quiet_s:
                found += [record for record in consumer.consume(1000, quiet_s) if record.error() is None]
        finally:
            consumer.close()
        return found


@pytest.fixture
async def setting(database, kafka):
    setting = Setting(database.url, kafka.bootstrap_servers)
    await setting.create()
    yield setting
    await setting.engine.dispose()


def versions(records):
    found = {}
    for record in records:
        found.setdefault(record.key(), []).append(int(record.value()))
    return found


async def until(condition, within_s=90):
    deadline = time.monotonic() + within_s
    while not (await found if inspect.isawaitable(found := condition()) else found):
        assert time.monotonic() < deadline, "the condition did not come true"
        await asyncio.sleep(0.01)


async def test_a_record_arrives_with_its_key_value_and_headers(setting):
    relay = setting.relay()
    relay.start()
    try:
        await setting.change(1)
        (record,) = await asyncio.to_thread(setting.read, 1)
        assert (record.key(), record.value()) == (b"1", b"1")
        assert record.headers() == [("ce_id", b"x"), ("none", None)]
        await until(lambda: relay.check() is None)
    finally:
        await asyncio.to_thread(relay.stop)
    await until(lambda: relay.check() == "the relay has stopped")


async def test_a_record_is_of_the_trace_that_runs_now_unless_it_names_another(setting):
    own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with setting.engine.begin() as connection:
        with within(1, 2, 1):
            await setting.outbox.enqueue(connection, setting.topic, b"1", b"1", [("ce_id", b"x")])
            named = [("traceparent", own.encode())]
            await setting.outbox.enqueue(connection, setting.topic, b"2", b"1", named)
        await setting.outbox.enqueue(connection, setting.topic, b"3", b"1", [])
    relay = setting.relay()
    relay.start()
    try:
        first, second, third = await asyncio.to_thread(setting.read, 3)
    finally:
        await asyncio.to_thread(relay.stop)
    assert first.headers() == [("ce_id", b"x"), ("traceparent", f"00-{1:032x}-{2:016x}-01".encode())]
    assert second.headers() == [("traceparent", own.encode())]
    assert not third.headers()


async def test_nothing_leaves_a_transaction_that_rolls_back(setting):
    async with setting.engine.connect() as connection:
        await setting.outbox.enqueue(connection, setting.topic, b"1", b"lost", [])
        await connection.rollback()
    await setting.change(1)
    relay = setting.relay()
    relay.start()
    try:
        assert [r.value() for r in await asyncio.to_thread(setting.read, 1, 0.3)] == [b"1"]
    finally:
        await asyncio.to_thread(relay.stop)


async def test_a_tombstone_is_a_null_value(setting):
    relay = setting.relay()
    relay.start()
    try:
        async with setting.engine.begin() as connection:
            await setting.outbox.enqueue(connection, setting.topic, b"1", None, [("treaty-version", b"2")])
        (record,) = await asyncio.to_thread(setting.read, 1)
        assert record.value() is None
    finally:
        await asyncio.to_thread(relay.stop)


async def test_order_holds_per_aggregate_under_concurrent_changes(setting):
    relay = setting.relay()
    relay.start()
    try:
        await asyncio.gather(*(setting.change(thing % 3, 20) for thing in range(6)))
        found = versions(await asyncio.to_thread(setting.read, 120, 0.3))
    finally:
        await asyncio.to_thread(relay.stop)
    assert found == {b"%d" % thing: list(range(1, 41)) for thing in range(3)}


async def test_a_record_no_topic_would_take_is_refused_before_it_is_written(setting):
    async with setting.engine.begin() as connection:
        with pytest.raises(ValueError, match="at most"):
            await setting.outbox.enqueue(connection, setting.topic, b"1", b"x" * 2_000_001, [])


async def test_only_one_relay_sends_and_another_takes_over(setting):
    first, second = setting.relay(), setting.relay()
    first.start()
    await setting.change(1)
    await asyncio.to_thread(setting.read, 1)
    second.start()
    await until(lambda: second.check() is None)
    await setting.change(1, 5)
    await asyncio.to_thread(setting.read, 6)
    await asyncio.to_thread(first.stop)
    await setting.change(1, 5)
    try:
        found = versions(await asyncio.to_thread(setting.read, 11, 0.3))
    finally:
        await asyncio.to_thread(second.stop)
    assert found == {b"1": list(range(1, 12))}


async def killed_at(setting, point):
    """A relay in a process of its own, at that point of its first batch."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, PROCESS, setting.name, setting.topic, setting.database_url, setting.servers, point),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert (await asyncio.wait_for(process.stdout.readline(), 90)).decode().strip() == point
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize("point", ["claimed", "produced", "committed", "marked"])
async def test_a_relay_killed_at_any_point_of_a_batch_neither_loses_nor_repeats(setting, point):
    await setting.change(1, 3)
    await killed_at(setting, point)
    await setting.change(1, 3)
    relay = setting.relay()
    relay.start()
    try:
        found = versions(await asyncio.to_thread(setting.read, 6, 0.5))
    finally:
        await asyncio.to_thread(relay.stop)
    assert found == {b"1": [1, 2, 3, 4, 5, 6]}


async def test_a_relay_whose_connection_is_cut_begins_anew_and_repeats_nothing(setting):
    relay = setting.relay()
    relay.start()
    try:
        for round_ in range(1, 4):
            await setting.change(1, 2)
            await asyncio.to_thread(setting.read, 2 * round_)
            async with setting.engine.begin() as connection:
                await connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :n"
                    ),
                    {"n": setting.outbox.name},
                )
        await setting.change(1, 2)
        found = versions(await asyncio.to_thread(setting.read, 8, 0.5))
    finally:
        await asyncio.to_thread(relay.stop)
    assert found == {b"1": list(range(1, 9))}


async def test_a_relay_whose_producer_hangs_begins_anew_and_repeats_nothing(setting, monkeypatch):
    hanging, release = [], threading.Event()

    class Hanging(Producer):
        """The first of them, where librdkafka hangs for a coordinator that it has forgotten: its is the only
        call that is not waited for."""

        def __init__(self, settings):
            super().__init__(settings)
            monkeypatch.setattr(senders, "HANG_S", 60.0)

        def send_offsets_to_transaction(self, *arguments):
            if not hanging:
                hanging.append(self)
                monkeypatch.setattr(senders, "HANG_S", 0.0)
                assert release.wait(120)
            return super().send_offsets_to_transaction(*arguments)

    monkeypatch.setattr(senders, "Producer", Hanging)
    relay = setting.relay()
    await setting.change(1, 3)
    relay.start()
    try:
        assert versions(await asyncio.to_thread(setting.read, 3)) == {b"1": [1, 2, 3]}
        release.set()
        await until(lambda: not any(caller.alive() for caller in relay._left))
        await setting.change(1)
        assert versions(await asyncio.to_thread(setting.read, 4, 1.0)) == {b"1": [1, 2, 3, 4]}
    finally:
        release.set()
        await asyncio.to_thread(relay.stop)


@asynccontextmanager
async def relaying(setting, **options):
    relay = setting.relay(**options)
    relay.start()
    try:
        yield relay
    finally:
        await asyncio.to_thread(relay.stop)


def stands(row):
    return "sent" if row.sent_at else "failed" if row.failed_at else "waits"


async def test_records_to_a_deleted_topic_are_set_aside_and_all_others_go_on_in_order(setting):
    gone = await setting.other_topic()
    async with relaying(setting, waits_s=(0.0, 0.1)):
        # The producer has been there before.
        await setting.enqueue(gone, b"1", b"1")
        await asyncio.to_thread(setting.read, 1, topic=gone)
        await setting.without(gone)
        for version in (b"2", b"3"):
            await setting.change(1, 5)
            await setting.enqueue(gone, b"1", version)
        await setting.change(1, 5)
        found = versions(await asyncio.to_thread(setting.read, 15))
        assert found == {b"1": list(range(1, 16))}

        async def failed():
            return [stands(row) for row in await setting.rows(gone)] == ["sent", "failed", "failed"]

        await until(failed)
        _, *rows = await setting.rows(gone)
        assert {(row.attempts, row.reason, row.batch) for row in rows} == {
            (3, "there is no such topic (UNKNOWN_TOPIC_OR_PART)", None)
        }


async def test_a_refused_record_goes_by_itself_once_its_topic_is_there_and_those_behind_it_after(setting):
    gone = await setting.other_topic()
    await setting.without(gone)
    async with relaying(setting, waits_s=(0.05,) * 10_000):
        for version in (b"1", b"2", b"3"):
            await setting.enqueue(gone, b"k", version)

        async def tried():
            return (await setting.rows(gone))[0].attempts >= 3

        await until(tried)
        admin = AdminClient({"bootstrap.servers": setting.servers})
        admin.create_topics([NewTopic(gone, 1, 1)])[gone].result(60)
        found = await asyncio.to_thread(setting.read, 3, 0.3, topic=gone)
    assert [record.value() for record in found] == [b"1", b"2", b"3"]


async def test_a_record_too_large_for_its_topic_holds_up_its_own_key_alone(setting):
    small = await setting.other_topic(**{"max.message.bytes": "2000"})
    await setting.enqueue(small, b"a", b"1")
    await setting.enqueue(small, b"a", b"x" * 10_000)
    await setting.enqueue(small, b"a", b"3")
    await setting.enqueue(small, b"b", b"1")
    await setting.change(1, 3)
    async with relaying(setting, waits_s=(0.0, 0.0)):
        assert versions(await asyncio.to_thread(setting.read, 3)) == {b"1": [1, 2, 3]}
        found = await asyncio.to_thread(setting.read, 2, 0.3, topic=small)
        assert sorted((r.key(), r.value()) for r in found) == [(b"a", b"1"), (b"b", b"1")]

        async def settled():
            return [stands(row) for row in await setting.rows(small)] == ["sent", "failed", "waits", "sent"]

        await until(settled)
    assert "larger than its topic takes (MSG_SIZE_TOO_LARGE)" in (await setting.rows(small))[1].reason


async def test_headers_that_cannot_be_read_are_that_records_own_fault(setting):
    async with setting.engine.begin() as connection:
        sql = f"INSERT INTO {setting.name}.outbox (topic, key, value, headers) VALUES (:t, 'k', 'v', :h)"
        await connection.execute(text(sql), {"t": setting.topic, "h": b"\xc1"})
    await setting.change(1, 2)
    async with relaying(setting, waits_s=()) as relay:
        assert versions(await asyncio.to_thread(setting.read, 2)) == {b"1": [1, 2]}
        await until(lambda: relay.check() is None)
    first, *_ = await setting.rows(setting.topic)
    assert (stands(first), first.reason[:31]) == ("failed", "it cannot be written to Kafka: ")


@pytest.mark.parametrize("point", ["claimed", "produced", "committed", "marked"])
async def test_what_was_set_aside_is_not_taken_for_sent_after_a_kill(setting, point):
    gone = await setting.other_topic()
    await setting.without(gone)
    await setting.enqueue(gone, b"1", b"1")
    async with relaying(setting, waits_s=()):

        async def failed():
            return [stands(row) for row in await setting.rows(gone)] == ["failed"]

        await until(failed)
    await setting.change(1, 2)
    await killed_at(setting, point)
    await setting.change(1, 2)
    async with relaying(setting):
        assert versions(await asyncio.to_thread(setting.read, 4, 0.3)) == {b"1": [1, 2, 3, 4]}
    assert [stands(row) for row in await setting.rows(gone)] == ["failed"]
