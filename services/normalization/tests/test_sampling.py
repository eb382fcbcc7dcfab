"""The closer look: which uplinks get one, and what it finds that is not as published or promised."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from treaty_chassis.kafka.work import Output
from treaty_normalization.plugins import Plugin
from treaty_normalization.sampling import Sample, Sampler
from treaty_normalization.translation import translate
from treaty_normalization.uplinks import read
from treaty_sandbox import Ok, ReadingValues

from .conftest import plugin, record, uplink

EMITS = {
    "measurements": {"air_temperature": {"quantity": "temperature", "unit": "Cel"}},
    "properties": {"door": {"type": "string", "values": ["open", "closed"]}},
}


def sampler(of: Plugin, first: int = 100, share: float = 0.01) -> Sampler:
    return Sampler(of.contract, of.promises, Sample(first, share))


@pytest.mark.parametrize("batches", [[1000], [1] * 1000, [7] * 143, [512, 488]])
def test_the_first_are_chosen_and_then_an_even_share(batches: list[int]) -> None:
    found = sampler(plugin(**EMITS), first=10, share=0.01)
    chosen, before = [], 0
    for count in batches:
        places = found.chosen(count)
        assert all(0 <= place < count for place in places)
        chosen += sorted(before + place for place in places)
        before += count
    assert chosen[:10] == list(range(10))
    assert len(chosen) - 10 == (before - 10) // 100
    assert all(b - a == 100 for a, b in pairwise(chosen[10:]))


def test_a_share_of_nothing_is_none() -> None:
    found = sampler(plugin(**EMITS), first=0, share=0)
    assert not any(found.chosen(512) for _ in range(10))


def test_every_one_can_be_chosen() -> None:
    found = sampler(plugin(**EMITS), first=0, share=1)
    assert [sorted(found.chosen(3)) for _ in range(3)] == [[0, 1, 2]] * 3


@pytest.fixture
def reading() -> dict[str, Any]:
    """As the worker writes one."""
    values = ReadingValues({"air_temperature": 20.0}, {"door": "open"}, None, None)
    translated = translate(plugin(**EMITS), read(record(uplink())), Ok([values]))
    found: dict[str, Any] = json.loads(translated.outputs[0].value or b"")
    return found


def objection(body: dict[str, Any]) -> str | None:
    found = sampler(plugin(**EMITS))
    return found.objection([Output("reading.normalized.v1", b"d", json.dumps(body).encode())])


def test_what_the_worker_writes_stands_a_closer_look(reading: dict[str, Any]) -> None:
    assert objection(reading) is None


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("measurements", 0, "name"), "humidity", "measurements/0"),
        (("measurements", 0, "unit"), "furlong", "measurements/0"),
        (("measurements", 0, "value"), "20", "measurements/0"),
        (("properties", "door"), "ajar", "properties/door"),
        (("properties", "window"), "open", "properties"),
        (("position",), {"latitude": 1.0, "longitude": 1.0}, "position"),
        (("observed_at",), "yesterday", "observed_at"),
        (("surprise",), 1, "surprise"),
    ],
    ids=str,
)
def test_what_is_neither_published_nor_promised_is_found(
    reading: dict[str, Any], path: tuple[Any, ...], value: object, told: str
) -> None:
    part: Any = reading
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    assert told in str(objection(reading))
