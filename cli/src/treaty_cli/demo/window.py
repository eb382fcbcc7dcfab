"""The part of a traffic that flows on which an account can be made of. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from treaty_chassis.kafka.work import Partition, Record
from treaty_cli.demo.expectation import Expectation
from treaty_cli.demo.reconciliation import Account, uplink_of
from treaty_events.identity import EventId

__all__ = ["CONTEXT_MS", "bounded"]

CONTEXT_MS = 150_000
"""Raw records of so long before the window tell which of its records repeat earlier ones."""


def bounded(
    account: Account,
    since: Mapping[Partition, int],
    until: Mapping[Partition, int],
    expect: Callable[[Record], Expectation],
) -> Account:
    """The account of the raw records from `since` up to `until`, without those delivered before or after it
    as well: which of such a group goes through is not the window's affair. What came of the records left out
    is left out with them. `account.raw` holds CONTEXT_MS before the window and all there is after it."""

    def within(record: Record) -> bool:
        place = Partition(record.topic, record.partition)
        return since.get(place, 0) <= record.offset < until.get(place, 0)

    elsewhere = {expect(record).identity for record in account.raw if not within(record)} - {None}
    kept = [r for r in account.raw if within(r) and expect(r).identity not in elsewhere]
    left_out = _ids(account, account.raw) - _ids(account, kept)

    def of_the_window(record: Record) -> bool:
        try:
            return uplink_of(record) not in left_out
        except ValueError:
            return True  # Reconciling says what is wrong with it.

    def of(records: Sequence[Record]) -> list[Record]:
        return [record for record in records if of_the_window(record)]

    return replace(
        account,
        raw=kept,
        accepted=of(account.accepted),
        readings=of(account.readings),
        refused=of(account.refused),
        dead_letters=of(account.dead_letters),
        reported=of(account.reported),
    )


def _ids(account: Account, records: Iterable[Record]) -> set[EventId]:
    return {EventId(account.topic_ids[r.topic], r.partition, r.offset) for r in records}
