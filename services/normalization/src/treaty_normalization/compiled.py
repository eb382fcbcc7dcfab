"""What of an uplink's way is compiled: reading it and writing its readings.

Every function answers None for what it leaves to Python, which `uplinks` and `translation` do then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import treaty_hotpath
from treaty_chassis.kafka.work import Record
from treaty_events.codec import encode
from treaty_events.headers import REPLAYS
from treaty_events.instants import LAST_MS
from treaty_hotpath import Arrival, ReadingWriter
from treaty_normalization.moments import TOLERANCE_MS
from treaty_normalization.promises import Promises
from treaty_normalization.wire import READING_HEADERS

if TYPE_CHECKING:
    from treaty_hotpath._native import Promised, PromisedProperty

__all__ = ["Arrival", "ReadingWriter", "read", "writer"]


def read(record: Record) -> Arrival[Record] | None:
    """The uplink, and whether it is replayed on purpose."""
    value = record.value
    return None if value is None else treaty_hotpath.read(record, value, record.headers, REPLAYS)


def writer(promises: Promises, plugin: str, version: str, digest: str) -> ReadingWriter:
    """Writes the readings of one version of a plugin."""
    provenance = encode({"plugin": plugin, "version": version, "digest": digest})[:-1]
    return ReadingWriter(
        _measurements(promises),
        _properties(promises),
        b'},"provenance":' + provenance + b',"uplink":',
        READING_HEADERS,
        TOLERANCE_MS,
        LAST_MS,
    )


def _measurements(promises: Promises) -> Mapping[str, Promised]:
    return {
        name: (
            b'{"name":' + encode(name) + b',"value":',
            b',"unit":' + encode(m.unit) + b',"quality":"',
            m.low,
            m.high,
            None if m.identity else (m.factor, m.divisor, m.offset),
        )
        for name, m in promises.measurements.items()
    }


def _properties(promises: Promises) -> Mapping[str, PromisedProperty]:
    return {
        name: (
            encode(name) + b":",
            p.wording,
            None if p.values is None else [encode(value) for value in p.values],
        )
        for name, p in promises.properties.items()
    }
