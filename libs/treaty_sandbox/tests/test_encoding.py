"""Encoders run confined: a downlink comes back, or one of a few kinds of failure, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from treaty_sandbox import Failed, Limits, Ok, Target, Template, run
from treaty_sandbox.encoding import DownlinkValues, downlink_target, encoding_target

PYTHON = b"""
from treaty import Action, Downlink, EncodeError

class OddError(Exception): ...
class OtherError(Exception): ...

def encode(action):
    match action.name:
        case "interval":
            return Downlink(b"\\xff\\x03" + action.arguments["seconds"].to_bytes(2, "little"), 85)
        case "model":
            return Downlink(action.model.encode(), None, True)
        case "refuse":
            raise EncodeError("not this one")
        case "declared":
            raise OddError("odd")
        case "undeclared":
            raise OtherError("other")
        case "loop":
            while True: pass
        case "none":
            return None
        case "text":
            return Downlink("00", 1)
        case "port":
            return Downlink(b"", "85")
        case "die":
            import os
            os._exit(3)
"""
CODEC = b"""
function encodeDownlink(input) {
  var d = input.data;
  if (d.seconds) return {bytes: [255, 3, d.seconds & 255, d.seconds >> 8], fPort: 85};
  if (d.refuse) return {errors: ["not this one"], bytes: []};
  if (d.thrown) throw new Error("by hand");
  if (d.mistake) return undefinedName;
  if (d.big) return {bytes: [256], fPort: 1};
  if (d.port) return {bytes: [1], fPort: "one"};
  if (d.none) return;
  if (d.loop) while (true) {}
  return {bytes: [0]};
}
"""


Encode = Callable[..., Ok[DownlinkValues] | Failed]


def one(template: Template, target: Target, *message: Any) -> Ok[DownlinkValues] | Failed:
    # Only who never ends is to meet it, on a slow machine too.
    limits = Limits(message_deadline=1_000)
    (reply,) = run(template, target, [message], DownlinkValues, limits=limits).replies
    return reply


@pytest.fixture
def python(template: Template) -> Encode:
    target = encoding_target({"e.py": PYTHON}, "e:encode", ["OddError"])
    return lambda name, **arguments: one(template, target, name, "acme/one", arguments)


@pytest.fixture
def javascript(template: Template) -> Encode:
    target = downlink_target({"c.js": CODEC}, "c:encodeDownlink")
    return lambda **arguments: one(template, target, "any", "acme/one", arguments)


def test_an_encoder_gives_a_payload_a_port_and_whether_it_is_confirmed(python: Encode) -> None:
    assert python("interval", seconds=1200) == Ok(DownlinkValues(b"\xff\x03\xb0\x04", 85, False))
    assert python("model") == Ok(DownlinkValues(b"acme/one", None, True))


def test_a_codec_is_given_the_arguments_as_data(javascript: Encode) -> None:
    assert javascript(seconds=1200) == Ok(DownlinkValues(b"\xff\x03\xb0\x04", 85, False))
    assert javascript() == Ok(DownlinkValues(b"\x00", None, False))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("refuse", "encode_error"),
        ("declared", "encode_error"),
        ("undeclared", "undeclared_error"),
        ("none", "malformed_output"),
        ("text", "malformed_output"),
        ("port", "malformed_output"),
        ("loop", "deadline_exceeded"),
        ("die", "child_crashed"),
    ],
)
def test_what_an_encoder_may_do_wrong_has_a_kind(python: Encode, name: str, kind: str) -> None:
    found = python(name)
    assert isinstance(found, Failed)
    assert found.kind == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("refuse", "encode_error"),
        ("thrown", "encode_error"),
        ("mistake", "undeclared_error"),
        ("big", "malformed_output"),
        ("port", "malformed_output"),
        ("none", "malformed_output"),
        ("loop", "deadline_exceeded"),
    ],
)
def test_what_a_codec_may_do_wrong_has_a_kind(javascript: Encode, name: str, kind: str) -> None:
    found = javascript(**{name: True})
    assert isinstance(found, Failed)
    assert found.kind == kind
