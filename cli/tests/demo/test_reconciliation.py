"""The account of a run: clean for an honest platform, and every kind of fault is found in a faulty one."""

from collections.abc import Callable
from copy import copy, deepcopy
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from treaty_chassis.kafka.work import Record
from treaty_cli.demo.corpora import Corpus
from treaty_cli.demo.expectation import Expectations
from treaty_cli.demo.journal import Delivery
from treaty_cli.demo.reconciliation import Account, reconcile
from treaty_cli.demo.report import Report
from treaty_cli.demo.traffic import ROUND, Kind, Traffic
from treaty_events.headers import header
from treaty_events.identity import EventId

from .honest import HOP_MS, Honest

START = 1_767_323_045_678
COUNT = ROUND * 8
STEP_MS = 25
LISTS = ("raw", "accepted", "readings", "refused", "dead_letters", "reported")


@pytest.fixture(scope="module")
def expectations(found: dict[str, Corpus]) -> Expectations:
    from .conftest import SEED

    return Expectations(SEED, found)


@pytest.fixture(scope="module")
def whole(found: dict[str, Corpus]) -> Honest:
    from .conftest import SEED

    platform = Honest(SEED, found)
    traffic = Traffic(SEED, found, Random(11))
    for n in range(COUNT):
        now = START + n * STEP_MS
        platform.take(traffic.next(now), now + 1)
    return platform


@pytest.fixture
def run(whole: Honest) -> Honest:
    """The test's own: what was written stays as it is, and what is there may be changed."""
    found = copy(whole)
    found.kinds = dict(whole.kinds)
    account = whole.account
    lists = {name: list(getattr(account, name)) for name in LISTS}
    found.account = replace(account, **lists, deliveries=deepcopy(account.deliveries))
    return found


@pytest.fixture
def judge(run: Honest, expectations: Expectations) -> Callable[[], Report]:
    return lambda: reconcile(run.account, expectations.of)


def of_kind(run: Honest, kind: Kind, number: int = 0) -> EventId:
    return [id for id, k in run.kinds.items() if k is kind][number]


def index(records: list[Record], uplink: EventId) -> int:
    """Where the first record of this uplink stands."""
    ids = [EventId.parse((header(r.headers, "ce_id") or b"").decode()).at(0) for r in records]
    return ids.index(uplink.at(0))


def mutable(account: Account, name: str) -> list[Any]:
    found: list[Any] = getattr(account, name)
    return found


def changed(record: Record, **fields: Any) -> Record:
    return msgspec.structs.replace(record, **fields)


def rewritten(record: Record, change: Callable[[dict[str, Any]], None]) -> Record:
    body = msgspec.json.decode(record.value or b"")
    change(body)
    return changed(record, value=msgspec.json.encode(body))


def test_an_honest_run_is_clean_and_counted(run: Honest, judge: Callable[[], Report]) -> None:
    report = judge()
    assert report.faults == []
    assert report.clean
    kinds = list(run.kinds.values())
    events = kinds.count(Kind.EVENT)
    assert report.uplinks == COUNT - events
    assert report.refused == {
        "bad_signature": kinds.count(Kind.FORGED),
        "unknown_device": kinds.count(Kind.UNKNOWN),
    }
    assert report.dead_letters == {"decode_error": kinds.count(Kind.UNDECODABLE)}
    assert report.duplicates_dropped == kinds.count(Kind.REPEATED)
    assert report.accepted == COUNT - events - kinds.count(Kind.FORGED) - kinds.count(Kind.UNKNOWN)
    assert report.readings == report.delivered == len(run.account.readings)
    assert report.readings > kinds.count(Kind.REGULAR), "one uplink has two readings"
    assert set(report.latencies_ms) == {HOP_MS + 1}


