"""The raw records of a device around a moment, whatever became of them since."""

from __future__ import annotations

from typing import Final

from treaty_chassis.kafka.work import Record
from treaty_cli.trace.log import Log
from treaty_events import networks, topics
from treaty_events.headers import DEVICE, header
from treaty_events.identity import EventId
from treaty_events.networks import Network, UnwrapError
from treaty_events.networks.fields import eui_or_none

__all__ = ["is_from", "nearest"]

_NETWORKS: Final = tuple(Network)


def nearest(log: Log, external_id: str, at: int, window_ms: int, count: int) -> list[EventId]:
    """The nearest first; times in ms since 1970-01-01 UTC, by the broker's clock."""
    places = log.partitions(log.of(topics.RAW, topics.RAW_OF_GATEWAY))
    found = [r for r in log.between(places, at - window_ms, at + window_ms + 1) if is_from(r, external_id)]
    found.sort(key=lambda record: abs(record.timestamp_ms - at))
    ids = {name: id for id, name in log.ids.items()}
    return [EventId(ids[r.topic], r.partition, r.offset) for r in found[:count]]


def is_from(record: Record, external_id: str) -> bool:
    """Whether the record, in any network's form, is of the device of this name; DevEUIs in either case."""
    wanted = eui_or_none(external_id) or external_id
    value = record.value or b""
    named = header(record.headers, DEVICE)
    # Looked for as text first: most records are others', and unwrapping them all would take minutes.
    if wanted.lower().encode() not in value.lower() and named is None:
        return False
    for network in _NETWORKS:
        try:
            if networks.unwrap(network, value, record.headers).external_id == wanted:
                return True
        except UnwrapError:
            continue
    return False
