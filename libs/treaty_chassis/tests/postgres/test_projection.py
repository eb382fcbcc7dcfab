"""Projections on a real PostgreSQL and a real Kafka: each committed record is applied once."""

import asyncio
import time
import uuid

import psycopg
import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec
from sqlalchemy import MetaData, create_engine, text

from treaty_chassis.postgres import projection as projecting
from treaty_chassis.postgres.engine import sqlalchemy_url
from treaty_chassis.postgres.offsets import offsets_table
from treaty_chassis.postgres.projection import Projection, RejectedError


class Setting:
    """A topic of numbers, and a table of those applied."""

    def __init__(self, url, servers):
        self.url, self.servers, self.topic = url, servers, f"numbers.{uuid.uuid4().hex}"
        self.admin = AdminClient({"bootstrap.servers": servers})
        self.producer = Producer({"bootstrap.servers": servers})
        metadata = MetaData()
        offsets_table(metadata, "sample")
        engine = create_engine(sqlalchemy_url(url))
        with engine.begin() as connection:
            connection.execute(text("CREATE SCHEMA sample"))
            connection.execute(text("CREATE TABLE sample.applied (number int)"))
            metadata.create_all(connection)
        engine.dispose()

    def create(self, partitions=1):
        self.admin.create_topics([NewTopic(self.topic, partitions, 1)])[self.topic].result(60)

    def delete(self):
        self.admin.delete_topics([self.topic])[self.topic].result(60)

    def produce(self, *values, partition=0):
        for value in values:
            self.producer.produce(self.topic, str(value), partition=partition)
        assert self.producer.flush(60) == 0

    def transact(self, *values):
        """One transaction; its marker takes the offset after the records."""
        producer = Producer({"bootstrap.servers": self.servers, "transactional.id": self.topic})
        producer.init_transactions(60)
        producer.begin_transaction()
        for value in values:
            producer.produce(self.topic, str(value), partition=0)
        producer.commit_transaction(60)

    def end(self):
        """Where the log ends; a transaction's marker comes a moment after its commit."""
        partition = TopicPartition(self.topic, 0)
        return self.admin.list_offsets({partition: OffsetSpec.latest()})[partition].result(60).offset

    def forget(self, before):
        """What retention does."""
        partition = TopicPartition(self.topic, 0, before)
        self.admin.delete_records([partition])[partition].result(60)

    def stored(self):
        with psycopg.connect(self.url) as connection:
            row = connection.execute("SELECT next_offset FROM sample.consumed_offset").fetchone()
        return row and row[0]

    def projection(self, **options):
        return Projection(
            "numbers",
            "sample",
            [self.topic],
            apply,
            database_url=self.url,
            bootstrap_servers=self.servers,
            **options,
        )

    def applied(self):
        with psycopg.connect(self.url) as connection:
            return [n for (n,) in connection.execute("SELECT number FROM sample.applied ORDER BY number")]


def apply(connection, records):
    for record in records:
        if record.value == b"refuse":
            raise RejectedError("as asked")
        connection.execute("INSERT INTO sample.applied VALUES (%s::text::int)", [record.value.decode()])


@pytest.fixture
def setting(database, kafka):
    return Setting(database.url, kafka.bootstrap_servers)


async def until(condition, within_s=90):
    deadline = time.monotonic() + within_s
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, "the condition did not come true"
        await asyncio.sleep(0.02)


class Running:
    def __init__(self, projection):
        self.projection = projection

    async def __aenter__(self):
        self.projection.start()
        return self.projection

    async def __aexit__(self, *_):
        await asyncio.to_thread(self.projection.stop)


async def test_records_are_applied_once_across_restarts_and_interruptions(setting):
    setting.create()
    left = ["written", "committed", "written", "committed"]

    def interrupt(point):
        if left and left[0] == point:
            left.pop(0)
            raise psycopg.OperationalError("interrupted")

    setting.produce(*range(10))
    async with Running(setting.projection(failpoint=interrupt, batch=3)):
        await until(lambda: setting.applied() == list(range(10)))
        setting.produce(*range(10, 20))
        await until(lambda: setting.applied() == list(range(20)))
    assert left == []
    setting.produce(20)
    async with Running(setting.projection()) as projection:
        await until(lambda: setting.applied() == list(range(21)))
        # What is applied is seen before its thread says so.
        await until(lambda: projection.check() is None)
    assert projection.check() is not None


async def test_only_the_guilty_records_of_a_batch_are_passed_over(setting):
    setting.create()
    setting.produce(0, "refuse", 1, "no number", 2)
    async with Running(setting.projection()):
        await until(lambda: setting.applied() == [0, 1, 2])


async def test_it_waits_for_its_topic_and_says_so(setting):
    async with Running(setting.projection()) as projection:
        await until(lambda: projection.check() == f"topics are missing: {setting.topic}")
        setting.create()
        setting.produce(1)
        await until(lambda: setting.applied() == [1])
        await until(lambda: projection.check() is None)


async def test_a_topic_made_anew_is_read_from_its_beginning(setting):
    setting.create()
    setting.produce(1, 2, 3)
    async with Running(setting.projection()):
        await until(lambda: setting.applied() == [1, 2, 3])
    setting.delete()
    await until(lambda: setting.topic not in setting.admin.list_topics(timeout=60).topics)
    setting.create()
    setting.produce(4)
    async with Running(setting.projection()):
        await until(lambda: setting.applied() == [1, 2, 3, 4])


async def test_a_mistake_in_the_code_stops_it_for_good(setting):
    setting.create()
    setting.produce(1)
    projection = Projection(
        "numbers",
        "sample",
        [setting.topic],
        lambda connection, records: 1 / 0,
        database_url=setting.url,
        bootstrap_servers=setting.servers,
    )
    async with Running(projection):
        await until(projection.failed.is_set)
        assert "division by zero" in projection.check()
    assert setting.applied() == []


async def test_retention_may_take_markers_but_no_record(setting, monkeypatch):
    monkeypatch.setattr(projecting, "CARRY_S", 0.0)
    setting.create()
    setting.transact(1, 2)
    async with Running(setting.projection()):
        # Two records and a marker.
        await until(lambda: setting.stored() == 3)
    setting.forget(3)
    async with Running(setting.projection()) as projection:
        await until(lambda: projection.check() is None)
        setting.transact(3)
        await until(lambda: setting.stored() == 5)
    assert setting.applied() == [1, 2, 3]
    setting.transact(4)
    await until(lambda: setting.end() == 7)
    setting.forget(7)
    async with Running(setting.projection()) as projection:
        await until(projection.failed.is_set)
        assert "applied to 5, it has 7 to 7" in projection.check()


async def test_markers_are_passed_while_it_runs(setting, monkeypatch):
    monkeypatch.setattr(projecting, "CARRY_S", 0.0)
    setting.create()
    async with Running(setting.projection()):
        for number in range(3):
            setting.transact(number)
            await until(lambda end=2 * number + 2: setting.stored() == end)
    assert setting.applied() == [0, 1, 2]
