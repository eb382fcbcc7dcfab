"""A version says what a release changed for those who read its data."""

from __future__ import annotations

from typing import Any

import pytest

from treaty_contracts.interface import judge_release
from treaty_contracts.model import Contract

BASE: dict[str, Any] = {
    "contract": "treaty/v1",
    "plugin": "thermometer",
    "version": "1.2.3",
    "entry": {"decode": "decoder:decode"},
    "models": ["acme/one"],
    "emits": {
        "measurements": {"temperature": {"quantity": "temperature", "unit": "Cel"}},
        "properties": {"door": {"type": "string", "values": ["open", "closed"]}},
    },
}


def contract(version: str, **changes: Any) -> Contract:
    return Contract.model_validate({**BASE, "version": version, **changes})


def emits(**changes: Any) -> dict[str, Any]:
    return {"emits": {**BASE["emits"], **changes}}


MORE = emits(
    measurements={**BASE["emits"]["measurements"], "humidity": {"quantity": "relative_humidity", "unit": "%"}}
)
LESS = emits(measurements={})
WIDER = emits(properties={"door": {"type": "string", "values": ["open", "closed", "ajar"]}})
OTHER = emits(measurements={"temperature": {"quantity": "relative_humidity", "unit": "%"}})


@pytest.mark.parametrize(
    ("version", "changes", "codes"),
    [
        ("1.2.4", {}, []),
        ("1.2.3", {}, ["V702"]),
        ("1.2.2", {}, ["V702"]),
        ("1.2.3-rc.1", {}, ["V702"]),
        ("1.2.4", MORE, ["V701"]),
        ("1.3.0", MORE, []),
        ("1.3.0", LESS, ["V701"]),
        ("2.0.0", LESS, []),
        ("1.3.0", WIDER, ["V701"]),
        ("1.3.0", OTHER, ["V701"]),
        ("1.3.0", {"models": ["acme/two"]}, ["V701"]),
        ("2.0.0", {"plugin": "another"}, ["V703"]),
    ],
)
def test_a_release(version: str, changes: dict[str, Any], codes: list[str]) -> None:
    assert [
        finding.code for finding in judge_release(contract("1.2.3"), contract(version, **changes))
    ] == codes


def test_an_action_that_takes_less_is_a_break() -> None:
    before = contract("1.0.0", actions={"set": {"arguments": {"type": "object"}}})
    after = contract("1.1.0", actions={"set": {"arguments": {"type": "object", "required": ["level"]}}})
    [finding] = judge_release(before, after)
    assert finding.code == "V701"
    assert finding.expected == "at least 2.0.0"
