"""Downlink vectors: the encoder does as they say, in either language, or the package is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from treaty_contracts import Verdict, check

DECODER = """from treaty import Decoded, Uplink


def decode(uplink: Uplink) -> Decoded:
    return []
"""
ENCODER = """from treaty import Action, Downlink, EncodeError


def encode(action: Action) -> Downlink:
    seconds = action.arguments.get("seconds")
    if not isinstance(seconds, int):
        raise EncodeError("seconds are missing")
    return Downlink(seconds.to_bytes(2, "little"), 85)
"""
CODEC = """
function decodeUplink(input) { return {data: {}}; }
function encodeDownlink(input) {
  var s = input.data.seconds;
  if (s === undefined) return {errors: ["seconds are missing"]};
  return {bytes: [s & 255, s >> 8], fPort: 85};
}
"""
CONTRACT = """contract: treaty/v1
plugin: acme
version: 1.0.0
language: %s
entry: {decode: "%s", encode: "%s"}
models: [acme/one]
actions:
  set_interval:
    arguments:
      type: object
      properties: {seconds: {type: integer, minimum: 60, maximum: 65535}}
      required: [seconds]
vectors: vectors.json
"""
GOOD = {
    "action": "set_interval",
    "arguments": {"seconds": 1200},
    "expected": {"payload": "b004", "f_port": 85},
}


def judge(folder: Path, language: str, *downlinks: dict[str, Any]) -> Verdict:
    if language == "python":
        (folder / "decoder.py").write_text(DECODER)
        (folder / "encoder.py").write_text(ENCODER)
        entries = ("python", "decoder:decode", "encoder:encode")
    else:
        (folder / "codec.js").write_text(CODEC)
        entries = ("javascript", "codec:decodeUplink", "codec:encodeDownlink")
    (folder / "contract.yaml").write_text(CONTRACT % entries)
    named = [{"name": f"d{number}", **downlink} for number, downlink in enumerate(downlinks)]
    uplink = {"name": "u", "model": "acme/one", "payload": "00", "expected": {"readings": []}}
    cases = [uplink] if language == "python" else []
    (folder / "vectors.json").write_text(json.dumps({"cases": cases, "downlinks": named}))
    return check(folder)


def problems(verdict: Verdict) -> list[tuple[str, str]]:
    return [(f.code, f.message) for f in verdict.findings if f.severity == "error"]


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_an_encoder_that_does_as_its_vectors_say_is_admitted(tmp_path: Path, language: str) -> None:
    refused = {"action": "set_interval", "arguments": {}, "expected": {"error": "missing"}}
    assert problems(judge(tmp_path, language, GOOD, refused)) == []


@pytest.mark.parametrize("language", ["python", "javascript"])
@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        (
            {"expected": {"payload": "04b0", "f_port": 85}},
            "P502",
            "expected 04b0 on port 85, got b004 on port 85",
        ),
        ({"expected": {"payload": "b004", "f_port": 1}}, "P502", "expected b004 on port 1"),
        ({"expected": {"error": "missing"}}, "P503", "expected an error, got b004"),
        ({"arguments": {}, "expected": {"error": "other"}}, "P503", "expected an error with 'other'"),
        ({"arguments": {"seconds": 1}}, "C108", "arguments: 1 is less than the minimum of 60"),
        ({"action": "reboot"}, "C108", "which the contract does not declare"),
        ({"expected": {"payload": "xyz"}}, "C108", "hexadecimal"),
        ({"surprise": 1}, "C108", "no such key: surprise"),
    ],
)
def test_a_vector_that_does_not_hold_refuses_the_package(
    tmp_path: Path, language: str, changed: dict[str, Any], code: str, said: str
) -> None:
    found = problems(judge(tmp_path, language, GOOD | changed))
    assert [(c, said in message) for c, message in found] == [(code, True)], found


def test_the_same_package_has_the_same_verdict(tmp_path: Path) -> None:
    wrong = GOOD | {"expected": {"payload": "00"}}
    assert judge(tmp_path, "python", wrong).to_json() == judge(tmp_path, "python", wrong).to_json()
