"""A plain WebSocket client, written from docs/protocols/websocket.md alone."""

import asyncio
import contextlib
import json
import socket

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

pytestmark = pytest.mark.xdist_group("push-protocol")

SUBPROTOCOLS = ["treaty.v1.json"]
PATIENCE_S = 120


def plain(node, token=None, query="", **more):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    given = {"subprotocols": SUBPROTOCOLS, "additional_headers": headers, "compression": None, "proxy": None}
    return connect(node.stream + query, **(given | more))


async def receive(ws):
    async with asyncio.timeout(PATIENCE_S):
        return json.loads(await ws.recv())


async def closed(ws):
    """What else came, and the close code."""
    messages = []
    async with asyncio.timeout(PATIENCE_S):
        with contextlib.suppress(ConnectionClosed):
            while True:
                messages.append(json.loads(await ws.recv()))
    return messages, ws.close_code


async def send(ws, **message):
    await ws.send(json.dumps(message))


async def test_the_token_comes_by_header_by_message_or_by_query(node, token):
    async with plain(node, token) as ws:
        assert ws.subprotocol == "treaty.v1.json"
        welcome = await receive(ws)
        assert welcome["type"] == "authenticated"
        assert welcome["subject"] == "someone"
    async with plain(node) as ws:
        await send(ws, type="authenticate", token=token)
        assert await receive(ws) == welcome
    async with plain(node, query=f"?access_token={token}") as ws:
        assert await receive(ws) == welcome


async def test_a_client_that_offers_no_subprotocol_is_served_and_one_that_offers_another_is_not(node, token):
    async with plain(node, token, subprotocols=None) as ws:
        assert ws.subprotocol is None
        assert (await receive(ws))["type"] == "authenticated"
    with pytest.raises(InvalidStatus) as raised:
        await plain(node, token, subprotocols=["mqtt"])
    assert raised.value.response.status_code == 400


@pytest.mark.parametrize("bad", ["nonsense", "a.b.c", "x" * 8000])
async def test_a_token_that_is_not_valid_is_refused_at_the_handshake(node, bad):
    with pytest.raises(InvalidStatus) as raised:
        await plain(node, bad)
    assert raised.value.response.status_code == 401
    assert raised.value.response.headers["content-type"] == "application/problem+json"
    assert json.loads(raised.value.response.body)["code"] == "unauthenticated"


async def test_an_expired_token_is_refused_and_one_that_expires_ends_the_connection(node, issuer):
    with pytest.raises(InvalidStatus) as raised:
        await plain(node, issuer.token("w", expires_in=-60))
    assert raised.value.response.status_code == 401
    # As brief a life as this machine can do all of it in.
    for life in (2, 5, 15, 45):
        with contextlib.suppress(InvalidStatus, ConnectionClosed):
            async with plain(node, issuer.token("w", expires_in=life)) as ws:
                await send(ws, type="subscribe", id="s1")
                messages, code = await closed(ws)
            if len(messages) == 4:
                break
    assert code == 4401
    assert [m["type"] for m in messages] == ["authenticated", "subscribed", "live", "error"]
    assert messages[-1]["code"] == "token_expired"
    assert messages[-1]["cursor"] == messages[-2]["cursor"]


