"""What the control topics tell, one transaction a batch; a batch delivered again changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from treaty_chassis.postgres.outbox import pack_headers
from treaty_contract_governance.plugins.attestations import Attestations, reported
from treaty_contract_governance.plugins.reports import Reports
from treaty_contract_governance.plugins.store import Decisions
from treaty_contract_governance.tables import device, rejected
from treaty_contract_governance.watching.records import Batch, Change, Rejected
from treaty_events.decisions import PluginReported
from treaty_events.fleet import DeviceChanged

__all__ = ["Watched"]


class Watched:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._decisions = Decisions(engine)

    async def devices(self, batch: Batch[DeviceChanged]) -> None:
        """Keeps which plugin each device uses; the batch's last word on a device counts."""
        last: dict[str, Change[DeviceChanged]] = {change.key: change for change in batch.changes}
        used = [
            {"device": key, "plugin": change.value.plugin, "version": change.value.version}
            for key, change in last.items()
            if change.value is not None
        ]
        gone = [key for key, change in last.items() if change.value is None]
        async with self._engine.begin() as connection:
            if used:
                row = upsert(device).values(used)
                newer = row.on_conflict_do_update(
                    index_elements=["device"],
                    set_={"plugin": row.excluded.plugin, "version": row.excluded.version},
                    where=device.c.version < row.excluded.version,
                )
                await connection.execute(newer)
            if gone:
                await connection.execute(delete(device).where(device.c.device.in_(gone)))
            await _reject(connection, batch.rejected)

    async def reports(self, batch: Batch[PluginReported]) -> None:
        """Sums them up, keeps workers' attestations, and decides by those that ask for it."""
        async with self._engine.begin() as connection:
            for change in batch.changes:
                told = change.value
                # One that was delivered before has been heeded then.
                if told is not None and await Reports.add(connection, told, change.offset):
                    await self._decisions.heed(connection, told)
                    if (attested := reported(told)) is not None:
                        at = datetime.fromisoformat(told.reported_at)
                        await Attestations.keep(connection, attested, at)
            await _reject(connection, batch.rejected)


async def _reject(connection: AsyncConnection, faults: Sequence[Rejected]) -> None:
    for fault in faults:
        record = fault.record
        row = upsert(rejected).values(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason=fault.reason.replace("\x00", ""),
            key=record.key,
            value=record.value,
            headers=pack_headers(list(record.headers)),
            rejected_at=datetime.now(UTC),
        )
        await connection.execute(row.on_conflict_do_nothing())
