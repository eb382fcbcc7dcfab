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

# Unknown devices' uplinks go once the device is there, no_plugin's once the plugin has its topic; none
# before an earlier one of the same device that still has to wait.
SWEEP: Final = b"""
WITH due AS (
    SELECT p.id, d.id AS device FROM device_registry.parked_uplink AS p
    JOIN device_registry.device AS d USING (workspace_id, external_id)
    JOIN device_registry.device_model AS m ON m.id = d.model_id
    LEFT JOIN device_registry.plugin_topic AS t ON t.plugin = m.plugin
    WHERE d.created_at < now() - interval '250 ms'
      AND (p.reason = 'unknown_device' OR t.topic IS NOT NULL AND t.heard_at < now() - interval '250 ms')
      AND NOT EXISTS (
        SELECT FROM device_registry.parked_uplink AS q
        WHERE q.workspace_id = p.workspace_id AND q.external_id = p.external_id AND q.id <= p.id
          AND q.due_at > now())
    ORDER BY p.id LIMIT %(most)s
), taken AS (
    DELETE FROM device_registry.parked_uplink AS p USING due WHERE p.id = due.id
    RETURNING p.id, due.device, p.value, p.headers
), put AS (
    INSERT INTO device_registry.outbox (topic, key, value, headers)
    SELECT %(topic)s, convert_to(device::text, 'UTF8'), value, headers FROM taken ORDER BY id
    RETURNING id
)
SELECT pg_notify(%(channel)s, '') FROM put LIMIT 1
"""
# Whose device exists and who has nothing waiting is no stranger any more.
TIDY: Final = b"""
DELETE FROM device_registry.inbox_entry AS e USING device_registry.device AS d
WHERE d.workspace_id = e.workspace_id AND d.external_id = e.external_id
  AND NOT EXISTS (
    SELECT FROM device_registry.parked_uplink AS p
    WHERE p.workspace_id = e.workspace_id AND p.external_id = e.external_id)
"""
EXPIRE: Final = b"DELETE FROM device_registry.inbox_entry WHERE last_seen < now() - interval '30 days'"


def sweep(connection: psycopg.Connection[Any]) -> None:
    """Lets go what is due, up to a bound, and forgets who needs no entry. One at a time: it is for the
    inbox's own connection."""
    with connection.transaction():
        connection.execute(SWEEP, {"most": MOST, "topic": REPLAY, "channel": OUTBOX.channel})
        connection.execute(TIDY)
        connection.execute(EXPIRE)
