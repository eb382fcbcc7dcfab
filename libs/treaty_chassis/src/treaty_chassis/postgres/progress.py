"""How far a projection has come, in the database its tables are in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

__all__ = ["OvertakenError", "Place", "Progress"]


class OvertakenError(Exception):
    """Another writer moved the offset: this one's transaction must not commit."""


@dataclass(frozen=True, slots=True)
class Place:
    """A partition, of the topic that has this UUID now."""

    topic: str
    topic_id: UUID
    partition: int


class Progress:
    """The offsets of one projection. Every call belongs inside the caller's transaction."""

    def __init__(self, schema: str, projection: str) -> None:
        self._projection = projection
        self._sql = {
            name: sql.format(table=f"{schema}.consumed_offset").encode() for name, sql in STATEMENTS.items()
        }

    def find(self, connection: psycopg.Connection[Any], place: Place, first: int) -> int:
        """The next offset; `first`, which is then remembered, where the topic is new. A topic made anew
        has another UUID: where the old one was read to is forgotten."""
        given = {**self._given(place), "topic": place.topic, "next": first}
        connection.execute(self._sql["forget"], given)
        connection.execute(self._sql["begin"], given)
        row = connection.execute(self._sql["find"], given).fetchone()
        return first if row is None else int(row[0])

    def move(self, connection: psycopg.Connection[Any], place: Place, start: int, end: int) -> None:
        """Sets the next offset to `end`, gaps allowed. Raises OvertakenError where it is not `start`."""
        given = {**self._given(place), "start": start, "end": end}
        if connection.execute(self._sql["move"], given).rowcount != 1:
            raise OvertakenError(f"{place.topic} partition {place.partition}: the offset is not {start}")

    def _given(self, place: Place) -> dict[str, Any]:
        return {"projection": self._projection, "topic_id": place.topic_id, "partition": place.partition}


STATEMENTS = {
    "forget": """
        DELETE FROM {table}
        WHERE projection = %(projection)s AND topic = %(topic)s AND topic_id <> %(topic_id)s""",
    "begin": """
        INSERT INTO {table} (projection, topic_id, partition, topic, next_offset)
        VALUES (%(projection)s, %(topic_id)s, %(partition)s, %(topic)s, %(next)s) ON CONFLICT DO NOTHING""",
    "find": """
        SELECT next_offset FROM {table}
        WHERE projection = %(projection)s AND topic_id = %(topic_id)s AND partition = %(partition)s""",
    "move": """
        UPDATE {table} SET next_offset = %(end)s, updated_at = now()
        WHERE projection = %(projection)s AND topic_id = %(topic_id)s AND partition = %(partition)s
          AND next_offset = %(start)s""",
}