def test_the_object_has_the_agreed_keys(judge: Callable[[], Report]) -> None:
    told = judge().to_json(12.5)
    assert list(told) == [
        "uplinks",
        "accepted",
        "refused",
        "dead_letters",
        "duplicates_dropped",
        "readings",
        "delivered",
        "missing",
        "duplicates",
        "wrong_values",
        "latency_ms",
        "ready_s",
    ]
    assert told["latency_ms"] == {"p50": HOP_MS + 1, "p99": HOP_MS + 1, "max": HOP_MS + 1}
    assert told["ready_s"] == 12.5


def test_an_empty_run_is_clean_and_says_that_it_is_empty() -> None:
    told = reconcile(Account({}), lambda record: pytest.fail("no record")).to_json(None)
    assert told["uplinks"] == told["readings"] == 0
    assert told["latency_ms"] == {"p50": None, "p99": None, "max": None}


def test_percentiles_are_by_nearest_rank() -> None:
    told = Report(latencies_ms=[*range(1, 101)]).to_json(None)
    assert told["latency_ms"] == {"p50": 50, "p99": 99, "max": 100}
    assert Report(latencies_ms=[7, 3]).to_json(None)["latency_ms"] == {"p50": 3, "p99": 7, "max": 7}


MISSING: dict[str, Callable[[Honest], None]] = {}
REPEATED: dict[str, Callable[[Honest], None]] = {}
WRONG: dict[str, Callable[[Honest], None]] = {}


def fault(table: dict[str, Callable[[Honest], None]]) -> Callable[[Callable[[Honest], None]], None]:
    def add(make: Callable[[Honest], None]) -> None:
        table[make.__name__.replace("_", " ")] = make

    return add


def regular(run: Honest) -> EventId:
    return of_kind(run, Kind.REGULAR, 3)


@fault(MISSING)
def an_uplink_that_nobody_took(run: Honest) -> None:
    id = regular(run)
    for name in ("accepted", "readings"):
        del mutable(run.account, name)[index(run.account.__getattribute__(name), id)]


@fault(MISSING)
def an_accepted_uplink_without_a_reading(run: Honest) -> None:
    del mutable(run.account, "readings")[index(list(run.account.readings), regular(run))]


@fault(MISSING)
def one_of_two_readings(run: Honest) -> None:
    for n, record in enumerate(run.account.readings):
        if EventId.parse((header(record.headers, "ce_id") or b"").decode()).index == 1:
            del mutable(run.account, "readings")[n]
            del mutable(run.account, "deliveries")[n]
            return


@fault(MISSING)
def a_reading_that_was_not_delivered(run: Honest) -> None:
    del mutable(run.account, "deliveries")[5]


@fault(MISSING)
def a_forged_uplink_that_was_accepted(run: Honest) -> None:
    id = of_kind(run, Kind.FORGED)
    found = run.account.refused[index(list(run.account.refused), id)]
    mutable(run.account, "refused").remove(found)
    mutable(run.account, "accepted").append(found)


@fault(MISSING)
def a_refusal_without_the_bytes(run: Honest) -> None:
    refused = mutable(run.account, "refused")
    refused[0] = changed(refused[0], value=(refused[0].value or b"")[:-1])


@fault(MISSING)
def a_refusal_that_lost_a_header(run: Honest) -> None:
    refused = mutable(run.account, "refused")
    n = next(n for n, r in enumerate(refused) if len(r.headers) > 15)
    kept = [(name, b"x" if name == "treaty-timestamp" else value) for name, value in refused[n].headers]
    refused[n] = changed(refused[n], headers=tuple(kept))


@fault(MISSING)
def a_refusal_for_another_reason(run: Honest) -> None:
    refused = mutable(run.account, "refused")
    n = index(refused, of_kind(run, Kind.FORGED))
    refused[n] = changed(refused[n], headers=(*refused[n].headers, ("treaty-reason", b"unsigned")))


@fault(MISSING)
def a_refusal_that_does_not_say_which_headers_it_had(run: Honest) -> None:
    refused = mutable(run.account, "refused")
    kept = tuple(h for h in refused[0].headers if h[0] != "treaty-original-headers")
    refused[0] = changed(refused[0], headers=kept)


