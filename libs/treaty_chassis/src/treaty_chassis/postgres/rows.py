"""The outbox's rows as the relay moves them: claimed, sent, or set aside where Kafka refuses them alone.

A row that was refused waits before it is tried again, and in the end for somebody to look at it. Those behind
it that have its topic and key wait with it, so that order per key holds; all others pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from treaty_chassis.postgres.outbox import Outbox

__all__ = ["Row", "Rows"]

ROWS, BYTES = 500, 8_000_000
LONGEST_REASON = 500

# An older one of the same topic and key has not gone: one that was refused, for those that were not.
_BEHIND: Final = """EXISTS (
        SELECT FROM {table} AS before
        WHERE before.sent_at IS NULL AND before.topic = o.topic AND before.id < o.id
            AND before.key IS NOT DISTINCT FROM o.key"""
_DUE: Final = "sent_at IS NULL AND failed_at IS NULL AND (due_at IS NULL OR due_at <= now())"
# The oldest rows that nothing holds back, at least one, of at most BYTES together.
_CLAIM: Final = """
WITH oldest AS (
    SELECT id, coalesce(octet_length(value), 0) AS size FROM {table} AS o
    WHERE {due} AND {which})
    ORDER BY id LIMIT %(rows)s
), due AS (
    SELECT id FROM (SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM oldest) AS summed
    WHERE before < %(bytes)s
)
UPDATE {table} AS o SET batch = %(batch)s FROM due WHERE o.id = due.id
RETURNING o.id, o.topic, o.key, o.value, o.headers, extract(epoch FROM now() - o.created_at)::float8
"""
_ASIDE: Final = """
UPDATE {table} SET
    attempts = attempts + 1, batch = NULL, reason = %(reason)s,
    due_at = now() + make_interval(secs => (%(waits)s::float8[])[least(attempts + 1, %(most)s)]),
    failed_at = CASE WHEN attempts >= %(most)s THEN now() END
"""
_STATEMENTS: Final = {
    "claim": _CLAIM.replace("{which}", f"attempts = 0 AND NOT {_BEHIND} AND before.attempts > 0"),
    "claim_again": _CLAIM.replace("{which}", f"attempts > 0 AND NOT {_BEHIND}"),
    "settle": "UPDATE {table} SET sent_at = now() WHERE sent_at IS NULL AND batch <= %(batch)s",
    "release": "UPDATE {table} SET batch = NULL WHERE sent_at IS NULL AND batch IS NOT NULL",
    "last": "SELECT coalesce(max(batch), 0) FROM {table}",
    "mark": "UPDATE {table} SET sent_at = now(), failed_at = NULL, reason = NULL WHERE id = ANY(%(ids)s)",
    "prune": "DELETE FROM {table} WHERE sent_at < now() - interval '1 hour'",
    "row_aside": _ASIDE + " WHERE id = %(id)s RETURNING failed_at IS NOT NULL",
    "topic_aside": _ASIDE + " WHERE topic = %(topic)s AND {due} RETURNING failed_at IS NOT NULL",
    "refused": """
        SELECT count(*) FILTER (WHERE failed_at IS NOT NULL), count(*) FROM {table}
        WHERE sent_at IS NULL AND attempts > 0""",
}


@dataclass(frozen=True, slots=True)
class Row:
    id: int
    topic: str
    key: bytes | None
    value: bytes | None
    headers: bytes
    age_s: float


class Rows:
    """Of one outbox. Every call takes the connection that holds the relay's lock, and raises psycopg.Error.

    `waits_s` is how long a refused row waits before each next try; refused after the last too, it has failed.
    """

    def __init__(self, outbox: Outbox, waits_s: Sequence[float]) -> None:
        table = f"{outbox.schema}.outbox"
        self._sql = {name: sql.format(table=table, due=_DUE).encode() for name, sql in _STATEMENTS.items()}
        self._waits = {"waits": list(waits_s), "most": len(waits_s)}

    def settle(self, connection: psycopg.Connection[Any], committed: int) -> int:
        """Marks what went out up to that batch, lets go of what did not, and returns the next batch's number.
        For a relay whose predecessor can send nothing more."""
        connection.execute(self._sql["settle"], {"batch": committed})
        row = connection.execute(self._sql["last"]).fetchone()
        self.release(connection)
        return max(committed, row[0] if row else 0) + 1

    def release(self, connection: psycopg.Connection[Any]) -> None:
        """Of a batch that was not committed: a later one's number must not stand for its rows."""
        connection.execute(self._sql["release"])

    def claim(self, connection: psycopg.Connection[Any], batch: int, *, again: bool) -> list[Row]:
        """The next rows in order of id: those never refused; or `again`, one that was and is due. It goes
        alone, because Kafka refuses all it is sent together for one of them."""
        sql = self._sql["claim_again" if again else "claim"]
        bounds = {"rows": 1 if again else ROWS, "bytes": BYTES, "batch": batch}
        return sorted((Row(*found) for found in connection.execute(sql, bounds)), key=lambda row: row.id)

    def mark(self, connection: psycopg.Connection[Any], rows: Sequence[Row]) -> None:
        connection.execute(self._sql["mark"], {"ids": [row.id for row in rows]})

    def set_aside(self, connection: psycopg.Connection[Any], row: Row, reason: str) -> bool:
        """After Kafka refused it, in a transaction that was aborted. Whether that was the last try."""
        return self._aside(connection, "row_aside", reason, {"id": row.id})

    def set_topic_aside(self, connection: psycopg.Connection[Any], topic: str, reason: str) -> bool:
        """Everything that is due to a topic that takes nothing."""
        return self._aside(connection, "topic_aside", reason, {"topic": topic})

    def _aside(
        self, connection: psycopg.Connection[Any], name: str, reason: str, which: dict[str, Any]
    ) -> bool:
        given = which | self._waits | {"reason": reason[:LONGEST_REASON]}
        return any(failed for (failed,) in connection.execute(self._sql[name], given).fetchall())

    def refused(self, connection: psycopg.Connection[Any]) -> tuple[int, int]:
        """How many have failed, and how many are to be tried again."""
        failed, refused = connection.execute(self._sql["refused"]).fetchone() or (0, 0)
        return failed, refused - failed

    def prune(self, connection: psycopg.Connection[Any]) -> None:
        """Forgets what went out an hour ago."""
        connection.execute(self._sql["prune"])
