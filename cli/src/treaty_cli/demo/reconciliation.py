"""Holds what came out against what went in. Pure: records and deliveries in, an account out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar
from uuid import UUID

from treaty_chassis.kafka.work import Record
from treaty_cli.demo.comparison import differences
from treaty_cli.demo.expectation import Expectation, Outcome
from treaty_cli.demo.journal import Delivery
from treaty_cli.demo.report import Report
from treaty_events import codec
from treaty_events.deadletter import original_headers
from treaty_events.headers import REASON, header
from treaty_events.identity import EventId
from treaty_events.readings import ReadingNormalized
from treaty_events.uplinks import UplinkAccepted

__all__ = ["Account", "reconcile", "uplink_of"]

WINDOW_MS: Final = 120_000
T = TypeVar("T")


@dataclass(slots=True)
class Account:
    """All that the run's topics hold, and what the subscriber logged. `raw` begins at the run's start; the
    others may hold more, which is left alone when it is of earlier raw records."""

    topic_ids: Mapping[str, UUID]
    raw: Sequence[Record] = ()
    accepted: Sequence[Record] = ()
    readings: Sequence[Record] = ()
    refused: Sequence[Record] = ()
    dead_letters: Sequence[Record] = ()
    reported: Sequence[Record] = ()
    deliveries: Sequence[Delivery] = ()


@dataclass(slots=True)
class _Fate:
    accepted: list[Record] = field(default_factory=list)
    readings: list[Record] = field(default_factory=list)
    refused: list[Record] = field(default_factory=list)
    dead_letters: list[Record] = field(default_factory=list)
    reported: list[Record] = field(default_factory=list)

    def kinds(self) -> set[str]:
        """What it ended as; being accepted is a stage on the way."""
        return {n for n in ("readings", "refused", "dead_letters", "reported") if getattr(self, n)}


def reconcile(account: Account, expect: Callable[[Record], Expectation]) -> Report:
    """Each raw record must have exactly the fate that is expected of it, each of its readings the values that
    are expected and exactly one delivery."""
    report = Report()
    raw = {EventId(account.topic_ids[r.topic], r.partition, r.offset): r for r in account.raw}
    fates = _fates(account, raw, report)
    expected = {uplink: expect(record) for uplink, record in raw.items()}
    deliveries = _deliveries(account.deliveries, raw, report)
    groups: dict[object, list[EventId]] = defaultdict(list)
    for uplink, expectation in expected.items():
        fate = fates[uplink]
        report.uplinks += expectation.outcome is not Outcome.REPORTED
        report.accepted += bool(fate.accepted)
        report.refused.update(_reason(r) for r in fate.refused)
        report.dead_letters.update(_reason(r) for r in fate.dead_letters)
        _count_once(uplink, fate, report)
        if expectation.outcome is Outcome.REFUSED:
            _refused(uplink, raw[uplink], fate, expectation, report)
        elif expectation.outcome is Outcome.REPORTED:
            if fate.kinds() != {"reported"}:
                report.miss(f"{uplink}: expected to be reported, ended as {_told(fate)}")
        else:
            groups[expectation.identity or uplink].append(uplink)
    for members in groups.values():
        for group in _windows(members, raw):
            _delivered_once(group, raw, expected, fates, deliveries, report)
    written = {_id_of(record) for fate in fates.values() for record in fate.readings}
    for id in deliveries.keys() - written:
        report.wrong(f"{id}: delivered, but not written")
    return report


def _fates(account: Account, raw: Mapping[EventId, Record], report: Report) -> dict[EventId, _Fate]:
    """By the raw record each speaks of. What speaks of none that was ever written is wrong."""
    starts: dict[tuple[UUID, int], int] = {}
    for uplink in raw:
        place = (uplink.topic, uplink.partition)
        starts[place] = min(starts.get(place, uplink.offset), uplink.offset)
    known = set(account.topic_ids.values())
    fates: dict[EventId, _Fate] = {uplink: _Fate() for uplink in raw}
    for name in ("accepted", "readings", "refused", "dead_letters", "reported"):
        for record in getattr(account, name):
            try:
                uplink = uplink_of(record)
            except ValueError as error:
                report.wrong(f"{name} at {record.topic}/{record.partition}/{record.offset}: {error}")
                continue
            if uplink in fates:
                getattr(fates[uplink], name).append(record)
            elif uplink.topic not in known or uplink.offset >= starts.get(
                (uplink.topic, uplink.partition), uplink.offset + 1
            ):
                report.wrong(f"{name}: {uplink} leads to no raw record")
    return fates


def uplink_of(record: Record) -> EventId:
    """The raw record of an event; a reading's provenance must say the same as its ce_id."""
    id = EventId.parse((header(record.headers, "ce_id") or b"").decode("utf-8", "replace"))
    if record.topic.startswith("reading."):
        reading = codec.decode(ReadingNormalized, record.value or b"")
        if EventId.parse(reading.provenance.uplink) != id.at(0):
            raise ValueError(f"ce_id {id}, but provenance {reading.provenance.uplink}")
    return id.at(0)


