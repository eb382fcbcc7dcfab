"""What the inbox may hold. Strangers are bounded tightly, for anybody may be one; a registered device that
waits for its plugin is somebody's, and its uplinks go only for a far larger bound. Nothing goes uncounted.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
import structlog
from prometheus_client import Counter

from treaty_chassis.telemetry import METRICS

__all__ = ["Bounds", "expire", "keep"]

log = structlog.get_logger(__name__)
STEP: Final = 1000
"""Uplinks looked at in one go."""
DROPPED: Final = Counter(
    "treaty_inbox_dropped",
    "Parked uplinks let go for the bounds' sake; they are still in uplink.refused.v1 for a while.",
    ["whose"],
    registry=METRICS,
)
REGISTERED, STRANGERS = DROPPED.labels("registered"), DROPPED.labels("stranger")

OVERFULL: Final = b"""
WITH touched AS (
    SELECT e.workspace_id, e.external_id, e.parked, e.parked_bytes, d.id IS NOT NULL AS registered
    FROM device_registry.inbox_entry AS e
    JOIN unnest(%(workspaces)s::uuid[], %(external_ids)s::text[]) AS t (workspace_id, external_id)
        USING (workspace_id, external_id)
    LEFT JOIN device_registry.device AS d USING (workspace_id, external_id))
SELECT workspace_id, external_id, registered, uplinks, bytes FROM (
    SELECT *, parked - CASE WHEN registered THEN %(registered_uplinks)s ELSE %(uplinks)s END AS uplinks,
        parked_bytes - CASE WHEN registered THEN %(registered_bytes)s ELSE %(bytes)s END AS bytes
    FROM touched) AS measured
WHERE uplinks > 0 OR bytes > 0
"""
# The oldest, until that many and that many bytes are gone.
DROP: Final = b"""
WITH oldest AS (
    SELECT id, size FROM device_registry.parked_uplink
    WHERE workspace_id = %(workspace)s AND external_id = %(external_id)s ORDER BY id LIMIT %(step)s
), gone AS (
    DELETE FROM device_registry.parked_uplink AS p USING (
        SELECT id, row_number() OVER before AS place, sum(size) OVER before - size AS bytes
        FROM oldest WINDOW before AS (ORDER BY id)) AS ranked
    WHERE p.id = ranked.id AND (place <= %(uplinks)s OR ranked.bytes < %(bytes)s)
    RETURNING p.size
), counted AS (SELECT count(*) AS uplinks, coalesce(sum(size), 0) AS bytes FROM gone)
UPDATE device_registry.inbox_entry SET parked = parked - counted.uplinks,
    parked_bytes = parked_bytes - counted.bytes, dropped = dropped + counted.uplinks
FROM counted WHERE workspace_id = %(workspace)s AND external_id = %(external_id)s
RETURNING counted.uplinks, counted.bytes
"""
# Of strangers only: of registered devices there are no more than somebody made.
SURPLUS: Final = b"""
DELETE FROM device_registry.inbox_entry AS e USING (
    SELECT workspace_id, external_id,
        row_number() OVER (PARTITION BY workspace_id ORDER BY last_seen DESC, external_id) AS place
    FROM device_registry.inbox_entry AS s
    WHERE workspace_id = ANY(%(workspaces)s) AND NOT EXISTS (
        SELECT FROM device_registry.device AS d
        WHERE d.workspace_id = s.workspace_id AND d.external_id = s.external_id)) AS ranked
WHERE e.workspace_id = ranked.workspace_id AND e.external_id = ranked.external_id AND place > %(most)s
RETURNING e.parked
"""
# Nothing of a registered device expires while it waits.
EXPIRE: Final = b"""
DELETE FROM device_registry.inbox_entry AS e
WHERE last_seen < now() - make_interval(days => %(days)s) AND (parked = 0 OR NOT EXISTS (
    SELECT FROM device_registry.device AS d
    WHERE d.workspace_id = e.workspace_id AND d.external_id = e.external_id))
RETURNING parked
"""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Uplinks and bytes of payload a device; entries a workspace and days are those of strangers."""

    registered_uplinks: int = 100_000
    registered_bytes: int = 64_000_000
    uplinks: int = 1000
    bytes: int = 4_000_000
    entries: int = 1000
    days: int = 30


def keep(connection: psycopg.Connection[Any], bounds: Bounds, touched: Collection[tuple[UUID, str]]) -> None:
    """Brings what these senders, of workspace and external id, have waiting within the bounds: the newest
    stay. Belongs in the transaction that parked."""
    workspaces, external_ids = zip(*touched, strict=True)
    given = {
        "workspaces": list(workspaces),
        "external_ids": list(external_ids),
        "registered_uplinks": bounds.registered_uplinks,
        "registered_bytes": bounds.registered_bytes,
        "uplinks": bounds.uplinks,
        "bytes": bounds.bytes,
    }
    for workspace, external_id, registered, uplinks, size in connection.execute(OVERFULL, given).fetchall():
        dropped = _drop(connection, workspace, external_id, uplinks, size)
        (REGISTERED if registered else STRANGERS).inc(dropped)
        if registered:
            log.warning(
                "parked_uplinks_dropped",
                workspace=str(workspace),
                external_id=external_id,
                uplinks=dropped,
                reason="the device has waited for its plugin for too long",
            )
    gone = connection.execute(SURPLUS, {"workspaces": list(set(workspaces)), "most": bounds.entries})
    STRANGERS.inc(sum(parked for (parked,) in gone.fetchall()))


def expire(connection: psycopg.Connection[Any], bounds: Bounds) -> None:
    """Forgets who has been silent for long."""
    gone = connection.execute(EXPIRE, {"days": bounds.days})
    STRANGERS.inc(sum(parked for (parked,) in gone.fetchall()))


def _drop(
    connection: psycopg.Connection[Any], workspace: UUID, external_id: str, uplinks: int, size: int
) -> int:
    dropped = 0
    while uplinks > 0 or size > 0:
        given = {
            "workspace": workspace,
            "external_id": external_id,
            "step": STEP,
            "uplinks": uplinks,
            "bytes": size,
        }
        row = connection.execute(DROP, given).fetchone()
        if row is None or row[0] == 0:
            break
        dropped, uplinks, size = dropped + row[0], uplinks - row[0], size - row[1]
    return dropped