@fault(MISSING)
def a_dead_letter_that_is_no_uplink(run: Honest) -> None:
    dead = mutable(run.account, "dead_letters")
    dead[0] = changed(dead[0], value=b"{}")


@fault(MISSING)
def an_unknown_device_that_nobody_refused(run: Honest) -> None:
    del mutable(run.account, "refused")[index(list(run.account.refused), of_kind(run, Kind.UNKNOWN))]


@fault(MISSING)
def an_undecodable_uplink_that_nobody_kept(run: Honest) -> None:
    del mutable(run.account, "dead_letters")[0]


@fault(MISSING)
def an_undecodable_uplink_that_was_decoded(run: Honest) -> None:
    dead = mutable(run.account, "dead_letters").pop(0)
    id = header(dead.headers, "ce_id") or b""
    model = run.account.readings[0]

    def provenance(body: dict[str, Any]) -> None:
        body["provenance"]["uplink"] = id.decode()

    made = rewritten(changed(model, headers=(*model.headers, ("ce_id", id))), provenance)
    mutable(run.account, "readings").append(made)


@fault(MISSING)
def a_dead_letter_with_other_bytes(run: Honest) -> None:
    dead = mutable(run.account, "dead_letters")
    dead[0] = rewritten(dead[0], lambda body: body.update(payload="AAAA"))


@fault(MISSING)
def a_dead_letter_for_another_reason(run: Honest) -> None:
    dead = mutable(run.account, "dead_letters")
    dead[0] = changed(dead[0], headers=(*dead[0].headers, ("treaty-reason", b"child_crashed")))


@fault(MISSING)
def a_regular_uplink_dead_lettered(run: Honest) -> None:
    n = index(list(run.account.readings), regular(run))
    reading = mutable(run.account, "readings").pop(n)
    mutable(run.account, "deliveries").pop(n)
    dead = run.account.dead_letters[0]
    id = header(reading.headers, "ce_id")
    mutable(run.account, "dead_letters").append(changed(dead, headers=(*dead.headers, ("ce_id", id))))


@fault(MISSING)
def a_repeat_that_was_never_accepted(run: Honest) -> None:
    del mutable(run.account, "accepted")[index(list(run.account.accepted), of_kind(run, Kind.REPEATED))]


@fault(MISSING)
def a_join_that_nobody_reported(run: Honest) -> None:
    del mutable(run.account, "reported")[0]


@fault(REPEATED)
def a_reading_written_twice(run: Honest) -> None:
    readings = mutable(run.account, "readings")
    readings.append(changed(readings[4], offset=99_999))


@fault(REPEATED)
def a_reading_delivered_twice(run: Honest) -> None:
    deliveries = mutable(run.account, "deliveries")
    deliveries.append(replace(deliveries[4], received_ms=deliveries[4].received_ms + 900))


@fault(REPEATED)
def an_uplink_accepted_twice(run: Honest) -> None:
    accepted = mutable(run.account, "accepted")
    accepted.append(changed(accepted[4], offset=99_999))


@fault(REPEATED)
def a_refusal_written_twice(run: Honest) -> None:
    mutable(run.account, "refused").append(run.account.refused[0])


@fault(REPEATED)
def a_dead_letter_beside_a_reading(run: Honest) -> None:
    dead = run.account.dead_letters[0]
    id = str(regular(run)).encode()
    mutable(run.account, "dead_letters").append(changed(dead, headers=(*dead.headers, ("ce_id", id))))


