"""Every form's messages, case by case, and what no message may do."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treaty_events import codec
from treaty_events.networks import Network, NetworkEvent, NetworkUplink, UnwrapCode, UnwrapError, unwrap

CASES = sorted(Path(__file__).parent.glob("networks/*/*/input.json"))


def read(case: Path) -> tuple[str, bytes, list[tuple[str, bytes | None]], dict[str, Any]]:
    headers = case.with_name("headers.json")
    given_headers = json.loads(headers.read_text()) if headers.exists() else {}
    return (
        case.parent.parent.name,
        case.read_bytes(),
        [(name, text.encode()) for name, text in given_headers.items()],
        json.loads(case.with_name("expected.json").read_text()),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.parent.parent.name}-{c.parent.name}")
def test_a_message_comes_to_what_its_case_says(case: Path) -> None:
    network, value, headers, expected = read(case)
    if "error" in expected:
        with pytest.raises(UnwrapError) as caught:
            unwrap(network, value, headers)
        assert caught.value.code == expected["error"]["code"]
        assert expected["error"]["detail"] in caught.value.detail
        return
    found = unwrap(network, value, headers)
    if "event" in expected:
        assert isinstance(found, NetworkEvent)
        told = {"kind": found.kind, "external_id": found.external_id, "observed_at": found.observed_at}
        assert told == expected["event"]
        assert found.data == json.loads(value)
        return
    assert isinstance(found, NetworkUplink)
    told = asdict(found) | {"payload": found.payload.hex()}
    if found.link is not None:
        told["link"]["radio_gateways"] = list(told["link"]["radio_gateways"])
    assert told == {"content_type": "application/octet-stream"} | expected["uplink"]


def test_every_network_has_cases_of_each_outcome() -> None:
    seen = {(network, next(iter(expected))) for network, _, _, expected in map(read, CASES)}
    wanted = {(n, o) for n in Network for o in ("uplink", "error")}
    wanted |= {(n, "event") for n in Network if n is not Network.NATIVE}
    assert {(str(n), o) for n, o in wanted} <= seen


def test_a_loriot_frame_is_the_same_in_its_rx_and_its_gw_message() -> None:
    frame: dict[str, Any] = {"EUI": "1000000000000001", "fcnt": 3, "port": 1, "data": "0A", "ts": 1}
    rx = unwrap("loriot", json.dumps({"cmd": "rx", **frame}).encode(), [])
    gw = unwrap("loriot", json.dumps({"cmd": "gw", "gws": [], **frame, "ts": 9}).encode(), [])
    other = unwrap("loriot", json.dumps({"cmd": "rx", **frame, "data": "0B"}).encode(), [])
    assert isinstance(rx, NetworkUplink)
    assert isinstance(gw, NetworkUplink)
    assert isinstance(other, NetworkUplink)
    assert rx.dedup_id == gw.dedup_id != other.dedup_id


def test_an_unknown_network_is_said() -> None:
    with pytest.raises(UnwrapError) as caught:
        unwrap("sigfox", b"{}", [])
    assert caught.value.code is UnwrapCode.UNKNOWN_NETWORK


def harmless(network: str, value: bytes, headers: list[tuple[str, bytes | None]]) -> None:
    """Unwrapping raises nothing but UnwrapError, and what it returns can be encoded."""
    try:
        found = unwrap(network, value, headers)
    except UnwrapError as error:
        refused = error
    else:
        codec.encode(found)
        return
    assert refused.code in UnwrapCode
    assert len(refused.detail) < 1000


header_values = (
    st.none() | st.binary(max_size=30) | st.sampled_from([b"up", b"join", b"ack", b"1", b"-1", b"\xff"])
)
header_names = st.sampled_from(
    ["event", "treaty-device", "treaty-f-port", "treaty-counter", "treaty-observed-at", "content-type"]
)
some_headers = st.lists(st.tuples(header_names, header_values), max_size=6)
networks = st.sampled_from(list(Network))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(networks, st.binary(max_size=300), some_headers)
def test_random_bytes_raise_nothing_else(
    network: str, value: bytes, headers: list[tuple[str, bytes | None]]
) -> None:
    harmless(network, value, headers)


@given(st.sampled_from(CASES), st.data())
def test_mutated_messages_raise_nothing_else(case: Path, data: st.DataObject) -> None:
    network, value, headers, _ = read(case)
    start = data.draw(st.integers(0, len(value)))
    stop = data.draw(st.integers(start, min(len(value), start + 40)))
    mutated = value[:start] + data.draw(st.binary(max_size=20)) + value[stop:]
    harmless(network, mutated, headers + data.draw(some_headers))


@given(st.sampled_from([c for c in CASES if c.read_bytes()[:1] == b"{"]), st.data())
def test_messages_with_another_value_somewhere_raise_nothing_else(case: Path, data: st.DataObject) -> None:
    network, value, headers, _ = read(case)
    try:
        body = json.loads(value)
    except (ValueError, RecursionError):
        return
    node, path = body, []
    while isinstance(node, dict) and node and (not path or data.draw(st.booleans())):
        path.append(data.draw(st.sampled_from(sorted(node))))
        node = node[path[-1]]
    holder = body
    for name in path[:-1]:
        holder = holder[name]
    if path:
        holder[path[-1]] = data.draw(json_values)
    harmless(network, json.dumps(body).encode(), headers)
