"""What others may ask of normalization: whom it reads as, and of which uplink another was a repeat."""

from __future__ import annotations

from typing import Final

from treaty_chassis.kafka.work import Assigned, History, Partition, Record
from treaty_normalization.deduplication import WINDOW_MS, Window, key_of, read_back, repeated
from treaty_normalization.uplinks import UnreadableError, read

__all__ = ["GROUP", "first_delivery"]

GROUP: Final = "normalization"
"""The consumer group of the workers, unless TREATY_NORMALIZATION_GROUP names another."""


def first_delivery(record: Record, history: History) -> Record | None:
    """The accepted uplink of which `record`, an accepted one too, was a repeat; None where it was none.

    Judged by the worker's own step over the same log, so the answer is the worker's. Blocks while the log
    is read, four minutes of the partition at most.
    """
    try:
        arrival = read(record)
    except UnreadableError:
        return None
    place = Partition(record.topic, record.partition)
    if not repeated(read_back(Assigned(place, record.offset), history), arrival):
        return None
    key = key_of(arrival)
    start = history.offset_at(place, max(0, arrival.uplink.received_at - 2 * WINDOW_MS)) or 0
    window, found = Window(), None
    for earlier in history.read(place, start, record.offset):
        try:
            before = read(earlier)
        except UnreadableError:
            continue
        if not repeated(window, before) and key_of(before) == key:
            found = earlier
    return found
