"""Vectors run again in a child at work: same answers from what is the same, in every shipped plugin."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from treaty_contracts import Policy, check
from treaty_contracts.probe.vectors import Case
from treaty_normalization.conduct import Conduct, Watch
from treaty_normalization.drift import Recheck, messages
from treaty_normalization.hosting import Hosting
from treaty_normalization.metrics import Metrics
from treaty_normalization.plugins import Plugin, judged
from treaty_sandbox import Policy as Confinement
from treaty_sandbox import ReadingValues, Template, run

from .conftest import plugin

SHIPPED = sorted((Path(__file__).parents[3] / "plugins").glob("*/contract.yaml"))
TURNS = b"""
from treaty import Reading
calls = 0
def decode(uplink):
    global calls
    calls += 1
    return [Reading({"air_temperature": 20.0 if calls < 3 else 21.0})]
"""


def case(name: str, value: float = 20.0, error: str | None = None) -> Case:
    readings = None if error is not None else [{"measurements": {"air_temperature": value}}]
    return Case(name, "acme/one", 1, b"x", "application/octet-stream", 0, readings, error)


@pytest.fixture(scope="module")
def template() -> Iterator[Template]:
    found = Template()
    yield found
    found.close()


@pytest.mark.parametrize("contract", SHIPPED, ids=lambda path: path.parent.name)
def test_shipped_plugins_answer_their_vectors_as_when_they_were_judged(
    template: Template, contract: Path
) -> None:
    found = judged(contract.parent, partial(check, policy=Policy()))
    assert isinstance(found, Plugin)
    assert found.vectors
    ran = run(template, found.target(), messages(found.vectors), list[ReadingValues])
    assert Conduct.drifted(found.vectors, ran.replies) is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([case("same")], None),
        ([case("other", 20.5)], "'other': readings[0].measurements.air_temperature: expected 20.5, got 20.0"),
        ([case("same"), case("an error", error="DecodeError")], "'an error': expected an error"),
    ],
    ids=["same", "another value", "no error"],
)
def test_another_answer_is_told_with_its_vector(
    template: Template, given: Sequence[Case], told: str | None
) -> None:
    ran = run(template, plugin(TURNS).target(), messages(given), list[ReadingValues])
    why = Conduct.drifted(given, ran.replies)
    assert why is None if told is None else told in str(why)


def test_vectors_are_due_a_few_at_a_time_and_again_after_the_interval() -> None:
    cases = tuple(case(str(number)) for number in range(100))
    recheck = Recheck(replace(plugin(), vectors=cases), every_s=60)
    assert recheck.due(1000) == ()
    assert recheck.due(1059) == ()
    assert [len(recheck.due(1060)), len(recheck.due(1060.1)), len(recheck.due(1060.2))] == [64, 36, 0]
    assert len(recheck.due(1121)) == 64


def test_a_plugin_that_changes_its_mind_at_work_is_reported(template: Template) -> None:
    told: list[tuple[str, str]] = []
    registry = CollectorRegistry()
    hosting = Hosting(
        replace(plugin(TURNS), vectors=(case("first"), case("second"))),
        template,
        Confinement.STRICT,
        "0",
        Metrics(registry),
        watch=Watch(recheck_s=0.01),
        tell=lambda _, kind, detail: told.append((kind, detail)),
    )
    deadline = time.monotonic() + 90
    while not told:
        assert time.monotonic() < deadline
        hosting.poll(time.monotonic(), 0)
        select.select(hosting.filenos(), [], [], 0.02)
    hosting.rest()
    assert told[0] == (
        "vectors_differ",
        "vector 'first': readings[0].measurements.air_temperature: expected 20.0, got 21.0",
    )
    for result in ("same", "differs"):
        labels = {"plugin": "acme", "result": result}
        assert registry.get_sample_value("treaty_normalization_rechecks_total", labels) == 1
