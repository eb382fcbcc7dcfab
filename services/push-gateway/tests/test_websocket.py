"""The protocol over a transport in memory: whatever a peer sends, it is answered by the rules or cut off."""

import asyncio
import json
import os
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from treaty_push_gateway.stream.errors import Code, CodedError
from treaty_push_gateway.transports.traffic import Traffic
from treaty_push_gateway.transports.websocket import StreamProtocol


class Wire:
    """A transport that keeps what is written."""

    def __init__(self):
        self.written, self.closed, self.read_from = bytearray(), False, True

    def write(self, data):
        assert not self.closed
        self.written += data

    def close(self):
        self.closed = True

    def abort(self):
        self.closed = True

    def set_write_buffer_limits(self, high):
        pass

    def is_closing(self):
        return self.closed

    def pause_reading(self):
        self.read_from = False

    def resume_reading(self):
        self.read_from = True


def refuse(token):
    raise CodedError(Code.UNAUTHENTICATED, "no")


def opened():
    """A server and a client in the middle of a connection that nobody has authenticated."""
    traffic, connections, wire = Traffic(10), set(), Wire()
    gateway = SimpleNamespace(
        identify=refuse, refused=lambda code: None, catch_up=SimpleNamespace(resume=lambda: None)
    )
    server = StreamProtocol(lambda: gateway, traffic, connections)
    server.connection_made(wire)
    client = ClientProtocol(parse_uri("ws://localhost/v1/stream"), subprotocols=["treaty.v1.json"])
    client.send_request(client.connect())
    server.data_received(b"".join(client.data_to_send()))
    client.receive_data(bytes(wire.written))
    wire.written.clear()
    client.events_received()
    return server, client, wire, traffic, connections


def heard(client, wire):
    client.receive_data(bytes(wire.written))
    return [e for e in client.events_received() if isinstance(e, Frame)]


def framed(first, data):
    """A masked frame of any first byte (FIN, reserved bits, opcode), the mask being zeros."""
    size = bytes((0x80 | len(data),)) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
    return bytes((first,)) + size + bytes(4) + data


def test_who_does_not_read_is_not_read_from_so_that_pongs_never_pile_up():
    async def run():
        server, _, wire, _, _ = opened()
        server.pause_writing()
        assert not wire.read_from
        server.resume_writing()
        assert wire.read_from
        server.connection_lost(None)

    asyncio.run(run())


first_bytes = st.sampled_from([0x81, 0x82, 0x80, 0x01, 0x02, 0x00, 0x88, 0x89, 0x8A]) | st.integers(0, 255)
frames = st.lists(st.builds(framed, first_bytes, st.binary(max_size=300)), max_size=6).map(b"".join)


@settings(max_examples=200)
@given(frames, st.integers(1, 50))
def test_any_frames_in_any_pieces_leave_no_connection_behind(data, piece):
    async def run():
        server, _, wire, traffic, connections = opened()
        for start in range(0, len(data), piece):
            if wire.closed:
                break
            server.data_received(data[start : start + piece])
        server.connection_lost(None)
        assert traffic.websocket == 0
        assert not connections

    asyncio.run(run())


@settings(max_examples=100)
@given(st.binary(min_size=1, max_size=400))
def test_any_bytes_do_no_more_than_end_the_connection(data):
    async def run():
        server, _, wire, traffic, _ = opened()
        server.data_received(data)
        if not wire.closed:
            server.eof_received()
        server.connection_lost(None)
        assert traffic.websocket == 0

    asyncio.run(run())


async def test_a_ping_is_answered_with_its_own_data():
    server, client, wire, *_ = opened()
    client.send_ping(b"hello")
    server.data_received(b"".join(client.data_to_send()))
    (pong,) = heard(client, wire)
    assert (pong.opcode, bytes(pong.data)) == (Opcode.PONG, b"hello")


async def test_a_message_in_fragments_is_one_message():
    server, client, wire, *_ = opened()
    client.send_text(b'{"type":"sub', fin=False)
    client.send_continuation(b'scribe","id":"s1"}', fin=True)
    server.data_received(b"".join(client.data_to_send()))
    told, closed = heard(client, wire)
    assert json.loads(told.data)["code"] == "unauthenticated"
    assert closed.opcode is Opcode.CLOSE
    assert client.close_rcvd.code == 4401


async def test_a_peer_that_answers_no_ping_is_let_go():
    server, client, wire, *_ = opened()
    server._ping()
    server._ping()
    assert [f.opcode for f in heard(client, wire)] == [Opcode.PING, Opcode.CLOSE]
    assert client.close_rcvd.code == 1011
    assert wire.closed


async def test_text_that_is_no_utf8_is_told_apart():
    server, client, wire, *_ = opened()
    client.send_text(b"\xff\xfe")
    server.data_received(b"".join(client.data_to_send()))
    heard(client, wire)
    assert client.close_rcvd.code == 1007


async def test_a_full_or_unready_node_asks_to_come_back():
    for gateway, traffic in ((None, Traffic(10)), (SimpleNamespace(), Traffic(0))):
        wire = Wire()
        server = StreamProtocol(lambda found=gateway: found, traffic, set())
        server.connection_made(wire)
        key = os.urandom(16).hex()
        server.data_received(
            f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        head = bytes(wire.written).partition(b"\r\n\r\n")[0]
        assert head.startswith(b"HTTP/1.1 503")
        assert b"Retry-After" in head
        assert wire.closed
