"""Reads an accepted uplink from its record."""

from __future__ import annotations

import re
from typing import Final, cast

import msgspec

from treaty_chassis.kafka.work import Record
from treaty_events.codec import BodyError, decode
from treaty_events.headers import REPLAYS
from treaty_events.uplinks import UplinkAccepted
from treaty_normalization import compiled, wire
from treaty_sandbox.decoding import DecodeMessage

__all__ = ["Arrival", "UnreadableError", "read", "read_in_full"]

_ID: Final = re.compile(rb"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:\d{1,10}:\d{1,19}):\d{1,10}")


class UnreadableError(ValueError):
    """The record is no accepted uplink: it did not come from ingestion, or from one that is broken."""


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """An uplink, the record that brought it, and what its headers tell. `place` is its EventId's text
    without the index. `uplink` is a struct of all the type's fields; a compiled Arrival, which stands in for
    this one, has one of all but the link."""

    record: Record
    uplink: UplinkAccepted
    place: str
    traceparent: bytes | None = None
    replayed: bool = False

    @property
    def delivery(self) -> str | None:
        """Device and deduplication id with a NUL between them; None where the network gave no id."""
        dedup_id = self.uplink.dedup_id
        return None if dedup_id is None else f"{self.uplink.device}\0{dedup_id}"

    @property
    def message(self) -> DecodeMessage:
        """What a decoder is asked."""
        uplink = self.uplink
        return (uplink.payload, uplink.f_port, uplink.model, uplink.content_type, uplink.received_at)


def read(record: Record) -> Arrival:
    """Raises UnreadableError."""
    return cast(Arrival | None, compiled.read(record)) or read_in_full(record)


def read_in_full(record: Record) -> Arrival:
    """As `read`; the uplink with its link."""
    headers = dict(record.headers)
    identity = headers.get("ce_id")
    told = None if identity is None else _ID.fullmatch(identity)
    if told is None:
        raise UnreadableError(f"header ce_id: expected an uplink's id, got {identity!r}"[:200])
    if record.value is None:
        raise UnreadableError("the record has no value")
    try:
        uplink = decode(wire.UplinkAccepted, record.value)
    except BodyError as error:
        raise UnreadableError(str(error)) from error
    return Arrival(record, uplink, told[1].decode(), headers.get("traceparent"), REPLAYS in headers)