@fault(REPEATED)
def a_repeat_that_became_readings_too(run: Honest) -> None:
    repeat = of_kind(run, Kind.REPEATED)
    value = next(
        r.value
        for r in run.account.raw
        if (run.account.topic_ids[r.topic], r.offset) == (repeat.topic, repeat.offset)
    )
    first = next(r for r in run.account.raw if r.value == value)
    twin = EventId(run.account.topic_ids[first.topic], 0, first.offset)
    model = run.account.readings[index(list(run.account.readings), twin)]

    def provenance(body: dict[str, Any]) -> None:
        body["provenance"]["uplink"] = str(repeat)

    made = rewritten(changed(model, headers=(*model.headers, ("ce_id", str(repeat).encode()))), provenance)
    mutable(run.account, "readings").append(made)
    told = {"id": str(repeat)} | msgspec.json.decode(made.value or b"")
    mutable(run.account, "deliveries").append(Delivery(START, told))


def first_reading(change: Callable[[dict[str, Any]], None]) -> Callable[[Honest], None]:
    """The same change in the log and in what was delivered of it."""

    def make(run: Honest) -> None:
        readings, deliveries = mutable(run.account, "readings"), mutable(run.account, "deliveries")
        readings[0] = rewritten(readings[0], change)
        told = {"id": deliveries[0].id} | msgspec.json.decode(readings[0].value)
        deliveries[0] = replace(deliveries[0], reading=told)

    return make


def nudge(body: dict[str, Any]) -> None:
    body["measurements"][0]["value"] *= 1 + 3e-9


WRONG |= {
    "a value off by three in a thousand million": first_reading(nudge),
    "another unit": first_reading(lambda body: body["measurements"][0].update(unit="K")),
    "a measurement that is left out": first_reading(lambda body: body["measurements"].pop()),
    "a measurement too many": first_reading(
        lambda body: body["measurements"].append({"name": "made_up", "value": 1.0, "unit": "1"})
    ),
    "a measurement twice": first_reading(lambda body: body["measurements"].append(body["measurements"][0])),
    "a property too many": first_reading(lambda body: body["properties"].update(made_up=True)),
    "another device's": first_reading(
        lambda body: body.update(device="55555555-0000-4000-8000-000000000000")
    ),
    "another model's": first_reading(lambda body: body.update(model="acme/x")),
    "another gateway's": first_reading(lambda body: body.update(gateway="g")),
    "another plugin's": first_reading(lambda body: body["provenance"].update(plugin="acme")),
    "another time": first_reading(lambda body: body.update(observed_at="2026-01-01T00:00:00.000Z")),
    "another time of receipt": first_reading(
        lambda body: body.update(received_at="2026-01-01T00:00:00.000Z")
    ),
    "another provenance": first_reading(
        lambda body: body["provenance"].update(uplink=f"{UUID(int=9)}:0:1:0")
    ),
}


@fault(WRONG)
def another_key(run: Honest) -> None:
    readings = mutable(run.account, "readings")
    readings[0] = changed(readings[0], key=b"another")


@fault(WRONG)
def another_property(run: Honest) -> None:
    for n, record in enumerate(run.account.readings):
        if b'"pir":"trigger"' in (record.value or b""):
            mutable(run.account, "readings")[n] = changed(
                record, value=(record.value or b"").replace(b'"pir":"trigger"', b'"pir":"idle"')
            )
            return


@fault(WRONG)
def link_facts_of_another_reception(run: Honest) -> None:
    n = next(
        n
        for n, record in enumerate(run.account.readings)
        if b"decentlab" in (record.value or b"") and b'"rssi":-' in (record.value or b"")
    )
    mutable(run.account, "readings")[n] = rewritten(
        run.account.readings[n], lambda body: body["link"].update(rssi=-1.0)
    )


@fault(WRONG)
def a_delivery_that_differs_from_the_log(run: Honest) -> None:
    deliveries = mutable(run.account, "deliveries")
    other = deliveries[2].reading | {"model": "acme/x"}
    deliveries[2] = replace(deliveries[2], reading=other)


@fault(WRONG)
def a_delivery_that_is_no_reading(run: Honest) -> None:
    deliveries = mutable(run.account, "deliveries")
    deliveries[2] = replace(deliveries[2], reading={"id": deliveries[2].id})


