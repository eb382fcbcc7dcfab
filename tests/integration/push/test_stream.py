"""Subscribing: what arrives, from where, and for whom."""

import asyncio
import json
from datetime import UTC, datetime

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition

from treaty_chassis.kafka.topics import admin, topic_ids
from treaty_push_gateway.client import Filter, Live, Readings, Snapshot, Stream, StreamError

pytestmark = pytest.mark.xdist_group("push-stream")


def ids(messages):
    return [r["id"] for m in messages if isinstance(m, Readings) for r in m.readings]


def by_device(messages):
    found = {}
    for message in messages:
        if isinstance(message, Readings):
            for r in message.readings:
                found.setdefault(r["device"], []).append(r["measurements"][0]["value"])
    return found


async def live(stream):
    async for message in stream:
        if isinstance(message, Live):
            return
    raise AssertionError("never live")


async def test_committed_readings_arrive_once_in_order_and_aborted_ones_never(node, token, writer, collect):
    async with Stream(node.stream, token) as stream:
        await live(stream)
        for n in range(30):
            await asyncio.to_thread(writer.write, 7, abort=n % 3 == 1)
        messages = await collect(stream, lambda m: len(ids(m)) >= len(writer.committed))
    assert sorted(ids(messages)) == sorted(writer.committed)
    assert all(values == sorted(values) for values in by_device(messages).values())


async def test_a_filter_lets_through_what_it_names(node, token, writer, collect):
    wanted = Filter(devices=(f"{writer.workspace}/1", f"{writer.workspace}/3"), models=("maker/one",))
    async with Stream(node.stream, token, filter=wanted) as stream:
        await live(stream)
        await asyncio.to_thread(writer.write, 16)
        messages = await collect(stream, lambda m: len(ids(m)) >= 4)
    assert set(by_device(messages)) == set(wanted.devices)


async def test_a_subscriber_sees_its_workspaces_only(node, issuer, writer, collect):
    one, two = writer.workspace, f"{writer.workspace}-other"
    async with (
        Stream(node.stream, issuer.token(one)) as first,
        Stream(node.stream, issuer.token(two)) as second,
        Stream(node.stream, issuer.token(platform="admin")) as everything,
    ):
        for stream in (first, second, everything):
            await live(stream)
        for _ in range(5):
            await asyncio.to_thread(writer.write, 8, workspace=one)
            await asyncio.to_thread(writer.write, 8, workspace=two)
        found = [
            await collect(stream, lambda messages, n=count: len(ids(messages)) >= n)
            for stream, count in ((first, 40), (second, 40), (everything, 80))
        ]
    seen = [{device.partition("/")[0] for device in by_device(messages)} for messages in found]
    assert seen == [{one}, {two}, {one, two}]


async def test_asking_for_a_foreign_workspace_is_refused(node, token, workspace):
    for asked in (("foreign",), (workspace, "foreign")):
        async with Stream(node.stream, token, filter=Filter(workspaces=asked)) as stream:
            with pytest.raises(StreamError) as raised:
                await anext(stream)
        assert raised.value.code == "forbidden"


async def test_naming_a_foreign_device_gives_nothing_of_it(node, token, writer, collect):
    own, foreign = f"{writer.workspace}/1", "foreign/0"
    async with Stream(node.stream, token, filter=Filter(devices=(own, foreign))) as stream:
        await live(stream)
        await asyncio.to_thread(writer.write, 8, workspace="foreign")
        await asyncio.to_thread(writer.write, 8)
        messages = await collect(stream, lambda m: len(ids(m)) >= 1)
    assert set(by_device(messages)) == {own}


async def test_from_a_time_on(node, token, writer, collect):
    await asyncio.to_thread(writer.write, 8)
    await asyncio.sleep(0.01)
    start = datetime.now(UTC)
    await asyncio.sleep(0.01)
    later = await asyncio.to_thread(writer.write, 8)
    async with Stream(node.stream, token, time=start) as stream:
        messages = await collect(stream, lambda m: len(ids(m)) >= 8)
    assert sorted(ids(messages)) == sorted(later)


