"""Readings into state and history, on the projection's connection and in its transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from treaty_chassis.kafka.work import Record
from treaty_chassis.postgres.projection import RejectedError
from treaty_device_registry.schema import SCHEMA
from treaty_device_registry.telemetry.step import Key, Latest, Seen, step
from treaty_events.codec import BodyError, decode, encode
from treaty_events.envelope import Envelope, EnvelopeError
from treaty_events.instants import epoch_ms
from treaty_events.readings import ReadingNormalized

__all__ = ["PROJECTION", "Telemetry"]

PROJECTION: Final = "telemetry"
"""Under which name the projector keeps its offsets."""

EXPIRE_S: Final = timedelta(minutes=10)

UPSERT: Final = b"""
INSERT INTO device_registry.device_state AS held
    (device_id, kind, name, value, unit, quality, observed_at, ordered_at, received_at, log_offset)
SELECT * FROM unnest(
    %s::uuid[], %s::text[], %s::text[], %s::json[], %s::text[], %s::text[],
    %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::bigint[])
ON CONFLICT (device_id, kind, name) DO UPDATE SET
    value = excluded.value, unit = excluded.unit, quality = excluded.quality,
    observed_at = excluded.observed_at, ordered_at = excluded.ordered_at,
    received_at = excluded.received_at, log_offset = excluded.log_offset
WHERE (held.ordered_at, held.log_offset) < (excluded.ordered_at, excluded.log_offset)
"""
COPY: Final = (
    b"COPY device_registry.reading (received_at, device_id, log_offset, log_partition, body) FROM STDIN"
)


class Telemetry:
    """`apply` and `idle` of a Projection. History keeps `history_days` whole days."""

    def __init__(self, history_days: int) -> None:
        self._keep = timedelta(days=history_days)
        self._days: set[date] = set()
        self._expired_at = datetime.min.replace(tzinfo=UTC)

    def apply(self, connection: psycopg.Connection[Any], records: Sequence[Record]) -> None:
        """Raises RejectedError for a record that is no reading."""
        read = [_read(record) for record in records]
        for day in {datetime.fromisoformat(one.reading.received_at).astimezone(UTC).date() for one in read}:
            self._ensure(connection, day)
        self._write_history(connection, records, read)
        _, new = step({}, read)
        _write_state(connection, sorted(new.items()))

    def idle(self, connection: psycopg.Connection[Any]) -> None:
        """Drops what is beyond the days to keep, and state of devices that are gone."""
        now = datetime.now(UTC)
        if now - self._expired_at < EXPIRE_S:
            return
        self._expired_at = now
        oldest = (now - self._keep).date()
        for (name,) in connection.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass",
            [f"{SCHEMA}.reading"],
        ).fetchall():
            if datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=UTC).date() < oldest:
                connection.execute(SQL("DROP TABLE {}").format(Identifier(*name.split("."))))
        self._days = {day for day in self._days if day >= oldest}
        connection.execute(
            "DELETE FROM device_registry.device_state AS s"
            " WHERE NOT EXISTS (SELECT FROM device_registry.device AS d WHERE d.id = s.device_id)"
        )

    def _ensure(self, connection: psycopg.Connection[Any], day: date) -> None:
        """The day's partition, made at its first reading, in the transaction that needs it."""
        if day in self._days:
            return
        partition = f"reading_{day:%Y%m%d}"
        found = connection.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.{partition}"]).fetchone()
        if found != (None,):
            # Remembered only now: what this very transaction made would be gone if it failed.
            self._days.add(day)
            return
        connection.execute(
            SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
                Identifier(SCHEMA, partition),
                Identifier(SCHEMA, "reading"),
                Literal(f"{day} 00:00:00+00"),
                Literal(f"{day + timedelta(days=1)} 00:00:00+00"),
            )
        )

    def _write_history(
        self, connection: psycopg.Connection[Any], records: Sequence[Record], read: Sequence[Seen]
    ) -> None:
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for record, (reading, offset) in zip(records, read, strict=True):
                copy.write_row((reading.received_at, reading.device, offset, record.partition, _body(record)))


def _read(record: Record) -> Seen:
    try:
        reading = decode(ReadingNormalized, record.value or b"")
        UUID(reading.device)
        for time in (reading.observed_at, reading.ordered_at, reading.received_at):
            epoch_ms(time)
    except (BodyError, ValueError) as error:
        raise RejectedError(str(error)) from error
    return Seen(reading, record.offset)


def _body(record: Record) -> str:
    """The published JSON with the record's ce_id in front, as subscribers get it."""
    try:
        envelope = Envelope.of(record.headers)
    except EnvelopeError as error:
        raise RejectedError(str(error)) from error
    return f'{{"id":{encode(envelope.id).decode()},{(record.value or b"").decode().lstrip()[1:]}'


def _write_state(connection: psycopg.Connection[Any], new: Sequence[tuple[Key, Latest]]) -> None:
    columns: list[list[Any]] = [
        [key.device for key, _ in new],
        [key.kind for key, _ in new],
        [key.name for key, _ in new],
        [latest.value.decode() for _, latest in new],
        [latest.unit for _, latest in new],
        [latest.quality for _, latest in new],
        [latest.observed_at for _, latest in new],
        [latest.ordered_at for _, latest in new],
        [latest.received_at for _, latest in new],
        [latest.offset for _, latest in new],
    ]
    connection.execute(UPSERT, columns)
