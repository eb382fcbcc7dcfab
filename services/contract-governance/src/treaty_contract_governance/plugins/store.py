"""Decisions and what they rest on, in PostgreSQL; each decision and its event in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, and_, exists, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from treaty_contract_governance import tables
from treaty_contract_governance.plugins import model
from treaty_contract_governance.plugins.attestations import Attestations, Attested
from treaty_contract_governance.plugins.model import Verdict, Wrong, instant
from treaty_contract_governance.tables import OUTBOX
from treaty_events.codec import encode
from treaty_events.decisions import ContractDecided, PluginReported, PluginState
from treaty_events.envelope import Envelope
from treaty_events.headers import VERSION
from treaty_events.topics import CONTRACT_DECIDED

__all__ = ["SOURCE", "Decisions"]

SOURCE = "treaty/contract-governance"


def _decided(row: Row[Any]) -> ContractDecided:
    found = row._asdict()
    found["state"] = PluginState(found["state"])
    found["decided_at"] = instant(found["decided_at"])
    return ContractDecided(**found)


def _columns(decided: ContractDecided) -> dict[str, Any]:
    return asdict(decided) | {"decided_at": datetime.fromisoformat(decided.decided_at)}


class Decisions:
    """Governance's decisions. `now` is the clock, for tests."""

    def __init__(self, engine: AsyncEngine, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = engine
        self._now = now

    async def judge(
        self, verdict: Verdict, by: str, attested: Attested | None = None
    ) -> tuple[ContractDecided, bool]:
        """Records a verdict, and who signed it, and decides by it; the current decision, and whether this
        call made it."""
        decide = model.admit if verdict.admitted else model.refuse
        at = self._now()
        async with self._engine.begin() as connection:
            kept = upsert(tables.verdict).on_conflict_do_nothing()
            await connection.execute(
                kept.values(
                    plugin=verdict.plugin,
                    plugin_version=verdict.version,
                    digest=verdict.digest,
                    verdict_digest=verdict.fingerprint(),
                    engine=verdict.engine,
                    admitted=verdict.admitted,
                    body=verdict.canonical(),
                    posted_by=by,
                    posted_at=at,
                )
            )
            if attested is not None:
                await Attestations.keep(connection, attested, at)
            # The row must stand before it can be locked: of two first verdicts one waits for the other.
            blank = _columns(decide(None, verdict, by, instant(at))) | {"version": 0}
            await connection.execute(upsert(tables.plugin).on_conflict_do_nothing().values(**blank))
            current = await self._locked(connection, verdict.plugin)
            decided = decide(current, verdict, by, instant(at))
            if decided is not current:
                await self._record(connection, decided)
        return decided, decided is not current

    async def quarantine(self, plugin: str, reason: str, by: str) -> ContractDecided | Wrong | None:
        """None where there is no such plugin."""
        return await self._change(plugin, lambda current, at: model.quarantine(current, reason, by, at))

    async def reinstate(self, plugin: str, reason: str, by: str) -> ContractDecided | Wrong | None:
        """None where there is no such plugin."""
        return await self._change(plugin, lambda current, at: model.reinstate(current, reason, by, at))

    async def heed(self, connection: AsyncConnection, told: PluginReported) -> None:
        """Decides by a worker's report where it asks for that, in the caller's transaction."""
        current = await self._locked(connection, told.plugin)
        if current is not None:
            decided = model.heed(current, told, instant(self._now()))
            if decided is not current:
                await self._record(connection, decided)

    async def provide(self, plugin: str, topic: str) -> None:
        """Decides again, now with the topic that exists."""
        await self._change(plugin, lambda current, at: model.provide(current, topic, SOURCE, at))

    async def unprovided(self) -> Sequence[str]:
        """Plugins that are admitted and used by a device, and whose topic is not there yet."""
        used = exists().where(tables.device.c.plugin == tables.plugin.c.plugin)
        due = and_(
            tables.plugin.c.state != PluginState.REFUSED.value,
            tables.plugin.c.topic.is_(None),
            used,
        )
        async with self._engine.connect() as connection:
            return (await connection.scalars(select(tables.plugin.c.plugin).where(due))).all()

    async def states(self) -> dict[str, int]:
        """How many plugins there are in each state."""
        counted = select(tables.plugin.c.state, func.count()).group_by(tables.plugin.c.state)
        async with self._engine.connect() as connection:
            found = {row[0]: row[1] for row in await connection.execute(counted)}
        return {state.value: found.get(state.value, 0) for state in PluginState}

    async def resend(self, after: str | None, limit: int) -> list[str]:
        """Tells of up to `limit` plugins' current decisions again, in order of name; which those were."""
        held = select(tables.plugin).where(tables.plugin.c.version > 0)
        if after is not None:
            held = held.where(tables.plugin.c.plugin > after)
        held = held.order_by(tables.plugin.c.plugin).limit(limit).with_for_update(read=True)
        async with self._engine.begin() as connection:
            decided = [_decided(row) for row in await connection.execute(held)]
            for one in decided:
                await self._tell(connection, one)
        return [one.plugin for one in decided]

    async def provided(self) -> dict[str, str]:
        """The topic of each plugin that was given one."""
        given = select(tables.plugin.c.plugin, tables.plugin.c.topic).where(
            tables.plugin.c.topic.is_not(None)
        )
        async with self._engine.connect() as connection:
            return {row[0]: row[1] for row in await connection.execute(given)}

    async def one(self, plugin: str) -> ContractDecided | None:
        async with self._engine.connect() as connection:
            found = select(tables.plugin).where(tables.plugin.c.plugin == plugin)
            row = (await connection.execute(found)).first()
        return None if row is None else _decided(row)

    async def page(self, after: str | None, limit: int) -> list[ContractDecided]:
        """Up to `limit` plugins' current decisions, in order of name."""
        found = select(tables.plugin).order_by(tables.plugin.c.plugin).limit(limit)
        if after is not None:
            found = found.where(tables.plugin.c.plugin > after)
        async with self._engine.connect() as connection:
            return [_decided(row) for row in await connection.execute(found)]

    async def history(self, plugin: str, before: int | None, limit: int) -> list[ContractDecided]:
        """Up to `limit` decisions of a plugin, newest first."""
        past = tables.decision
        found = select(past).where(past.c.plugin == plugin).order_by(past.c.version.desc()).limit(limit)
        if before is not None:
            found = found.where(past.c.version < before)
        async with self._engine.connect() as connection:
            return [_decided(row) for row in await connection.execute(found)]

    async def _change(
        self, plugin: str, change: Callable[[ContractDecided, str], ContractDecided | Wrong]
    ) -> ContractDecided | Wrong | None:
        async with self._engine.begin() as connection:
            current = await self._locked(connection, plugin)
            if current is None:
                return None
            decided = change(current, instant(self._now()))
            if isinstance(decided, ContractDecided) and decided is not current:
                await self._record(connection, decided)
        return decided

    async def _locked(self, connection: AsyncConnection, plugin: str) -> ContractDecided | None:
        """The current decision; nobody else decides of the plugin until the transaction ends."""
        held = select(tables.plugin).where(tables.plugin.c.plugin == plugin).with_for_update()
        row = (await connection.execute(held)).first()
        return None if row is None or row.version == 0 else _decided(row)

    async def _record(self, connection: AsyncConnection, decided: ContractDecided) -> None:
        """The next decision, its audit row and its event."""
        columns = _columns(decided)
        changed = update(tables.plugin).where(tables.plugin.c.plugin == decided.plugin)
        await connection.execute(changed.values(**columns))
        await connection.execute(insert(tables.decision).values(**columns))
        await self._tell(connection, decided)

    async def _tell(self, connection: AsyncConnection, decided: ContractDecided) -> None:
        """The event, while the transaction holds the plugin's row."""
        envelope = Envelope(f"{decided.plugin}:{decided.version}", SOURCE, ContractDecided.TYPE)
        headers = [*envelope.headers(), (VERSION, str(decided.version).encode())]
        key = decided.plugin.encode()
        await OUTBOX.enqueue(connection, CONTRACT_DECIDED, key, encode(decided), headers)
