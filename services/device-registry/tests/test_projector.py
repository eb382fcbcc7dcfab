"""The projector on a real broker and database: state and history are what the log says, whatever happens."""

import asyncio
import itertools
import json
import random
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from treaty_chassis.kafka.topics import topic_ids
from treaty_chassis.postgres.migrations import upgrade
from treaty_chassis.postgres.progress import OvertakenError, Place, Progress
from treaty_chassis.postgres.projection import SKIPPED, Projection
from treaty_device_registry.schema import MIGRATIONS, SCHEMA
from treaty_device_registry.telemetry.projection import PROJECTION, Telemetry
from treaty_device_registry.telemetry.step import Seen, step
from treaty_embedded.process import wait_until
from treaty_events.codec import decode, encode
from treaty_events.envelope import Envelope
from treaty_events.readings import Measurement, Position, Provenance, ReadingNormalized

PROCESS = Path(__file__).with_name("projector_process.py")
NOW = datetime.now(UTC).replace(microsecond=0)


def instant(moment):
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Log:
    """A topic of readings: what was committed to it, by partition, is known here."""

    def __init__(self, servers, partitions=4):
        self.servers, self.partitions = servers, partitions
        self.topic = f"readings.{uuid.uuid4().hex}"
        self.admin = AdminClient({"bootstrap.servers": servers})
        self.admin.create_topics([NewTopic(self.topic, partitions, 1)])[self.topic].result(60)
        # A topic that was made is not known at once.
        assert wait_until(lambda: self.topic in topic_ids(self.admin, [self.topic]), 60)
        self.producer = Producer({"bootstrap.servers": servers, "transactional.id": self.topic})
        self.producer.init_transactions(60)
        self.devices = [str(uuid.uuid4()) for _ in range(6)]
        self.random = random.Random(self.topic)
        self.committed = []
        self.seconds = itertools.count()

    def reading(self, device, **changed):
        at = NOW + timedelta(seconds=self.random.randrange(120))
        fields = {
            "device": device,
            "workspace": str(uuid.UUID(int=1)),
            "site": "",
            "gateway": str(uuid.UUID(int=2)),
            "model": "acme/m",
            "observed_at": instant(at),
            "ordered_at": instant(at),
            "received_at": instant(NOW + timedelta(seconds=next(self.seconds))),
            "measurements": tuple(
                Measurement(name, self.random.uniform(-40, 60), "Cel")
                for name in self.random.sample(["a", "b", "c", "d"], 2)
            ),
            "properties": {"door": self.random.choice(["open", "shut", "\x00"])},
            "provenance": Provenance("acme", "1.0.0", "sha256:0", "u:0:0:0"),
            "position": Position(47.0, self.random.uniform(8, 9)) if self.random.random() < 0.2 else None,
        }
        return ReadingNormalized(**{**fields, **changed})

    def produce(self, count=0, *, readings=(), values=(), commit=True):
        """In one transaction. `values` are bytes as they are, to partition 0."""
        readings = [*readings, *(self.reading(self.random.choice(self.devices)) for _ in range(count))]
        told = []
        self.producer.begin_transaction()
        for reading in readings:
            device = reading.device
            known = self.devices.index(device) if device in self.devices else 0
            self._send(encode(reading), known % self.partitions, device.encode(), told)
        for value in values:
            self._send(value, 0, None, told)
        assert self.producer.flush(60) == 0
        if commit:
            self.producer.commit_transaction(60)
            self.committed += told
        else:
            self.producer.abort_transaction(60)
        assert len(told) == len(readings) + len(values)

    def _send(self, value, partition, key, told):
        id = f"{uuid.UUID(int=9)}:0:{len(self.committed)}:0"
        headers = Envelope(id, "/test", ReadingNormalized.TYPE).headers()
        self.producer.produce(
            self.topic,
            value,
            key,
            partition,
            headers=headers,
            on_delivery=lambda error, message: told.append((message.partition(), message.offset(), value)),
        )

    def until(self, offsets):
        """The state that the log gives up to an offset vector."""
        told = sorted(self.committed, key=lambda one: one[:2])
        seen = [Seen(decode(ReadingNormalized, v), o) for p, o, v in told if o < offsets.get(str(p), 0)]
        state, _ = step({}, seen)
        return state


@pytest.fixture
def log(kafka):
    return Log(kafka.bootstrap_servers)


@pytest.fixture
def migrated(database):
    """A database for one projector alone, of one topic."""
    upgrade(database.url, MIGRATIONS, SCHEMA)
    return database.url


