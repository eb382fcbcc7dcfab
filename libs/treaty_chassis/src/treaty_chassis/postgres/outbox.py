"""The transactional outbox: events leave in the transaction that changes what they tell of.

Order holds per aggregate because an id is drawn while the transaction holds the aggregate's row lock:
update or insert the row first, then enqueue. Between aggregates there is no order.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    insert,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from treaty_chassis.tracing.context import TRACEPARENT, current

__all__ = ["Headers", "Outbox", "pack_headers", "unpack_headers"]

Headers = Sequence[tuple[str, bytes | None]]
LARGEST = 2_000_000


def pack_headers(headers: Headers) -> bytes:
    """Kafka headers as one msgpack value: order, repeated names and any bytes survive."""
    return msgspec.msgpack.encode(list(headers))


def unpack_headers(packed: bytes) -> list[tuple[str, str | bytes | None]]:
    """In the type that confluent-kafka's produce takes; the values are bytes or None."""
    return [*msgspec.msgpack.decode(packed, type=list[tuple[str, bytes | None]])]


class Outbox:
    """The outbox of one schema. `marker` names a topic of the service that always exists: the relay
    commits its batch numbers there, see treaty_chassis.postgres.relay."""

    def __init__(self, metadata: MetaData, schema: str, marker: str) -> None:
        self.name = f"{schema}.outbox"
        self.schema = schema
        self.marker = marker
        self.channel = f"{schema}_outbox"
        self.table = Table(
            "outbox",
            metadata,
            Column("id", BigInteger, Identity(always=True), primary_key=True),
            Column("topic", Text, nullable=False),
            Column("key", LargeBinary),
            Column("value", LargeBinary),
            Column("headers", LargeBinary, nullable=False),
            Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
            Column("batch", BigInteger),
            Column("sent_at", DateTime(timezone=True)),
            # Of a row that Kafka refuses on its own account, see treaty_chassis.postgres.rows.
            Column("attempts", Integer, nullable=False, server_default="0"),
            Column("due_at", DateTime(timezone=True)),
            Column("failed_at", DateTime(timezone=True)),
            Column("reason", Text),
            schema=schema,
        )
        refused = self.table.c.sent_at.is_(None) & (self.table.c.attempts > 0)
        Index("outbox_refused", self.table.c.topic, self.table.c.id, postgresql_where=refused)
        Index("outbox_unsent", self.table.c.id, postgresql_where=self.table.c.sent_at.is_(None))
        Index("outbox_sent", self.table.c.sent_at, postgresql_where=self.table.c.sent_at.is_not(None))

    async def enqueue(
        self,
        session: AsyncSession | AsyncConnection,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
    ) -> None:
        """One record, sent after the session's transaction commits and not at all if it does not.

        `value` None is a tombstone. A record that names no trace is of the one that runs now. Raises
        ValueError where the record exceeds what a topic takes.
        """
        traceparent = current()
        if traceparent is not None and all(name != TRACEPARENT for name, _ in headers):
            headers = [*headers, (TRACEPARENT, traceparent.encode())]
        packed = pack_headers(headers)
        size = len(key or b"") + len(value or b"") + len(packed)
        if size > LARGEST:
            raise ValueError(
                f"a record of {size} bytes for {topic}, at most {LARGEST} leave through the outbox"
            )
        row = insert(self.table).values(topic=topic, key=key, value=value, headers=packed)
        await session.execute(select(func.pg_notify(self.channel, "")).add_cte(row.cte("enqueued")))