def _count_once(uplink: EventId, fate: _Fate, report: Report) -> None:
    """Nothing may stand twice in its topic, and nothing may end in two ways."""
    for name in ("accepted", "refused", "dead_letters", "reported"):
        found = getattr(fate, name)
        if len(found) > 1:
            report.repeat(f"{uplink}: {len(found)} times {name}", len(found) - 1)
    ids = Counter(header(record.headers, "ce_id") for record in fate.readings)
    for id, times in ids.items():
        if times > 1:
            report.repeat(f"reading {(id or b'').decode()}: {times} times", times - 1)
    report.readings += len(ids)
    if len(fate.kinds()) > 1:
        report.repeat(f"{uplink}: ended as {_told(fate)}")


def _refused(uplink: EventId, raw: Record, fate: _Fate, expectation: Expectation, report: Report) -> None:
    if fate.kinds() != {"refused"} or fate.accepted:
        report.miss(f"{uplink}: expected to be refused ({expectation.reason}), ended as {_told(fate)}")
        return
    found = fate.refused[0]
    if _reason(found) != expectation.reason:
        report.miss(f"{uplink}: expected the reason {expectation.reason}, got {_reason(found)}")
    if (found.value, found.key) != (raw.value, raw.key) or _before(found) != list(raw.headers):
        report.miss(f"{uplink}: the refusal did not keep key, value and headers")


def _before(refusal: Record) -> list[tuple[str, bytes | None]] | None:
    try:
        return original_headers(refusal.headers)
    except ValueError:
        return None


def _windows(members: Sequence[EventId], raw: Mapping[EventId, Record]) -> Iterable[list[EventId]]:
    """Repeats belong together while they are within the window of the first."""
    group: list[EventId] = []
    for uplink in sorted(members, key=lambda u: (raw[u].timestamp_ms, u)):
        if group and raw[uplink].timestamp_ms - raw[group[0]].timestamp_ms > WINDOW_MS:
            yield group
            group = []
        group.append(uplink)
    if group:
        yield group


def _delivered_once(
    group: Sequence[EventId],
    raw: Mapping[EventId, Record],
    expected: Mapping[EventId, Expectation],
    fates: Mapping[EventId, _Fate],
    deliveries: Mapping[EventId, list[Delivery]],
    report: Report,
) -> None:
    """One of the group went through, the others were dropped as its repeats."""
    through = [uplink for uplink in group if fates[uplink].kinds()]
    if not through:
        report.miss(f"{group[0]}: no fate" + (f", nor had its {len(group) - 1} repeats" * (len(group) > 1)))
    if len(through) > 1:
        report.repeat(f"{through[0]}: a repeat of it went through, {through[1]}", len(through) - 1)
    dropped = [uplink for uplink in group if not fates[uplink].kinds()][0 if through else 1 :]
    report.duplicates_dropped += len(dropped)
    for uplink in dropped:
        if not fates[uplink].accepted:
            report.miss(f"{uplink}: neither accepted nor refused")
    for uplink in through:
        _went_through(uplink, raw[uplink], expected[uplink], fates[uplink], deliveries, report)


