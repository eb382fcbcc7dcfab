"""Out of the inbox: parked uplinks become records of uplink.replay.v1 in the outbox, once and in order.

Taking a row out of parked_uplink and putting it into the outbox is one statement, so each goes out exactly
once. One road leads out, the sweep: whoever registers a device only says that its uplinks are due. They are
due a moment later, so that ingestion hears of the device first and doesn't refuse the first of them again.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
from sqlalchemy.ext.asyncio import AsyncSession

from treaty_device_registry.database import OUTBOX
from treaty_device_registry.fleet.model import Device
from treaty_events.topics import REPLAY

__all__ = ["of_device", "sweep"]

MOST: Final = 1000

# Under the entry's lock: what is parked meanwhile comes after, in its own time.
LOCK: Final = """
SELECT FROM device_registry.inbox_entry
WHERE workspace_id = %(workspace)s AND external_id = %(external_id)s FOR UPDATE
"""
DUE: Final = """
UPDATE device_registry.parked_uplink SET due_at = clock_timestamp() + interval '250 ms'
WHERE workspace_id = %(workspace)s AND external_id = %(external_id)s
"""
# Unknown devices' uplinks go once the device is there, no_plugin's once the plugin has its topic; none
# before an earlier one of the same device that still has to wait.
SWEEP: Final = """
WITH due AS (
    SELECT p.id, d.id AS device FROM device_registry.parked_uplink AS p
    JOIN device_registry.device AS d USING (workspace_id, external_id)
    JOIN device_registry.device_model AS m ON m.id = d.model_id
    LEFT JOIN device_registry.plugin_topic AS t ON t.plugin = m.plugin
    WHERE (p.reason = 'unknown_device' OR t.topic IS NOT NULL)
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
SELECT count(*), pg_notify(%(channel)s, '') FROM put HAVING count(*) > 0
"""
# Whose device exists and who has nothing waiting is no stranger any more.
TIDY: Final = """
DELETE FROM device_registry.inbox_entry AS e USING device_registry.device AS d
WHERE d.workspace_id = e.workspace_id AND d.external_id = e.external_id
  AND NOT EXISTS (
    SELECT FROM device_registry.parked_uplink AS p
    WHERE p.workspace_id = e.workspace_id AND p.external_id = e.external_id)
"""
EXPIRE: Final = "DELETE FROM device_registry.inbox_entry WHERE last_seen < now() - interval '30 days'"


async def of_device(session: AsyncSession, device: Device) -> int:
    """All that waits for a device made in this transaction is due once it commits; returns how many."""
    connection = await session.connection()
    given = {"workspace": device.workspace_id, "external_id": device.external_id}
    await connection.exec_driver_sql(LOCK, given)
    return (await connection.exec_driver_sql(DUE, given)).rowcount


def sweep(connection: psycopg.Connection[Any]) -> int:
    """Whatever is due, up to a bound; returns how many. For the inbox's own connection, one at a time."""
    given = {"most": MOST, "topic": REPLAY, "channel": OUTBOX.channel}
    with connection.transaction():
        row = connection.execute(SWEEP.encode(), given).fetchone()
        connection.execute(TIDY.encode())
        connection.execute(EXPIRE.encode())
    return 0 if row is None else int(row[0])
