"""One reading against what the public data says of its uplink."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from treaty_chassis.kafka.work import Record
from treaty_cli.demo.expectation import Expectation
from treaty_cli.demo.vectors import ExpectedReading
from treaty_events import codec
from treaty_events.instants import epoch_ms
from treaty_events.readings import ReadingNormalized

__all__ = ["differences"]

TOLERANCE: Final = 1e-9
"""Relative."""


def differences(record: Record, index: int, raw: Record, expectation: Expectation) -> list[str]:
    """In words, the most telling first; none: the reading is as it must be."""
    reading = codec.decode(ReadingNormalized, record.value or b"")
    expected = expectation.readings[index]
    return [
        *_values(reading, expected),
        *_origin(record, reading, raw, expectation),
        *_times(reading, expected, raw, expectation),
        *_link(reading, expected, expectation),
    ]


def _values(reading: ReadingNormalized, expected: ExpectedReading) -> Iterator[str]:
    found = {m.name: (m.value, m.unit) for m in reading.measurements}
    if len(found) != len(reading.measurements):
        yield "a measurement stands twice"
    for name, (value, unit) in expected.measurements.items():
        if name not in found:
            yield f"{name} is missing"
        elif not _same(found[name][0], value) or found[name][1] != unit:
            yield f"{name}: expected {value} {unit}, got {found[name][0]} {found[name][1]}"
    for name, wanted in expected.properties.items():
        if name not in reading.properties:
            yield f"{name} is missing"
        elif not _same(reading.properties[name], wanted):
            yield f"{name}: expected {wanted!r}, got {reading.properties[name]!r}"
    told = found.keys() | reading.properties.keys()
    unexpected = told - expected.measurements.keys() - expected.properties.keys() - expected.added
    if unexpected:
        yield f"unexpected: {', '.join(sorted(unexpected))}"


def _origin(
    record: Record, reading: ReadingNormalized, raw: Record, expectation: Expectation
) -> Iterator[str]:
    device, gateway = expectation.device, expectation.gateway
    if device is None or gateway is None:
        return
    facts = (
        ("device", reading.device, device.id),
        ("key", (record.key or b"").decode("utf-8", "replace"), device.id),
        ("model", reading.model, device.model),
        ("gateway", reading.gateway, gateway.id),
        ("plugin", reading.provenance.plugin, expectation.plugin),
    )
    for name, found, wanted in facts:
        if found != wanted:
            yield f"{name}: expected {wanted}, got {found}"


def _times(
    reading: ReadingNormalized, expected: ExpectedReading, raw: Record, expectation: Expectation
) -> Iterator[str]:
    wanted = expectation.sent_ms if expected.own_time is None else expected.own_time
    if wanted is not None and epoch_ms(reading.observed_at) != wanted:
        yield f"observed_at: expected {wanted} ms, got {reading.observed_at}"
    if epoch_ms(reading.received_at) != raw.timestamp_ms:
        yield f"received_at: expected {raw.timestamp_ms} ms, got {reading.received_at}"


def _link(reading: ReadingNormalized, expected: ExpectedReading, expectation: Expectation) -> Iterator[str]:
    if expectation.gateway is None or expectation.gateway.network == "native":
        return
    for name, value in expected.link.items():
        found = None if reading.link is None else getattr(reading.link, name)
        if found is None or not _same(found, value):
            yield f"link {name}: expected {value}, got {found}"


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, str | bool) or isinstance(found, str | bool):
        return bool(found == wanted)
    return math.isclose(found, wanted, rel_tol=TOLERANCE)
