"""A node whose broker is late, goes away and comes back."""

import asyncio

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from treaty_embedded import stack
from treaty_push_gateway.client import Live, Readings, Stream

pytestmark = pytest.mark.xdist_group("push-broker")


@pytest.fixture(scope="module")
def kafka(tmp_path_factory):
    """A broker of this module's own, to be stopped."""
    with stack.broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="module")
def topic():
    return "reading.normalized.v1"


AWAY = {"topic": "ok", "broker": "no Kafka broker is reached", "ring": "ok"}


def checks(node):
    return node.get("/readyz").json()["checks"] if node.listening() else {}


async def test_it_waits_for_the_topic_and_goes_on_after_the_brokers_restart(
    kafka, topic, start_node, token, make_writer
):
    node = start_node(until=lambda node: "does not exist" in checks(node).get("topic", ""))
    client = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    client.create_topics([NewTopic(topic, 4, 1)])[topic].result(120)
    await asyncio.to_thread(node.until, node.ready)
    writer, got = make_writer(), []
    async with Stream(node.stream, token) as stream, asyncio.timeout(500):
        assert isinstance(await anext(stream), Live)
        await asyncio.to_thread(writer.write, 10)
        await asyncio.to_thread(kafka.kill)
        await asyncio.to_thread(node.until, lambda: checks(node) == AWAY)
        assert not await asyncio.to_thread(node.ready)
        await asyncio.to_thread(kafka.start)
        await asyncio.to_thread(node.until, node.ready)
        again = make_writer()
        await asyncio.to_thread(again.write, 10)
        while len(got) < 20:
            message = await anext(stream)
            if isinstance(message, Readings):
                got += [r["id"] for r in message.readings]
    assert sorted(got) == sorted(writer.committed + again.committed)
    assert stream.connects == 1
