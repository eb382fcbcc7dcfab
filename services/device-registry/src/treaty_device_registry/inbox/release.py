"""Out of the inbox: parked uplinks become records of uplink.replay.v1 in the outbox, once and in order.

Taking a row out of parked_uplink and putting it into the outbox is one statement, so each goes out exactly
once. One road leads out, the sweep: whoever registers a device only registers it. Its uplinks go a moment
later, so that ingestion hears of the device first and does not refuse the first of them again.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg

from treaty_device_registry.database import OUTBOX
from treaty_events.topics import REPLAY

__all__ = ["sweep"]

MOST: Final = 1000
SENDERS: Final = 20

# Unknown devices' uplinks go once the device is there, no_plugin's once the plugin has its topic; none
# before an earlier one of the same device that still has to wait. So the first of each decides whether the
# others are looked at: a registered device may have very many waiting.
SWEEP: Final = b"""
WITH sender AS (
    SELECT e.workspace_id, e.external_id, d.id AS device,
        coalesce(t.heard_at < now() - interval '250 ms' AND t.topic IS NOT NULL, false) AS heard
    FROM device_registry.inbox_entry AS e
    JOIN device_registry.device AS d USING (workspace_id, external_id)
    JOIN device_registry.device_model AS m ON m.id = d.model_id
    LEFT JOIN device_registry.plugin_topic AS t ON t.plugin = m.plugin
    WHERE e.parked > 0 AND d.created_at < now() - interval '250 ms'
), due AS (
    SELECT p.id, first.device FROM (
        SELECT s.* FROM sender AS s CROSS JOIN LATERAL (
            SELECT id, reason, due_at FROM device_registry.parked_uplink AS p
            WHERE p.workspace_id = s.workspace_id AND p.external_id = s.external_id ORDER BY id LIMIT 1) AS p
        WHERE p.due_at <= now() AND (s.heard OR p.reason = 'unknown_device')
        ORDER BY p.id LIMIT %(senders)s) AS first
    CROSS JOIN LATERAL (
        SELECT id, bool_and(due_at <= now() AND (first.heard OR reason = 'unknown_device'))
            OVER (ORDER BY id) AS goes
        FROM (
            SELECT id, reason, due_at FROM device_registry.parked_uplink AS p
            WHERE p.workspace_id = first.workspace_id AND p.external_id = first.external_id
            ORDER BY id LIMIT %(most)s) AS p) AS p
    WHERE p.goes ORDER BY p.id LIMIT %(most)s
), taken AS (
    DELETE FROM device_registry.parked_uplink AS p USING due WHERE p.id = due.id
    RETURNING p.id, due.device, p.workspace_id, p.external_id, p.size, p.value, p.headers
), counted AS (
    UPDATE device_registry.inbox_entry AS e
    SET parked = parked - t.uplinks, parked_bytes = parked_bytes - t.bytes
    FROM (SELECT workspace_id, external_id, count(*) AS uplinks, sum(size) AS bytes FROM taken
        GROUP BY workspace_id, external_id) AS t
    WHERE e.workspace_id = t.workspace_id AND e.external_id = t.external_id
), put AS (
    INSERT INTO device_registry.outbox (topic, key, value, headers)
    SELECT %(topic)s, convert_to(device::text, 'UTF8'), value, headers FROM taken ORDER BY id
    RETURNING id
)
SELECT count(*), pg_notify(%(channel)s, '') FROM put HAVING count(*) > 0
"""
# Whose device exists and who has nothing waiting is no stranger any more; unless something was dropped, which
# stays to be seen until somebody dismisses it, or it expires.
TIDY: Final = b"""
DELETE FROM device_registry.inbox_entry AS e USING device_registry.device AS d
WHERE d.workspace_id = e.workspace_id AND d.external_id = e.external_id AND e.parked = 0 AND e.dropped = 0
"""


def sweep(connection: psycopg.Connection[Any]) -> bool:
    """Lets go what is due, up to a bound, and forgets who needs no entry; whether the bound was reached. One
    at a time: it is for the inbox's own connection."""
    with connection.transaction():
        given = {"most": MOST, "senders": SENDERS, "topic": REPLAY, "channel": OUTBOX.channel}
        row = connection.execute(SWEEP, given).fetchone()
        connection.execute(TIDY)
    return row is not None and row[0] == MOST
