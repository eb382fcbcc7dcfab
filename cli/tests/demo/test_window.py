"""An account of part of a traffic that flows on: clean for an honest platform wherever the part is cut."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from treaty_chassis.kafka.work import Partition
from treaty_cli.demo.corpora import Corpus
from treaty_cli.demo.expectation import Expectations
from treaty_cli.demo.reconciliation import Account, reconcile, uplink_of
from treaty_cli.demo.seed import Seed
from treaty_cli.demo.traffic import ROUND, Kind, Traffic
from treaty_cli.demo.window import bounded
from treaty_events.identity import EventId

from .honest import Honest

START = 1_767_323_045_678
STEP_MS = 25
COUNT = ROUND * 10


@pytest.fixture(scope="module")
def run(found: dict[str, Corpus]) -> Honest:
    from .conftest import SEED

    platform = Honest(SEED, found)
    traffic = Traffic(SEED, found, Random(5))
    for n in range(COUNT):
        now = START + n * STEP_MS
        platform.take(traffic.next(now), now + 1)
    return platform


def cut(account: Account, at_ms: int) -> dict[Partition, int]:
    """Where the raw topics stood at a moment."""
    ends: dict[Partition, int] = {}
    for record in account.raw:
        place = Partition(record.topic, record.partition)
        stood = record.offset if record.timestamp_ms >= at_ms else record.offset + 1
        ends[place] = min(ends.get(place, stood), stood) if record.timestamp_ms >= at_ms else stood
    return ends


@pytest.mark.parametrize("first", [0, 61, 137, 200])
@pytest.mark.parametrize("length", [40, 123, 200])
def test_a_window_anywhere_in_an_honest_run_is_clean(
    run: Honest, found: dict[str, Corpus], seed: Seed, first: int, length: int
) -> None:
    expect = Expectations(seed, found).of
    since = cut(run.account, START + first * STEP_MS)
    until = cut(run.account, START + (first + length) * STEP_MS)
    report = reconcile(bounded(run.account, since, until, expect), expect)
    assert report.faults == []
    # The traffic repeats its oldest records: those of a short window at the start are mostly left out.
    assert report.uplinks > length * 0.4
    assert report.delivered


def test_what_is_lost_in_the_window_is_found_and_what_is_lost_outside_is_not_its_affair(
    run: Honest, found: dict[str, Corpus], seed: Seed
) -> None:
    expect = Expectations(seed, found).of
    since, until = cut(run.account, START + 100 * STEP_MS), cut(run.account, START + 250 * STEP_MS)
    regular = [id for id, kind in run.kinds.items() if kind is Kind.REGULAR]
    whole = bounded(run.account, since, until, expect)
    inside = {EventId(whole.topic_ids[r.topic], r.partition, r.offset) for r in whole.raw}

    def without(uplink: EventId) -> Account:
        kept = [r for r in run.account.readings if uplink_of(r) != uplink]
        return bounded(replace(run.account, readings=kept), since, until, expect)

    lost = next(id for id in regular if id in inside)
    other = next(id for id in regular if id not in inside)
    assert reconcile(without(lost), expect).missing
    assert reconcile(without(other), expect).clean