async def test_nothing_is_to_be_had_before_authentication(node, token):
    async with plain(node) as ws:
        await send(ws, type="subscribe", id="s1")
        messages, code = await closed(ws)
    assert (code, messages[0]["code"]) == (4401, "unauthenticated")
    async with plain(node) as ws:
        await send(ws, type="authenticate", token=token + "x")
        messages, code = await closed(ws)
    assert (code, messages[0]["code"]) == (4401, "unauthenticated")


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "{}",
        '{"type":"unheard_of"}',
        '{"type":"subscribe"}',
        '{"type":"subscribe","id":""}',
        '{"type":"subscribe","id":"s1","filtre":{}}',
        '{"type":"subscribe","id":"s1","filter":{"workspace":["w"]}}',
        '{"type":"subscribe","id":"s1","from":"yesterday"}',
        '{"type":"subscribe","id":"s1","from":{"time":"2026-01-01T00:00:00"}}',
        '{"type":"subscribe","id":"s1","from":{}}',
        json.dumps({"type": "subscribe", "id": "s1", "filter": {"devices": ["d"] * 1001}}),
        b"\x00binary",
    ],
)
async def test_what_is_malformed_is_refused_in_words(node, token, text):
    async with plain(node, token) as ws:
        await ws.send(text)
        messages, code = await closed(ws)
    assert code == 4400
    assert messages[-1]["code"] == "malformed_message"
    assert messages[-1]["detail"]


async def test_too_large_a_message_ends_the_connection(node, token):
    async with plain(node, token) as ws:
        await ws.send("x" * 70_000)
        assert (await closed(ws))[1] == 1009


async def test_a_flood_of_messages_ends_the_connection(node, token):
    async with plain(node, token) as ws:
        # More than a busy machine makes up for while it reads them.
        with contextlib.suppress(ConnectionClosed):
            for n in range(300):
                await send(ws, type="unsubscribe", id=str(n))
        messages, code = await closed(ws)
    assert (code, messages[-1]["code"]) == (4429, "too_many_messages")
    assert [m["code"] for m in messages[1:51]] == ["unknown_subscription"] * 50


async def test_subscriptions_are_named_bounded_and_ended_one_by_one(node, token, writer):
    async with plain(node, token) as ws:
        await receive(ws)
        for n in range(17):
            await send(ws, type="subscribe", id=f"s{n}", filter={"devices": [f"{writer.workspace}/{n}"]})
        opened = [await receive(ws) for _ in range(33)]
        assert [m["code"] for m in opened if m["type"] == "error"] == ["too_many_subscriptions"]
        await send(ws, type="subscribe", id="s0")
        assert (await receive(ws))["code"] == "duplicate_subscription"
        await send(ws, type="unsubscribe", id="s0")
        ended = await receive(ws)
        assert (ended["type"], ended["id"]) == ("unsubscribed", "s0")
        await asyncio.to_thread(writer.write, 8)
        got = {}
        while len(got) < 7:
            message = await receive(ws)
            if message["type"] == "readings":
                got[message["id"]] = [r["device"] for r in message["readings"]]
        assert got == {f"s{n}": [f"{writer.workspace}/{n}"] for n in range(1, 8)}


async def test_one_authenticates_once(node, token):
    async with plain(node, token) as ws:
        await receive(ws)
        await send(ws, type="authenticate", token=token)
        assert (await receive(ws))["code"] == "already_authenticated"
        await send(ws, type="subscribe", id="s1")
        assert (await receive(ws))["type"] == "subscribed"


async def test_pings_are_answered_and_other_paths_are_not_there(node, token):
    async with plain(node, token) as ws, asyncio.timeout(PATIENCE_S):
        await (await ws.ping())
    with pytest.raises(InvalidStatus) as raised:
        await connect(node.stream.replace("/v1/stream", "/v1/other"), proxy=None)
    assert raised.value.response.status_code == 404


async def test_connections_are_bounded(start_node, token):
    small = start_node(TREATY_PUSH_CONNECTIONS=2)
    async with plain(small, token), plain(small, token) as last:
        with pytest.raises(InvalidStatus) as raised:
            await plain(small, token)
        assert raised.value.response.status_code == 503
        assert raised.value.response.headers["retry-after"]
        await last.close()
        for _ in range(600):
            with contextlib.suppress(InvalidStatus):
                async with plain(small, token):
                    break
            # The node has yet to hear that one has left.
            await asyncio.sleep(0.1)
        else:
            raise AssertionError("the place that was left is nobody's")