async def test_a_snapshot_and_the_stream_from_exactly_there(
    kafka, topic, node, token, registry, workspace, writer, collect
):
    """While readings flow: state plus stream together hold each one exactly once."""
    uuid = topic_ids(admin(kafka.bootstrap_servers), [topic])[topic]

    def state():
        """What a projector knows that has read some of the log: of each device, which readings it saw."""
        consumer = Consumer(
            {
                "bootstrap.servers": kafka.bootstrap_servers,
                "group.id": "projector",
                "isolation.level": "read_committed",
            }
        )
        consumer.assign([TopicPartition(topic, p, 0) for p in range(4)])
        devices, offsets = {}, dict.fromkeys(range(4), 0)
        while sum(map(len, devices.values())) < 100:
            for message in consumer.consume(40, 0.5):
                if message.error() is not None:
                    continue
                offsets[message.partition()] = message.offset() + 1
                if message.key().decode().startswith(workspace):
                    seen = devices.setdefault(message.key().decode(), [])
                    seen.append(dict(message.headers())["ce_id"].decode())
        consumer.close()
        states = [{"device": d, "model": "maker/one", "seen": seen} for d, seen in devices.items()]
        return {"states": states, "offsets": {"topic_uuid": str(uuid), "partitions": offsets}}

    registry.states[workspace] = state

    async def keep_writing(transactions):
        for n in transactions:
            await asyncio.to_thread(writer.write, 5, abort=n % 4 == 0)

    # Enough for the state, whose reader the node does not wait for long, and as much while it is read.
    await keep_writing(range(30))

    async with asyncio.TaskGroup() as group:
        group.create_task(keep_writing(range(30, 60)))
        async with Stream(
            node.stream, token, filter=Filter(workspaces=(workspace,)), snapshot=True
        ) as stream:
            seen = []

            def enough(messages):
                message = messages[-1]
                if isinstance(message, Snapshot):
                    seen.extend(i for s in message.states for i in s["seen"])
                elif isinstance(message, Readings):
                    seen.extend(r["id"] for r in message.readings)
                return len(seen) >= 60 * 5 * 3 // 4

            await collect(stream, enough)
    assert sorted(seen) == sorted(writer.committed)
    assert registry.tokens[-1] == f"Bearer {token}"


async def test_a_snapshot_needs_one_workspace(node, issuer):
    async with Stream(node.stream, issuer.token("one", "two"), snapshot=True) as stream:
        with pytest.raises(StreamError) as raised:
            await anext(stream)
    assert raised.value.code == "snapshot_needs_one_workspace"


async def test_no_snapshot_of_what_the_registry_does_not_show(node, token):
    async with Stream(node.stream, token, snapshot=True) as stream:
        with pytest.raises(StreamError) as raised:
            await anext(stream)
    assert raised.value.code == "forbidden"


async def test_a_state_of_another_topic_is_no_snapshot(node, token, workspace, registry):
    offsets = {"topic_uuid": "00000000-0000-0000-0000-000000000001", "partitions": {"0": 0}}
    registry.states[workspace] = {"states": [], "offsets": offsets}
    async with Stream(node.stream, token, snapshot=True, patience_s=0) as stream:
        with pytest.raises(StreamError, match="snapshot_unavailable"):
            await anext(stream)


async def test_server_sent_events_resume_from_their_last_id(node, token, writer):
    headers = {"Authorization": f"Bearer {token}"}

    async def read(enough, **more):
        events, event = [], {}
        async with (
            asyncio.timeout(120),
            httpx.AsyncClient() as client,
            client.stream(
                "GET", f"{node.http}/v1/stream/sse", headers=headers | more, timeout=120
            ) as response,
        ):
            assert response.headers["content-type"].startswith("text/event-stream")
            async for line in response.aiter_lines():
                name, _, content = line.partition(": ")
                event[name] = content
                if not line:
                    if "data" in event:
                        events.append(event)
                        if event["event"] == "live" and not more:
                            await asyncio.to_thread(writer.write, 8)
                        if enough(events):
                            return events
                    event = {}
        raise AssertionError("the stream ended")

    def readings(events):
        return [
            r["id"] for e in events if e["event"] == "readings" for r in json.loads(e["data"])["readings"]
        ]

    first = await read(lambda events: len(readings(events)) >= 8)
    assert [e["event"] for e in first[:3]] == ["authenticated", "subscribed", "live"]
    missed = await asyncio.to_thread(writer.write, 8)
    again = await read(lambda events: len(readings(events)) >= 8, **{"Last-Event-ID": first[-1]["id"]})
    assert sorted(readings(again)) == sorted(missed)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("cursor=nonsense", 400, "cursor_invalid"),
        ("time=yesterday", 400, "malformed_message"),
        ("workspaces=foreign", 403, "forbidden"),
    ],
)
def test_server_sent_events_refuse_before_they_begin(node, token, query, status, code):
    headers = {"Authorization": f"Bearer {token}"}
    response = node.get(f"/v1/stream/sse?{query}", headers=headers)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert node.get("/v1/stream/sse").status_code == 401