class Projecting:
    """A projector in this process, of one log. It does not tidy: these devices are not registered."""

    def __init__(self, url, log, **options):
        telemetry = Telemetry(90)
        self.url, self.log = url, log
        self.projection = Projection(
            PROJECTION,
            SCHEMA,
            [log.topic],
            telemetry.apply,
            database_url=url,
            bootstrap_servers=log.servers,
            **options,
        )

    def __enter__(self):
        self.projection.start()
        return self

    def __exit__(self, *_):
        self.projection.stop()

    async def caught_up(self, within_s=90):
        """Returns when the committed records are all in history."""
        await until(lambda: len(history(self.url)) >= len(self.log.committed), within_s)


async def until(condition, within_s=90):
    deadline = time.monotonic() + within_s
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, "the condition did not come true"
        await asyncio.sleep(0.02)


def rows(url, sql):
    with psycopg.connect(url) as connection:
        return connection.execute(sql).fetchall()


def history(url):
    return rows(url, "SELECT log_partition, log_offset FROM device_registry.reading ORDER BY 1, 2")


def state(url):
    sql = """SELECT device_id::text, kind, name, value::text, unit, quality, ordered_at, log_offset
        FROM device_registry.device_state"""
    return {tuple(row[:3]): tuple(row[3:]) for row in rows(url, sql)}


def expected_state(log):
    everything = {str(partition): 2**62 for partition in range(log.partitions)}
    return {
        tuple(key): (one.value.decode(), one.unit, one.quality, one.ordered_at, one.offset)
        for key, one in log.until(everything).items()
    }


def assert_is_the_log(url, log):
    told = sorted((p, o) for p, o, _ in log.committed)
    assert history(url) == told
    assert state(url) == expected_state(log)


async def test_state_and_history_are_what_the_log_says_aborted_readings_apart(migrated, log):
    log.produce(30)
    log.produce(10, commit=False)
    log.produce(30)
    with Projecting(migrated, log) as projecting:
        await projecting.caught_up()
        log.produce(20, commit=False)
        log.produce(20)
        await projecting.caught_up()
        await until(lambda: projecting.projection.check() is None)
    assert_is_the_log(migrated, log)


async def test_a_projector_killed_between_write_and_commit_leaves_what_the_log_says(migrated, log):
    log.produce(100)
    for point, batch in (("written", 1), ("committed", 1), ("written", 3), ("committed", 2), ("written", 2)):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, PROCESS, log.topic, migrated, log.servers, point, str(batch))
        )
        try:
            assert await asyncio.wait_for(process.wait(), 90) == -9
        finally:
            if process.returncode is None:
                process.kill()
        log.produce(5)
    with Projecting(migrated, log) as projecting:
        await projecting.caught_up()
    assert_is_the_log(migrated, log)


async def test_of_two_projectors_one_stands_by_and_takes_over(migrated, log):
    log.produce(20)
    with Projecting(migrated, log) as first:
        await first.caught_up()
        with Projecting(migrated, log) as second:
            await until(lambda: second.projection.check() is None)
            log.produce(20)
            await first.caught_up()
            await asyncio.to_thread(first.projection.stop)
            log.produce(20)
            await second.caught_up()
    assert_is_the_log(migrated, log)


async def test_a_cut_connection_repeats_nothing(migrated, log):
    with Projecting(migrated, log, batch=7) as projecting:
        for _ in range(3):
            log.produce(20)
            await projecting.caught_up()
            rows(
                migrated,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name LIKE '%.projection.%'",
            )
        log.produce(20)
        await projecting.caught_up()
    assert_is_the_log(migrated, log)


async def test_a_writer_that_was_overtaken_commits_nothing(migrated):
    progress, place = Progress(SCHEMA, "test"), Place("t", uuid.uuid4(), 0)
    with psycopg.connect(migrated, autocommit=True) as connection:
        assert progress.find(connection, place, 5) == 5
        progress.move(connection, place, 5, 9)
        with pytest.raises(OvertakenError):
            progress.move(connection, place, 5, 7)
        assert progress.find(connection, place, 0) == 9
        anew = Place("t", uuid.uuid4(), 0)
        assert progress.find(connection, anew, 0) == 0
        assert rows(migrated, "SELECT topic_id FROM device_registry.consumed_offset") == [(anew.topic_id,)]


async def test_a_record_that_is_no_reading_is_passed_over_and_counted(migrated, log):
    skipped = SKIPPED.labels(PROJECTION)._value.get
    before = skipped()
    log.produce(5)
    good = list(log.committed)
    nobody = log.reading("nobody")
    log.produce(values=[b"", b"{", b"[]", encode(nobody)])
    log.committed = good
    log.produce(5)
    with Projecting(migrated, log) as projecting:
        await projecting.caught_up()
        await until(lambda: skipped() - before == 4)
    assert_is_the_log(migrated, log)