async def test_who_reads_nothing_costs_the_others_nothing(start_node, token, writer):
    """A stalled connection is served from the shared ring; past it, it is told where to resume."""
    node = start_node(TREATY_PUSH_RING_BYTES=1_000_000)
    large = {"properties": {"text": "x" * 20_000}}
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.connect(("127.0.0.1", node.port))
    async with plain(node, token, sock=stalled, max_queue=1, ping_interval=None) as slow:
        await send(slow, type="subscribe", id="slow")
        assert [(await receive(slow))["type"] for _ in range(3)] == ["authenticated", "subscribed", "live"]
        slow.transport.pause_reading()
        async with plain(node, token) as quick:
            await send(quick, type="subscribe", id="quick")
            await receive(quick), await receive(quick), await receive(quick)
            got = []
            for _ in range(60):
                await asyncio.to_thread(writer.write, 8, **large)
                while len(got) < len(writer.committed):
                    got += [r["id"] for r in (await receive(quick)).get("readings", [])]
        assert sorted(got) == sorted(writer.committed)
        assert await asyncio.to_thread(node.metric, "treaty_push_ring_bytes") <= 1_000_000
        slow.transport.resume_reading()
        messages, code = await closed(slow)
    assert (code, messages[-1]["code"]) == (4408, "slow_reader")
    before = [r["id"] for m in messages[:-1] for r in m.get("readings", [])]
    assert len(before) < len(writer.committed)
    async with plain(node, token) as again:
        await send(again, type="subscribe", id="slow", **{"from": {"cursor": messages[-1]["cursor"]}})
        after = []
        while (message := await receive(again))["type"] != "live":
            after += [r["id"] for r in message.get("readings", [])]
    assert sorted(before + after) == sorted(writer.committed)


async def test_conflated_a_slow_client_gets_the_latest(node, token, writer):
    slow_socket = socket.socket()
    slow_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow_socket.connect(("127.0.0.1", node.port))
    async with plain(node, token, sock=slow_socket, max_queue=1, ping_interval=None) as slow:
        await send(slow, type="subscribe", id="s1", conflate=True)
        assert [(await receive(slow))["type"] for _ in range(3)] == ["authenticated", "subscribed", "live"]
        slow.transport.pause_reading()
        for _ in range(50):
            await asyncio.to_thread(writer.write, 8, properties={"text": "x" * 20_000})
        last = set(writer.committed[-8:])
        slow.transport.resume_reading()
        got = []
        while not last <= set(got):
            got += [r["id"] for r in (await receive(slow)).get("readings", [])]
    assert len(got) < len(writer.committed)


def test_the_node_says_what_it_serves(node, token):
    assert node.get("/livez").json()["alive"] is True
    ready = node.get("/readyz")
    assert ready.json() == {"ready": True, "checks": {"topic": "ok", "broker": "ok", "ring": "ok"}}
    assert node.metric("treaty_push_readings_total") >= 0
    assert node.metric("treaty_push_delivery_lag_seconds_count") >= 0
    widget = node.get("/v1/widgets", params={"model": "decentlab/dl-iam"}).json()
    assert widget["widget"]["version"] == 1
    assert widget["measurements"]["air_temperature"]["unit"] == "Cel"
    missing = node.get("/v1/widgets", params={"model": "nobody/nothing"})
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    page = node.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_no_token_is_ever_logged(start_node, token):
    node = start_node(TREATY_LOG_LEVEL="DEBUG")
    async with plain(node, token), plain(node, query=f"?access_token={token}"), plain(node) as ws:
        await send(ws, type="authenticate", token=token)
        await receive(ws)
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        for query in (f"access_token={token}&cursor=nonsense", "access_token=nonsense"):
            assert (await client.get(f"{node.http}/v1/stream/sse?{query}")).status_code in {400, 401}
    log = node.log.read_text()
    assert '"listening"' in log
    assert "eyJ" not in log
    assert token.split(".")[2] not in log
