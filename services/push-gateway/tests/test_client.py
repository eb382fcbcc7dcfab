"""The client against a scripted server: when it resumes, from where, and when it gives up."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import datetime

import pytest
from websockets.asyncio.server import serve

from treaty_push_gateway.client import Filter, Live, Progress, Readings, Snapshot, Stream, StreamError


def readings(cursor, *ids):
    return {"type": "readings", "id": "s1", "cursor": cursor, "readings": [{"id": i} for i in ids]}


def live(cursor):
    return {"type": "live", "id": "s1", "cursor": cursor}


@asynccontextmanager
async def scripted(*sessions):
    """A server that plays one list of messages a connection; None waits, the end closes. Gives its URL and
    what it was asked: (token, subscription) each time."""
    asked, script = [], iter(sessions)

    async def handle(ws):
        token = ws.request.headers["Authorization"].removeprefix("Bearer ")
        asked.append((token, json.loads(await ws.recv())))
        for message in next(script):
            if message is None:
                await ws.wait_closed()
                return
            await ws.send(json.dumps(message))

    async with serve(handle, "127.0.0.1", 0, subprotocols=["treaty.v1.json"]) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/stream", asked


async def test_it_resumes_from_the_last_message_processed():
    first = [
        {"type": "subscribed", "id": "s1", "cursor": "c0"},
        live("c0"),
        readings("c1", "a"),
        readings("c2", "b"),
    ]
    second = [live("c2"), readings("c3", "c"), None]
    async with (
        scripted(first, second) as (url, asked),
        Stream(url, "t", filter=Filter(workspaces=("w",))) as stream,
    ):
        seen = [await anext(stream) for _ in range(5)]
    assert seen == [
        Live("c0"),
        Readings(({"id": "a"},), "c1"),
        Readings(({"id": "b"},), "c2"),
        Live("c2"),
        Readings(({"id": "c"},), "c3"),
    ]
    assert asked[0][1] == {
        "type": "subscribe",
        "id": "s1",
        "filter": {"workspaces": ["w"]},
        "conflate": False,
    }
    assert asked[1][1]["from"] == {"cursor": "c2"}
    assert stream.cursor == "c2"
    assert stream.connects == 2


async def test_where_it_starts_is_a_place_to_resume_from_before_anything_came():
    started = [{"type": "subscribed", "id": "s1", "cursor": "c0"}]
    async with scripted(started, [live("c0"), None]) as (url, asked), Stream(url, "t") as stream:
        assert await anext(stream) == Live("c0")
    assert asked[1][1]["from"] == {"cursor": "c0"}


async def test_half_a_snapshot_is_asked_for_anew():
    part = {"type": "snapshot", "id": "s1", "states": [{"device": "d"}], "more": True}
    last = {"type": "snapshot", "id": "s1", "states": [], "more": False, "cursor": "c1"}
    async with (
        scripted([part], [part, last], [live("c1"), None]) as (url, asked),
        Stream(url, "t", snapshot=True) as stream,
    ):
        seen = [await anext(stream) for _ in range(4)]
    assert seen[:3] == [
        Snapshot(({"device": "d"},), True, None),
        Snapshot(({"device": "d"},), True, None),
        Snapshot((), False, "c1"),
    ]
    assert [(a["snapshot"] if "snapshot" in a else a["from"]) for _, a in asked] == [
        True,
        True,
        {"cursor": "c1"},
    ]


async def test_a_fresh_token_is_asked_for_at_each_connect():
    tokens = iter(["one", "two"])
    expired = {"type": "error", "code": "token_expired", "detail": "over"}
    async with (
        scripted([expired], [live("c0"), None]) as (url, asked),
        Stream(url, lambda: next(tokens)) as stream,
    ):
        await anext(stream)
    assert [token for token, _ in asked] == ["one", "two"]


async def test_a_token_that_expires_ends_who_has_no_other():
    expired = {"type": "error", "code": "token_expired", "detail": "over"}
    async with scripted([expired]) as (url, _), Stream(url, "t") as stream:
        with pytest.raises(StreamError, match="token_expired"):
            await anext(stream)


@pytest.mark.parametrize("code", ["forbidden", "cursor_expired", "cursor_foreign", "malformed_message"])
async def test_what_will_not_pass_is_raised(code):
    refusal = {"type": "error", "id": "s1", "code": code, "detail": "why"}
    async with scripted([refusal]) as (url, _), Stream(url, "t", cursor="c") as stream:
        with pytest.raises(StreamError) as raised:
            await anext(stream)
    assert (raised.value.code, raised.value.detail) == (code, "why")


@pytest.mark.parametrize("code", ["slow_reader", "going_away", "catch_up_busy", "snapshot_unavailable"])
async def test_what_may_pass_is_tried_again(code):
    refusal = {"type": "error", "id": "s1", "code": code, "detail": "later"}
    async with scripted([refusal], [live("c"), None]) as (url, _), Stream(url, "t") as stream:
        assert await anext(stream) == Live("c")


async def test_unknown_messages_and_fields_are_passed_over():
    odd = [{"type": "invented", "id": "s1"}, {"type": "progress", "id": "s1", "cursor": "c", "new": 1}, None]
    async with scripted(odd) as (url, _), Stream(url, "t") as stream:
        assert await anext(stream) == Progress("c")


async def test_patience_ends_when_nobody_is_there():
    async with scripted() as (url, _):
        pass
    async with Stream(url, "t", patience_s=0.5) as stream, asyncio.timeout(90):
        with pytest.raises(StreamError, match="unreachable"):
            await anext(stream)


def test_one_place_to_start_is_enough():
    with pytest.raises(ValueError, match="at most one"):
        Stream("ws://x", "t", cursor="c", snapshot=True)
    with pytest.raises(ValueError, match="zone"):
        Stream("ws://x", "t", time=datetime(2026, 1, 1))


async def test_a_reader_told_to_stop_stops_though_a_message_comes_at_that_moment():
    told = asyncio.Queue()

    async def handle(ws):
        await ws.recv()
        while (message := await told.get()) is not None:
            await ws.send(json.dumps(message))

    async with (
        serve(handle, "127.0.0.1", 0, subprotocols=["treaty.v1.json"]) as server,
        Stream(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/stream", "t") as stream,
    ):

        async def read():
            async for _ in stream:
                pass

        stopped = []
        told.put_nowait(live("c0"))
        await anext(stream)
        for turn in range(30):
            reader = asyncio.create_task(read())
            await asyncio.sleep(0)
            told.put_nowait(readings(f"c{turn}", "a"))
            for _ in range(turn):
                await asyncio.sleep(0)
            reader.cancel()
            done, _ = await asyncio.wait([reader], timeout=30)
            stopped.append(done == {reader} and reader.cancelled())
            reader.cancel()
        told.put_nowait(None)
    assert all(stopped)
