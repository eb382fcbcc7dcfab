"""What comes in is read strictly; what goes out is framed as RFC 6455 and event streams want it."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from treaty_push_gateway.stream.errors import CLOSES, Code, CodedError
from treaty_push_gateway.stream.messages import Outgoing, error, position_message, readings, snapshot
from treaty_push_gateway.stream.requests import (
    Authenticate,
    FromCursor,
    FromTime,
    Subscribe,
    Unsubscribe,
    Wanted,
    read_request,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
subscribe_like = st.fixed_dictionaries(
    {"type": st.sampled_from(["subscribe", "authenticate", "unsubscribe"])},
    optional=dict.fromkeys(("id", "filter", "from", "snapshot", "conflate", "token"), json_values),
)


@given(st.binary(max_size=200) | subscribe_like.map(lambda body: json.dumps(body).encode()))
def test_any_bytes_are_a_request_or_a_malformed_message(text):
    with suppress(CodedError):
        assert isinstance(read_request(text), Authenticate | Subscribe | Unsubscribe)


def test_a_subscription_in_full():
    body = {
        "type": "subscribe",
        "id": "s1",
        "filter": {"workspaces": ["w"], "devices": ["d"], "models": ["m/1"], "measurements": ["t"]},
        "conflate": True,
        "from": {"cursor": "AQ"},
    }
    found = read_request(json.dumps(body).encode())
    assert found == Subscribe("s1", Wanted(("w",), ("d",), ("m/1",), ("t",)), False, True, FromCursor("AQ"))


def test_a_subscription_in_short():
    assert read_request(b'{"type":"subscribe","id":"s1"}') == Subscribe("s1", Wanted())
    assert read_request(b'{"type":"subscribe","id":"s1","from":"latest"}') == Subscribe("s1", Wanted())


def test_a_time_needs_its_zone_and_keeps_it():
    found = read_request(b'{"type":"subscribe","id":"s1","from":{"time":"2026-01-01T01:00:00+01:00"}}')
    assert isinstance(found.start, FromTime)
    assert found.start.time.timestamp() == 1767225600


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
def test_a_frame_is_read_back_by_a_client(size):
    client = ClientProtocol(parse_uri("ws://localhost/"), max_size=None, state=OPEN)
    client.receive_data(Outgoing("readings", b"x" * size).websocket)
    (frame,) = client.events_received()
    assert (frame.opcode, frame.fin, len(frame.data)) == (Opcode.TEXT, True, size)


def test_an_event_is_three_lines_and_an_empty_one():
    message = readings("sse", "AQ", [b'{"id":"1"}', b'{"id":"2"}'])
    name, identity, data, *rest = message.event.decode().split("\n")
    assert (name, identity, rest) == ("event: readings", "id: AQ", ["", ""])
    assert json.loads(data.removeprefix("data: "))["readings"] == [{"id": "1"}, {"id": "2"}]
    assert b"id: " not in position_message("subscribed", "s1", None).event


@given(st.text(min_size=1, max_size=64))
def test_a_clients_id_comes_back_as_it_was(id):
    for message in (
        readings(id, "AQ", []),
        snapshot(id, [], "AQ"),
        snapshot(id, [], None),
        position_message("live", id, "AQ"),
        error(CodedError(Code.FORBIDDEN, "no"), id, "AQ"),
    ):
        assert json.loads(message.text)["id"] == id
        assert b"\n" not in message.text


def test_every_code_that_ends_a_connection_has_a_close_code_of_the_applications():
    assert all(code in {1001} or 4000 <= code < 5000 for code in CLOSES.values())
