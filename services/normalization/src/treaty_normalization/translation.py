"""From what a plugin made of an uplink to the records that tell it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Final, TypeAlias

import msgspec

from treaty_chassis.kafka.work import Output
from treaty_events.codec import encode
from treaty_events.readings import Quality
from treaty_events.topics import READING_NORMALIZED
from treaty_normalization import compiled, wire
from treaty_normalization.deadletters import dead_letter
from treaty_normalization.moments import instant, moment
from treaty_normalization.plugins import Plugin
from treaty_normalization.promises import Promises, ViolationError
from treaty_normalization.uplinks import Arrival, read_in_full
from treaty_sandbox import Failed, Ok, ReadingValues
from treaty_sandbox.decoding import PositionValues

__all__ = ["REASONS", "Translated", "refused", "translate"]

REASONS: Final = {
    "decode_error": "decode_error",
    "undeclared_error": "contract_violation",
    "malformed_output": "contract_violation",
    "output_too_large": "output_too_large",
    "deadline_exceeded": "deadline_exceeded",
    "child_crashed": "child_crashed",
}
"""The sandbox's kinds of failure as reasons of dead letters."""

_SUSPECT: Final = Quality.SUSPECT.value

Made: TypeAlias = tuple[bytes, bytes, list[tuple[str, bytes | None]]]


class Translated(msgspec.Struct, frozen=True, gc=False):
    """`reason` is None where the uplink became readings, else the dead letter's."""

    outputs: Sequence[Output]
    readings: int = 0
    reason: str | None = None
    detail: str = ""


def translate(plugin: Plugin, arrival: Arrival, reply: Ok[list[ReadingValues]] | Failed) -> Translated:
    """The uplink's readings, or its dead letter: all of it or nothing of it."""
    if isinstance(reply, Failed):
        reason = REASONS.get(reply.kind, "contract_violation")
        return refused(plugin, arrival, reason, reply.detail)
    try:
        made = reply.value
        if len(made) == 1:
            outputs = [_reading(plugin, arrival, made[0], 0)]
        else:
            outputs = [_reading(plugin, arrival, values, i) for i, values in enumerate(made)]
    except ViolationError as violation:
        return refused(plugin, arrival, "contract_violation", str(violation))
    return Translated(outputs, len(outputs))


def refused(plugin: Plugin, arrival: Arrival, reason: str, detail: str) -> Translated:
    """The uplink's dead letter."""
    return Translated([dead_letter(arrival.record, reason, detail, plugin, arrival)], 0, reason, detail)


def _reading(plugin: Plugin, arrival: Arrival, values: ReadingValues, index: int) -> Output:
    made = _compiled(plugin, arrival, values, index) or _made(plugin, arrival, values, index)
    return Output(READING_NORMALIZED, *made)


def _compiled(plugin: Plugin, arrival: object, values: ReadingValues, index: int) -> Made | None:
    """As `_made`; None for what is left to that, all that is not as promised included."""
    if type(arrival) is not compiled.Arrival:
        return None
    position = b"null"
    if values.position is not None:
        plugin.promises.check(values)
        position = encode(_position(values.position))
    return plugin.writer.write(
        arrival,
        values.measurements,
        values.properties,
        position,
        values.observed_at,
        index,
    )


def _made(plugin: Plugin, arrival: Arrival, values: ReadingValues, index: int) -> Made:
    """The reading's key, value and headers."""
    uplink = arrival.uplink
    if type(uplink) is not wire.UplinkAccepted:
        uplink = read_in_full(arrival.record).uplink
    promises = plugin.promises
    promises.check(values)
    observed, ordered, quality = moment(uplink, values.observed_at)
    observed_at = instant(observed)
    body = encode(
        wire.ReadingNormalized(
            uplink.device,
            uplink.workspace,
            uplink.site,
            uplink.gateway,
            uplink.model,
            observed_at,
            observed_at if ordered == observed else instant(ordered),
            instant(uplink.received_at),
            _measurements(promises, values.measurements, quality),
            values.properties,
            wire.Provenance(plugin.name, plugin.version, plugin.digest, f"{arrival.place}:0"),
            None if values.position is None else _position(values.position),
            uplink.link,
        )
    )
    headers = [*wire.READING_HEADERS, ("ce_id", f"{arrival.place}:{index}".encode())]
    if arrival.traceparent is not None:
        headers.append(("traceparent", arrival.traceparent))
    return uplink.device.encode(), body, headers


def _position(told: PositionValues) -> wire.Position:
    return wire.Position(told.latitude, told.longitude, told.altitude, told.accuracy)


def _measurements(promises: Promises, values: Mapping[str, float], of_time: str) -> list[object]:
    """In canonical units; what is not plausible is suspect, else what time says of all holds.

    Raises ViolationError for a name that is not declared and for what is no number.
    """
    found = []
    plan = promises.plan
    measurement = wire.Measurement
    suspect = _SUSPECT
    for name, value in values.items():
        try:
            unit, low, high, conversion = plan[name]
        except KeyError:
            raise ViolationError(f"measurement {name[:80]!r} is not declared") from None
        canonical = value if conversion is None else conversion(value)
        if low <= canonical <= high:
            found.append(measurement(name, canonical, unit, of_time))
        elif isfinite(canonical):
            found.append(measurement(name, canonical, unit, suspect))
        else:
            raise ViolationError(f"measurement {name!r} is {value}")
    return found
