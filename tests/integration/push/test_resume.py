"""From the last processed cursor nothing is missed and nothing comes twice: across kills of the gateway,
other nodes, and from before what a node remembers."""

import asyncio
import random
from uuid import UUID

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from treaty_chassis.kafka.topics import admin, topic_ids
from treaty_push_gateway.client import Live, Progress, Readings, Stream, StreamError
from treaty_push_gateway.stream.cursor import Log, read_cursor, write_cursor

pytestmark = pytest.mark.xdist_group("push-resume")


def ids(messages):
    return [r["id"] for m in messages if isinstance(m, Readings) for r in m.readings]


async def cursor_now(node, token):
    async with Stream(node.stream, token) as stream:
        return (await anext(stream)).cursor


def per_device(messages):
    found = {}
    for message in messages:
        if isinstance(message, Readings):
            for r in message.readings:
                found.setdefault(r["device"], []).append(r["measurements"][0]["value"])
    return found


async def test_through_kills_of_the_gateway_with_readings_in_flight(start_node, token, writer):
    node = start_node()
    done, arrived = asyncio.Event(), asyncio.Event()

    async def read(stream, messages):
        async for message in stream:
            messages.append(message)
            arrived.set()

    async def keep_writing():
        while not done.is_set():
            await asyncio.to_thread(writer.write, 10)
            await asyncio.to_thread(writer.write, 10, abort=True)

    async def until(condition):
        while not condition():
            arrived.clear()
            await arrived.wait()

    async def keep_killing():
        for kill in range(4):
            await asyncio.sleep(random.uniform(0.2, 0.8))
            node.kill()
            await asyncio.to_thread(node.start)
            await until(lambda kill=kill: stream.connects > kill + 1)
        done.set()

    messages, conflated = [], []
    async with (
        Stream(node.stream, token) as stream,
        Stream(node.stream, token, conflate=True) as latest,
        asyncio.timeout(500),
    ):
        assert isinstance(await anext(stream), Live)
        assert isinstance(await anext(latest), Live)
        readers = [
            asyncio.create_task(read(stream, messages)),
            asyncio.create_task(read(latest, conflated)),
        ]
        await asyncio.gather(keep_writing(), keep_killing())
        await until(lambda: len(ids(messages)) >= len(writer.committed))
        await until(lambda: writer.committed[-1] in ids(conflated))
        for reader in readers:
            reader.cancel()
    assert stream.connects >= 5
    assert len(writer.committed) > 200
    assert sorted(ids(messages)) == sorted(writer.committed)
    assert all(values == sorted(values) for values in per_device(messages).values())


async def test_on_another_node(start_node, node, token, writer, collect):
    cursor = await cursor_now(node, token)
    await asyncio.to_thread(writer.write, 50)
    other = start_node()
    async with Stream(node.stream, token, cursor=cursor) as stream:
        first = await collect(stream, lambda m: len(ids(m)) >= 20)
    async with Stream(other.stream, token, cursor=first[-1].cursor) as stream:
        rest = await collect(stream, lambda m: len(ids(first) + ids(m)) >= 50)
    assert sorted(ids(first) + ids(rest)) == sorted(writer.committed)


async def test_from_before_the_ring_by_few_shared_readers(start_node, token, writer, collect):
    node = start_node(TREATY_PUSH_RING_BYTES=100_000)
    cursor = await cursor_now(node, token)
    for n in range(150):
        await asyncio.to_thread(writer.write, 20, abort=n % 7 == 0)

    async def resume(cursor):
        async with Stream(node.stream, token, cursor=cursor) as stream:
            return ids(await collect(stream, lambda m: len(ids(m)) >= total))

    async def keep_writing():
        for _ in range(40):
            await asyncio.to_thread(writer.write, 10)

    total = len(writer.committed) + 400
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(resume(cursor)) for _ in range(12)]
        group.create_task(keep_writing())
    assert len(writer.committed) == total
    for task in tasks:
        assert sorted(task.result()) == sorted(writer.committed)
    metrics = node.metric("treaty_push_readings_total"), node.metric("treaty_push_ring_readings")
    assert metrics[1] < metrics[0]
    await asyncio.to_thread(node.until, lambda: node.metric("treaty_push_catch_up_readers") == 0)


async def test_the_quiet_resume_too(node, token, writer, collect):
    """A cursor given before the aborted and the foreign, with nothing of one's own after it."""
    cursor = await cursor_now(node, token)
    await asyncio.to_thread(writer.write, 20, abort=True)
    await asyncio.to_thread(writer.write, 20, workspace="foreign")
    async with Stream(node.stream, token, cursor=cursor) as stream:
        messages = await collect(stream, lambda m: isinstance(m[-1], Live | Progress))
    assert ids(messages) == []


async def refusal(node, token, cursor):
    async with Stream(node.stream, token, cursor=cursor) as stream:
        with pytest.raises(StreamError) as raised:
            await anext(stream)
    return raised.value.code


async def test_cursors_that_cannot_be_resumed_from_are_refused_by_code(kafka, topic, node, token):
    cursor = await cursor_now(node, token)
    client = admin(kafka.bootstrap_servers)
    cluster = client.describe_cluster().result().cluster_id
    log = Log(cluster, topic_ids(client, [topic])[topic])
    position = read_cursor(log, cursor)
    assert await refusal(node, token, cursor[:-3]) == "cursor_invalid"
    assert await refusal(node, token, "") == "cursor_invalid"
    assert await refusal(node, token, write_cursor(Log("other", log.topic), position)) == "cursor_foreign"
    assert await refusal(node, token, write_cursor(Log(cluster, UUID(int=5)), position)) == "cursor_foreign"
    ahead = write_cursor(log, (position[0] + 1000, *position[1:]))
    assert await refusal(node, token, ahead) == "cursor_ahead"


async def test_a_cursor_out_of_retention_is_refused_and_a_remembered_one_is_not(
    kafka, topic, start_node, token, writer, collect
):
    node = start_node()
    async with Stream(node.stream, token) as stream:
        cursor = (await anext(stream)).cursor
        await asyncio.to_thread(writer.write, 100)
        await collect(stream, lambda m: len(ids(m)) >= 100)
    client = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    ends = [TopicPartition(topic, p, -1) for p in range(4)]
    for future in client.delete_records(ends).values():
        future.result(120)
    async with Stream(node.stream, token, cursor=cursor) as stream:
        messages = await collect(stream, lambda m: isinstance(m[-1], Live))
    assert sorted(ids(messages)) == sorted(writer.committed)
    fresh = start_node()
    assert await refusal(fresh, token, cursor) == "cursor_expired"


async def test_a_node_that_stops_says_so_and_where_to_go_on(start_node, token, writer, collect):
    node = start_node()
    async with Stream(node.stream, token) as stream:
        assert isinstance(await anext(stream), Live)
        await asyncio.to_thread(writer.write, 10)
        first = await collect(stream, lambda m: len(ids(m)) >= 10)
        await asyncio.to_thread(node.stop)
        assert node.process.returncode == 0
        await asyncio.to_thread(writer.write, 10)
        await asyncio.to_thread(node.start)
        rest = await collect(stream, lambda m: len(ids(m)) >= 10)
    assert sorted(ids(first) + ids(rest)) == sorted(writer.committed)


async def test_a_topic_made_anew_ends_the_node(kafka, make_topic, start_node):
    topic = make_topic()
    node = start_node(TREATY_READINGS_TOPIC=topic)
    client = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    client.delete_topics([topic])[topic].result(120)
    assert await asyncio.to_thread(node.process.wait, 120) == 1