@fault(WRONG)
def a_delivery_of_what_was_never_written(run: Honest) -> None:
    del mutable(run.account, "readings")[7]


@fault(WRONG)
def a_reading_of_no_raw_record(run: Honest) -> None:
    reading = run.account.readings[0]
    id = f"{UUID(int=9)}:0:1:0"
    made = rewritten(reading, lambda body: body["provenance"].update(uplink=id))
    mutable(run.account, "readings").append(changed(made, headers=(*made.headers, ("ce_id", id.encode()))))


@fault(WRONG)
def a_reading_beyond_those_expected(run: Honest) -> None:
    reading = run.account.readings[0]
    id = EventId.parse((header(reading.headers, "ce_id") or b"").decode()).at(4)
    headers = (*reading.headers, ("ce_id", str(id).encode()))
    mutable(run.account, "readings").append(changed(reading, headers=headers))


@fault(WRONG)
def an_event_without_identity(run: Honest) -> None:
    accepted = mutable(run.account, "accepted")
    accepted.append(changed(accepted[0], headers=()))


@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing_is_found(name: str, run: Honest, judge: Callable[[], Report]) -> None:
    MISSING[name](run)
    assert judge().missing >= 1


@pytest.mark.parametrize("name", REPEATED)
def test_what_is_there_twice_is_found(name: str, run: Honest, judge: Callable[[], Report]) -> None:
    REPEATED[name](run)
    assert judge().duplicates >= 1


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found(name: str, run: Honest, judge: Callable[[], Report]) -> None:
    WRONG[name](run)
    report = judge()
    assert report.wrong_values >= 1
    assert report.duplicates == 0


def test_what_came_of_earlier_records_is_left_alone(run: Honest, judge: Callable[[], Report]) -> None:
    """The run begins in the middle: results of records before it are not of this run."""
    middle = COUNT // 2
    raw = mutable(run.account, "raw")
    run.account.raw = [r for r in raw if r.timestamp_ms > raw[middle].timestamp_ms]
    early = {(r.topic, r.offset) for r in raw} - {(r.topic, r.offset) for r in run.account.raw}
    report = judge()
    # Repeats whose first delivery was before the start have no fate of their own in this run.
    repeats = [id for id, kind in run.kinds.items() if kind is Kind.REPEATED]
    assert len(early) > 100
    assert report.wrong_values == report.duplicates == 0
    assert report.missing <= len(repeats)


def test_a_foreign_uplink_needs_a_fate_whichever(run: Honest, judge: Callable[[], Report]) -> None:
    """Somebody may produce something of their own while the demo runs."""
    raw = mutable(run.account, "raw")
    stranger = changed(raw[0], topic="uplink.raw.v1", offset=10**6, headers=(), value=b"hello")
    raw.append(stranger)
    assert judge().missing == 1
    refusal = run.account.refused[0]
    id = EventId(run.account.topic_ids["uplink.raw.v1"], 0, 10**6)
    mutable(run.account, "refused").append(
        changed(refusal, headers=(*refusal.headers, ("ce_id", str(id).encode())))
    )
    assert judge().clean


def test_repeats_further_apart_than_the_window_are_uplinks_of_their_own(
    run: Honest, judge: Callable[[], Report]
) -> None:
    """A raw record is found by where it stands, so its broker's time may be moved here."""
    raw = mutable(run.account, "raw")
    places = {(i.topic, i.offset) for i, kind in run.kinds.items() if kind is Kind.REPEATED}
    n = next(
        n
        for n, r in enumerate(raw)
        if (run.account.topic_ids[r.topic], r.offset) in places and r.topic != "uplink.raw.v1"
    )
    assert judge().missing == 0
    raw[n] = changed(raw[n], timestamp_ms=raw[n].timestamp_ms + 200_000)
    assert judge().missing == 1
