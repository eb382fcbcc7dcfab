"""What workers reported of plugins at run time, kept in PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from treaty_contract_governance.plugins.model import instant
from treaty_contract_governance.tables import report
from treaty_events.decisions import PluginReported

__all__ = ["Report", "Reports"]

LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Report:
    """How often a kind of thing was seen of one package, and what was said of it last."""

    plugin: str
    digest: str
    kind: str
    count: int
    slot: str
    detail: str
    first_at: str
    last_at: str


class Reports:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def of(self, plugin: str) -> list[Report]:
        """Newest first, at most 500."""
        found = select(report).where(report.c.plugin == plugin).order_by(report.c.last_at.desc()).limit(500)
        async with self._engine.connect() as connection:
            return [
                Report(
                    row.plugin,
                    row.digest,
                    row.kind,
                    row._mapping["count"],
                    row.slot,
                    row.detail,
                    instant(row.first_at),
                    instant(row.last_at),
                )
                for row in await connection.execute(found)
            ]

    @staticmethod
    async def add(connection: AsyncConnection, told: PluginReported, offset: int) -> bool:
        """Adds to the sum; False where it had been added before. A record delivered again is known by its
        offset and its time and counts once: a plugin's reports share a key, and so a partition."""
        moment = datetime.fromisoformat(told.reported_at)
        row = upsert(report).values(
            plugin=told.plugin,
            digest=told.digest,
            kind=told.kind[:100],
            count=told.count,
            slot=told.slot[:100],
            detail=told.detail[:LONGEST],
            first_at=moment,
            last_at=moment,
            last_offset=offset,
        )
        added = await connection.execute(
            row.on_conflict_do_update(
                index_elements=["plugin", "digest", "kind"],
                set_={
                    "count": report.c.count + row.excluded.count,
                    "slot": row.excluded.slot,
                    "detail": row.excluded.detail,
                    "last_at": func.greatest(report.c.last_at, row.excluded.last_at),
                    "last_offset": row.excluded.last_offset,
                },
                # A topic that was lost begins at nought again, with what is reported from then on.
                where=or_(
                    report.c.last_offset < row.excluded.last_offset,
                    report.c.last_at < row.excluded.last_at,
                ),
            ).returning(report.c.plugin)
        )
        return added.first() is not None