async def test_readings_lost_to_retention_stop_the_projector_unless_loss_is_accepted(migrated, kafka):
    log = Log(kafka.bootstrap_servers, partitions=1)
    log.produce(10)
    with Projecting(migrated, log) as projecting:
        await projecting.caught_up()
    log.produce(10)
    end = log.committed[-1][1]
    cut = log.admin.delete_records([TopicPartition(log.topic, 0, end)])
    next(iter(cut.values())).result(60)
    with Projecting(migrated, log) as stopped:
        await until(stopped.projection.failed.is_set)
        assert "applied to" in stopped.projection.check()
    with Projecting(migrated, log, accept_loss=True):
        await until(lambda: len(history(migrated)) == 11)


async def test_history_keeps_its_days_and_state_its_devices(migrated, log):
    old = NOW - timedelta(days=200)
    device = log.devices[0]
    log.produce(readings=[log.reading(device, received_at=instant(old)), log.reading(device)])
    with Projecting(migrated, log) as projecting:
        await projecting.caught_up()
    assert state(migrated) != {}
    with psycopg.connect(migrated, autocommit=True) as connection:
        Telemetry(90).idle(connection)
    assert len(history(migrated)) == 1
    assert state(migrated) == {}


async def test_a_snapshot_is_exactly_the_log_up_to_its_offsets(client, fleet, make, unique, migrated, log):
    devices = []
    for _ in log.devices:
        body = {"external_id": unique("d"), "gateway_id": fleet.gateway["id"], "model": fleet.model["id"]}
        devices.append((await make(client, f"{fleet.path}/devices", body))["id"])
    log.devices = devices
    compared, deadline = 0, time.monotonic() + 150
    with Projecting(migrated, log, batch=9) as projecting:
        producing = asyncio.create_task(_keep_producing(log))
        while compared < 10 and time.monotonic() < deadline:
            answer = await client.get(f"{fleet.path}/state")
            if answer.status_code == 503:
                await asyncio.sleep(0.05)
                continue
            assert answer.status_code == 200, answer.text
            compared += await _compare(answer.json(), log)
        await producing
        await projecting.caught_up()
        final = (await client.get(f"{fleet.path}/state")).json()
    assert compared >= 10
    await _compare(final, log)
    await _read_back(client, fleet, log)


async def _keep_producing(log):
    for _ in range(40):
        await asyncio.to_thread(log.produce, 5)


async def _compare(body, log):
    """1 where there was something to compare."""
    offsets = body["offsets"]["partitions"]
    await until(lambda: all(o <= _end(log, int(p)) for p, o in offsets.items()))
    expected = log.until(offsets)
    found = {}
    for device in body["states"]:
        for one in device["measurements"]:
            found[device["device"], "measurement", one["name"]] = one["value"]
        for name, value in device["properties"].items():
            found[device["device"], "property", name] = value
        if device["position"] is not None:
            found[device["device"], "position", ""] = device["position"]
    assert found == {tuple(key): json.loads(latest.value) for key, latest in expected.items()}
    return 1 if found else 0


def _end(log, partition):
    """The offset after the last record of a partition that is known to be committed."""
    return max((o + 1 for p, o, _ in log.committed if p == partition), default=0)


async def _read_back(client, fleet, log):
    device = log.devices[0]
    path = f"{fleet.path}/devices/{device}"
    one = (await client.get(f"{path}/state")).json()
    assert one["state"]["device"] == device
    expected = [json.loads(value) for _, _, value in log.committed if json.loads(value)["device"] == device]
    found, cursor = [], None
    while True:
        params = {"order": "oldest", "limit": 7, **({"cursor": cursor} if cursor else {})}
        page = (await client.get(f"{path}/readings", params=params)).json()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [item["received_at"] for item in found] == sorted(item["received_at"] for item in expected)
    assert all(item.pop("id").endswith(":0") for item in found)
    assert sorted(found, key=json.dumps) == sorted(expected, key=json.dumps)
    newest = (await client.get(f"{path}/readings", params={"limit": 1})).json()["items"][0]
    assert newest["received_at"] == found[-1]["received_at"]
    since = {"from": found[3]["received_at"], "to": found[5]["received_at"], "order": "oldest"}
    between = (await client.get(f"{path}/readings", params=since)).json()["items"]
    assert {item["received_at"] for item in between} == {i["received_at"] for i in found[3:5]}
