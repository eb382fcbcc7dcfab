"""Uplinks that became no reading: kept as they were, with the reason."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from treaty_chassis.kafka.work import Output, Record
from treaty_events.deadletter import DEADLETTERED, Failure, Origin, reason_headers
from treaty_events.headers import header
from treaty_events.identity import EventId
from treaty_events.topics import DEADLETTER
from treaty_normalization.plugins import Plugin
from treaty_normalization.uplinks import Arrival
from treaty_normalization.wire import SOURCE

__all__ = ["dead_letter"]

_UNKNOWN: Final = UUID(int=0)
_STAGES: Final = {"unreadable_uplink": "read", "contract_violation": "check", "output_rejected": "produce"}


def dead_letter(
    record: Record, reason: str, detail: str, plugin: Plugin | None, arrival: Arrival | None
) -> Output:
    """The record's own key, value and headers, and reason headers after them."""
    uplink = None if arrival is None else arrival.uplink
    headers = reason_headers(
        record.headers,
        type=DEADLETTERED,
        source=SOURCE,
        id=_identity(record),
        origin=Origin(record.topic, record.partition, record.offset),
        failure=Failure(reason, detail, _STAGES.get(reason, "decode")),
        gateway=None if uplink is None else uplink.gateway,
        workspace=None if uplink is None else uplink.workspace,
        device=None if uplink is None else uplink.external_id,
        plugin=None if plugin is None else plugin.name,
        digest=None if plugin is None else plugin.digest,
    )
    return Output(DEADLETTER, record.key, record.value, headers)


def _identity(record: Record) -> EventId:
    """The uplink's; where the record does not tell one, the record's own place under the nil UUID."""
    told = header(record.headers, "ce_id")
    try:
        return EventId.parse("" if told is None else told.decode("utf-8", "replace"))
    except ValueError:
        return EventId(_UNKNOWN, record.partition, record.offset)
