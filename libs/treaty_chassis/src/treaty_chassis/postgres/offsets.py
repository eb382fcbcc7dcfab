"""The table that projections keep their progress in."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, Table, Text, Uuid, func

__all__ = ["offsets_table"]


def offsets_table(metadata: MetaData, schema: str) -> Table:
    """Where a schema's projections stand; `next_offset` is the first not yet applied."""
    return Table(
        "consumed_offset",
        metadata,
        Column("projection", Text, primary_key=True),
        Column("topic_id", Uuid, primary_key=True),
        Column("partition", Integer, primary_key=True),
        Column("topic", Text, nullable=False),
        Column("next_offset", BigInteger, nullable=False),
        Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        schema=schema,
    )
