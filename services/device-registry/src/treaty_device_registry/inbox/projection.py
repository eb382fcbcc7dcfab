"""uplink.refused.v1 into the inbox, and contract.decided.v1 into what it waits for.

A projection rather than a FastStream handler: a parked uplink and the offset it was read at have to be
written together or it would be replayed twice, and the records are not typed JSON but the original bytes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import psycopg

from treaty_chassis.kafka.work import Record
from treaty_chassis.postgres.outbox import pack_headers
from treaty_chassis.postgres.projection import RejectedError
from treaty_device_registry.inbox.bounds import Bounds, expire, keep
from treaty_device_registry.inbox.parking import RefusedUplink, UnreadableError, read
from treaty_device_registry.inbox.release import sweep
from treaty_events.codec import BodyError, decode
from treaty_events.decisions import ContractDecided
from treaty_events.fleet import Authentication
from treaty_events.topics import CONTRACT_DECIDED, REFUSED
from treaty_events.uplinks import Refusal

__all__ = ["Inbox"]

SWEEP_S: Final = 0.5
SAMPLE: Final = 512

GATEWAYS: Final = b"""
SELECT workspace_id, id, slug, authentication FROM device_registry.gateway
WHERE id::text = ANY(%(names)s) OR slug = ANY(%(names)s)
"""
ENTRY: Final = b"""
INSERT INTO device_registry.inbox_entry AS held
    (workspace_id, external_id, gateway_id, reason, detail, count, first_seen, last_seen, sample)
SELECT %(workspace)s, %(external_id)s, %(gateway)s, %(reason)s, %(detail)s, 1, %(seen)s, %(seen)s, %(sample)s
WHERE EXISTS (SELECT FROM device_registry.workspace WHERE id = %(workspace)s)
ON CONFLICT (workspace_id, external_id) DO UPDATE SET
    gateway_id = excluded.gateway_id, reason = excluded.reason, detail = excluded.detail,
    count = held.count + 1, sample = excluded.sample,
    first_seen = least(held.first_seen, excluded.first_seen),
    last_seen = greatest(held.last_seen, excluded.last_seen)
"""
PARK: Final = b"""
WITH entry AS (
    UPDATE device_registry.inbox_entry SET parked = parked + 1, parked_bytes = parked_bytes + %(size)s
    WHERE workspace_id = %(workspace)s AND external_id = %(external_id)s
    RETURNING workspace_id, external_id)
INSERT INTO device_registry.parked_uplink (workspace_id, external_id, reason, value, headers, size, due_at)
SELECT workspace_id, external_id, %(reason)s, %(value)s, %(headers)s, %(size)s,
    now() + make_interval(secs => %(wait_s)s)
FROM entry
"""
DECIDED: Final = b"""
INSERT INTO device_registry.plugin_topic AS held (plugin, topic, version) VALUES (%s, %s, %s)
ON CONFLICT (plugin) DO UPDATE SET topic = excluded.topic, version = excluded.version, heard_at = now()
WHERE held.version < excluded.version
"""


class Inbox:
    """`topics`, `apply` and `idle` of a Projection."""

    def __init__(
        self, bounds: Bounds | None = None, refused: str = REFUSED, decided: str = CONTRACT_DECIDED
    ) -> None:
        self._bounds = bounds or Bounds()
        self.topics = (refused, decided)
        self._swept = 0.0

    def apply(self, connection: psycopg.Connection[Any], records: Sequence[Record]) -> None:
        """Raises RejectedError for a record that is not what its topic promises."""
        refused, decided = self.topics
        for record in records:
            if record.topic == decided:
                _decided(connection, record)
        try:
            found = [read(record) for record in records if record.topic == refused]
        except UnreadableError as error:
            raise RejectedError(str(error)) from error
        uplinks = [uplink for uplink in found if uplink is not None]
        if uplinks:
            self._park(connection, uplinks)

    def idle(self, connection: psycopg.Connection[Any]) -> None:
        """Lets go what has waited long enough, twice a second; at once where more is due."""
        if time.monotonic() - self._swept >= SWEEP_S:
            more = sweep(connection)
            expire(connection, self._bounds)
            self._swept = 0.0 if more else time.monotonic()

    def _park(self, connection: psycopg.Connection[Any], uplinks: Sequence[RefusedUplink]) -> None:
        gateways = _Gateways(connection, uplinks)
        for uplink in uplinks:
            given = {
                "workspace": uplink.workspace,
                "external_id": uplink.external_id,
                "gateway": gateways.id_of(uplink),
                "reason": uplink.reason,
                "detail": uplink.detail,
                "seen": datetime.fromtimestamp(uplink.seen_at / 1000, UTC),
                "sample": uplink.value[:SAMPLE],
                "value": uplink.value,
                "headers": pack_headers(uplink.headers),
                "size": len(uplink.value),
                "wait_s": uplink.wait_s,
            }
            connection.execute(ENTRY, given)
            if gateways.proved(uplink):
                connection.execute(PARK, given)
        keep(connection, self._bounds, {(uplink.workspace, uplink.external_id) for uplink in uplinks})


class _Gateways:
    """Those that refused uplinks came through."""

    def __init__(self, connection: psycopg.Connection[Any], uplinks: Sequence[RefusedUplink]) -> None:
        names = list({uplink.gateway for uplink in uplinks})
        self._found: dict[tuple[UUID, str], tuple[UUID, str]] = {}
        for workspace, id, slug, authentication in connection.execute(GATEWAYS, {"names": names}).fetchall():
            self._found[workspace, str(id)] = self._found[workspace, slug] = (id, authentication)

    def id_of(self, uplink: RefusedUplink) -> UUID | None:
        return self._found.get((uplink.workspace, uplink.gateway), (None, ""))[0]

    def proved(self, uplink: RefusedUplink) -> bool:
        """A replay is not authenticated again. Where devices sign for themselves, an unknown one had no key
        to check by: it is listed, but what it sent is not kept."""
        _, authentication = self._found.get((uplink.workspace, uplink.gateway), (None, ""))
        return not (authentication == Authentication.DEVICE_KEY and uplink.reason == Refusal.UNKNOWN_DEVICE)


def _decided(connection: psycopg.Connection[Any], record: Record) -> None:
    if record.value is None:
        plugin = (record.key or b"").decode("utf-8", "replace")
        connection.execute("DELETE FROM device_registry.plugin_topic WHERE plugin = %s", [plugin])
        return
    try:
        decided = decode(ContractDecided, record.value)
    except BodyError as error:
        raise RejectedError(str(error)) from error
    connection.execute(DECIDED, [decided.plugin, decided.topic, decided.version])
