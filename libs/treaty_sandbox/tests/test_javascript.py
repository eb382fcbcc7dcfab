"""JavaScript codecs with the LoRaWAN payload codec API run as they are, and get nowhere either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from treaty_sandbox import (
    ChildRefusedError,
    Failed,
    Limits,
    Ok,
    ReadingValues,
    Run,
    Target,
    Template,
    codec_target,
    run,
)
from treaty_sandbox.decoding import PositionValues
from treaty_sandbox.inside.emitting import emitted_name

RECEIVED_AT = 1_700_000_000_123
Decode = Callable[..., Any]

CODEC = b"""
function decodeUplink(input) {
  var b = input.bytes;
  console.log("seen", input);
  switch (b.length ? b[0] : -1) {
    case -1: return {errors: ["empty payload", "nothing to do"]};
    case 0: throw new Error("not mine");
    case 1: return undefinedName;
    case 2: while (true) {}
    case 3: return f();
    case 4: { let a = []; while (true) a.push(new Array(100000).fill(1)); }
    case 5: return {data: {text: "x".repeat(300000)}};
    case 6: return 5;
    case 7: return {};
    case 8: return {data: {tempC: 1, temp_c: 2}};
    case 9: {
      let deep = {}, at = deep;
      for (let i = 0; i < 50; i++) at = at.a = {};
      at.a = 1;
      return {data: deep};
    }
    case 10: { let c = {}; c.c = c; return {data: c}; }
    case 11: throw {strange: true};
    case 12: return {data: {port: input.fPort, at: input.recvTime.toISOString(), array: Array.isArray(b)}};
    case 13: return {data: {latitude: 52.5, longitude: 13.4, altitude: 30, fix: true}};
    case 14: return {data: {bad: NaN, none: null, gone: undefined, on: false, tempC: "hot"}};
    case 15: return {
      data: {has: [typeof require, typeof process, typeof std, typeof os, typeof fetch, typeof Worker].join()}
    };
  }
  return {
    data: {tempC: ((b[0] << 8) | b[1]) / 10, BatV: 3, gps: {hdOp: 1.5}, list: [7, {x: 8}]},
    warnings: ["low battery"],
  };
}
function f() { return f(); }
module.exports = {decodeUplink};
"""


@pytest.fixture
def decode(template: Template) -> Decode:
    def decode(
        *payloads: bytes, source: bytes = CODEC, limits: Limits | None = None
    ) -> Run[list[ReadingValues]]:
        target = codec_target({"codec.js": source}, "codec:decodeUplink", ["temp_c", "bat_v"], position=True)
        messages = [(payload, 7, "acme/one", "application/octet-stream", RECEIVED_AT) for payload in payloads]
        return run(template, target, messages, list[ReadingValues], limits=limits)

    return decode


def reading(found: Run[list[ReadingValues]]) -> ReadingValues:
    [reply] = found.replies
    assert isinstance(reply, Ok), reply
    [value] = reply.value
    return value


def test_numbers_declared_as_measurements_are_and_everything_else_is_a_property(decode: Decode) -> None:
    found = reading(decode(b"\x20\xff"))
    assert found.measurements == {"temp_c": 844.7, "bat_v": 3.0}
    assert found.properties == {"gps_hd_op": 1.5, "list_0": 7, "list_1_x": 8}


def test_the_input_is_the_apis(decode: Decode) -> None:
    assert reading(decode(b"\x0c")).properties == {"port": 7, "at": "2023-11-14T22:13:20.123Z", "array": True}


def test_a_position_is_taken_from_its_names(decode: Decode) -> None:
    found = reading(decode(b"\x0d"))
    assert found.position == PositionValues(52.5, 13.4, 30.0, None)
    assert found.properties == {"fix": True}


def test_what_json_has_no_value_for_is_absent(decode: Decode) -> None:
    found = reading(decode(b"\x0e"))
    assert (found.measurements, found.properties) == ({}, {"on": False, "temp_c_text": "hot"})


def test_there_is_nothing_but_the_language(decode: Decode) -> None:
    assert reading(decode(b"\x0f")).properties == {"has": ",".join(["undefined"] * 6)}


@pytest.mark.parametrize(
    ("payload", "kind", "detail"),
    [
        (b"", "decode_error", "empty payload; nothing to do"),
        (b"\x00", "decode_error", "Error: not mine"),
        (b"\x01", "undeclared_error", "ReferenceError: undefinedName is not defined"),
        (b"\x02", "deadline_exceeded", ""),
        (b"\x03", "undeclared_error", "RangeError: Maximum call stack size exceeded"),
        (b"\x04", "undeclared_error", "out of memory"),
        (b"\x05", "output_too_large", "at most"),
        (b"\x06", "malformed_output", "expected an object, got int"),
        (b"\x07", "decode_error", "the codec returned no data"),
        (b"\x08", "malformed_output", "two values are both named 'temp_c'"),
        (b"\x09", "malformed_output", "nested deeper"),
        (b"\x0a", "undeclared_error", "circular reference"),
        (b"\x0b", "decode_error", "[object Object]"),
    ],
    ids=lambda value: value.hex() if isinstance(value, bytes) else "",
)
def test_failures_have_their_kinds_and_the_others_go_through(
    decode: Decode, payload: bytes, kind: str, detail: str
) -> None:
    # Only who never ends is to meet it, on a slow machine too.
    deadline = 1_000 if kind == "deadline_exceeded" else 20_000
    limits = Limits(memory=64 << 20, message_deadline=deadline, batch_deadline=60_000)
    before, guilty, after = decode(b"\x20\x01", payload, b"\x20\x02", limits=limits).replies
    assert isinstance(before, Ok)
    assert isinstance(after, Ok)
    assert isinstance(guilty, Failed)
    assert guilty.kind == kind
    assert detail in guilty.detail


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (b"function (", "JSException"),
        (b"var x = 1;", "AttributeError"),
        (b"throw new Error('no')", "JSException"),
    ],
)
def test_a_codec_that_does_not_load_is_refused(decode: Decode, source: bytes, kind: str) -> None:
    with pytest.raises(ChildRefusedError) as refused:
        decode(b"", source=source)
    assert (refused.value.stage, refused.value.kind) == ("load", kind)


def test_the_codecs_own_output_is_to_be_had_unmapped(template: Template) -> None:
    target = Target(
        "treaty_sandbox.inside.javascript:codec", {"codec.js": CODEC}, {"entry": "codec:decodeUplink"}
    )
    [reply] = run(template, target, [(b"\x20\xff", 1, "", "", 0)], dict[str, Any]).replies
    assert isinstance(reply, Ok)
    assert reply.value["data"]["gps"] == {"hdOp": 1.5}
    assert reply.value["warnings"] == ["low battery"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (("TempC_SHT",), "temp_c_sht"),
        (("BatV",), "bat_v"),
        (("gps", "hdOp"), "gps_hd_op"),
        (("messages", "0", "measurementValue"), "messages_0_measurement_value"),
        (("CO2",), "co_2"),
        (("HTTPStatus",), "http_status"),
        (("2nd",), "v_2_nd"),
        (("°",), "v"),
    ],
)
def test_names_of_paths(path: tuple[str, ...], name: str) -> None:
    assert emitted_name(path) == name
