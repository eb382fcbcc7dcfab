"""A widget shows what is declared and calls what is declared."""

from __future__ import annotations

import json
from typing import Any

import pytest

from treaty_contracts.interface import judge_widget
from treaty_contracts.model import Contract

CONTRACT = Contract.model_validate(
    {
        "contract": "treaty/v1",
        "plugin": "lamp",
        "version": "1.0.0",
        "entry": {"decode": "lamp:decode", "encode": "lamp:encode"},
        "models": ["acme/lamp"],
        "emits": {
            "measurements": {"power": {"quantity": "power", "unit": "W"}},
            "properties": {"lit": {"type": "boolean"}, "mode": {"type": "string"}},
        },
        "actions": {"turn_on": {}, "turn_off": {}},
        "widget": "widget.json",
    }
)


def codes(*elements: Any, **document: Any) -> list[str]:
    body = {"version": 1, "layout": {"vertical": {"elements": list(elements)}}, **document}
    return [finding.code for finding in judge_widget(CONTRACT, {"widget.json": json.dumps(body).encode()})]


@pytest.mark.parametrize(
    ("element", "found"),
    [
        ({"tag": "switch", "tracker": "lit", "listener": {"on": "turn_on", "off": "turn_off"}}, []),
        ({"tag": "gauge", "tracker": "power"}, []),
        ({"tag": "button", "listener": {"press": "turn_on"}}, []),
        ({"horizontal": {"elements": [{"tag": "text", "tracker": "mode"}]}}, []),
        ({"tag": "gauge", "tracker": "current"}, ["W602"]),
        ({"tag": "gauge", "tracker": "mode"}, ["W603"]),
        ({"tag": "switch", "tracker": "lit", "listener": {"on": "explode"}}, ["W604"]),
        ({"tag": "hologram", "tracker": "lit"}, ["W605"]),
        ({"tag": "switch", "tracker": "lit", "listener": {"spin": "turn_on"}}, ["W606"]),
        ({"tracker": "lit"}, ["W601"]),
        ("text", ["W601"]),
    ],
)
def test_an_element(element: Any, found: list[str]) -> None:
    assert codes(element) == found


def test_another_version_is_refused() -> None:
    assert codes(version=2) == ["W601"]