def _went_through(
    uplink: EventId,
    raw: Record,
    expectation: Expectation,
    fate: _Fate,
    deliveries: Mapping[EventId, list[Delivery]],
    report: Report,
) -> None:
    wanted = {Outcome.READINGS: {"readings"}, Outcome.DEAD_LETTER: {"dead_letters"}}.get(expectation.outcome)
    if wanted is not None and fate.kinds() != wanted:
        report.miss(f"{uplink}: expected {expectation.outcome}, ended as {_told(fate)}")
        return
    if wanted is not None and not fate.accepted:
        report.miss(f"{uplink}: ended as {_told(fate)} without having been accepted")
    if fate.dead_letters and expectation.outcome is Outcome.DEAD_LETTER:
        _dead_lettered(uplink, fate.dead_letters[0], expectation, report)
    by_index = {_id_of(record).index: record for record in fate.readings}
    if expectation.outcome is Outcome.READINGS:
        lacking = set(range(len(expectation.readings))) - by_index.keys()
        if lacking:
            report.miss(f"{uplink}: readings {sorted(lacking)} are missing", len(lacking))
        if by_index.keys() - set(range(len(expectation.readings))):
            report.wrong(f"{uplink}: {len(by_index)} readings, expected {len(expectation.readings)}")
    for index, record in sorted(by_index.items()):
        if index < len(expectation.readings):
            for difference in differences(record, index, raw, expectation)[:1]:
                report.wrong(f"{uplink.at(index)}: {difference}")
        _reached(uplink.at(index), record, expectation, deliveries, report)


def _dead_lettered(uplink: EventId, found: Record, expectation: Expectation, report: Report) -> None:
    if _reason(found) != expectation.reason:
        report.miss(f"{uplink}: expected the reason {expectation.reason}, got {_reason(found)}")
    kept = _body(UplinkAccepted, found.value)
    if kept is None or kept.payload != expectation.payload:
        report.miss(f"{uplink}: the dead letter did not keep the payload")


def _reached(
    id: EventId,
    record: Record,
    expectation: Expectation,
    deliveries: Mapping[EventId, list[Delivery]],
    report: Report,
) -> None:
    got = deliveries.get(id, [])
    if not got:
        report.miss(f"{id}: not delivered")
        return
    report.delivered += 1
    if len(got) > 1:
        report.repeat(f"{id}: delivered {len(got)} times", len(got) - 1)
    told = {name: value for name, value in got[0].reading.items() if name != "id"}
    if _body(ReadingNormalized, codec.encode(told)) != _body(ReadingNormalized, record.value):
        report.wrong(f"{id}: delivered otherwise than written")
    if expectation.sent_ms is not None:
        report.latencies_ms.append(got[0].received_ms - expectation.sent_ms)


def _body(kind: type[T], value: bytes | None) -> T | None:
    try:
        return codec.decode(kind, value or b"")
    except codec.BodyError:
        return None


def _deliveries(
    deliveries: Iterable[Delivery], raw: Mapping[EventId, Record], report: Report
) -> dict[EventId, list[Delivery]]:
    found: dict[EventId, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        try:
            id = EventId.parse(delivery.id)
        except ValueError as error:
            report.wrong(f"delivered: {error}")
            continue
        if id.at(0) in raw:
            found[id].append(delivery)
    return found


def _id_of(record: Record) -> EventId:
    return EventId.parse((header(record.headers, "ce_id") or b"").decode())


def _reason(record: Record) -> str:
    return (header(record.headers, REASON) or b"none").decode("utf-8", "replace")


def _told(fate: _Fate) -> str:
    kinds = ", ".join(sorted(fate.kinds())) or "nothing"
    reasons = [_reason(r) for r in (*fate.refused, *fate.dead_letters)]
    return kinds + (f" ({', '.join(reasons)})" if reasons else "") + (", accepted" if fate.accepted else "")
