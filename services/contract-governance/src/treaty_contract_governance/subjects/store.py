"""Schemas and their versions in PostgreSQL. Ids and versions come from counters locked in the transaction
that uses them: none is given twice, none is lost."""

from __future__ import annotations

import asyncio

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from treaty_contract_governance.subjects.compatibility import DEFAULT, IncompatibleError, Mode, judge
from treaty_contract_governance.subjects.model import Version, canonical, fingerprint
from treaty_contract_governance.tables import compatibility, counter, schema, subject, subject_version

__all__ = ["Subjects"]

IDS = "schema_id"


class Subjects:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def register(self, name: str, text: str, *, judged: bool = True) -> int:
        """The schema's id, a new one or the one it has; a new version of the subject unless it is one.

        Raises SchemaError where the text is no JSON Schema, IncompatibleError where it may not follow the
        subject's earlier ones; `judged` False takes it for a fact.
        """
        known = fingerprint(canonical(text))
        async with self._engine.begin() as connection:
            await connection.execute(upsert(subject).values(subject=name).on_conflict_do_nothing())
            await connection.execute(select(subject).where(subject.c.subject == name).with_for_update())
            if judged and not await self._has(connection, name, known):
                mode = await self._mode(connection, name) or await self._mode(connection, "") or DEFAULT
                findings = await asyncio.to_thread(judge, text, await self._all(connection, name), mode)
                if findings:
                    raise IncompatibleError(findings)
            identity = await self._identity(connection, known, text)
            newest = select(func.coalesce(func.max(subject_version.c.version), 0)).where(
                subject_version.c.subject == name
            )
            row = upsert(subject_version).values(
                subject=name, version=newest.scalar_subquery() + 1, schema_id=identity
            )
            await connection.execute(row.on_conflict_do_nothing(index_elements=["subject", "schema_id"]))
        return identity

    async def text(self, identity: int) -> str | None:
        async with self._engine.connect() as connection:
            found: str | None = await connection.scalar(select(schema.c.text).where(schema.c.id == identity))
        return found

    async def names(self) -> list[str]:
        async with self._engine.connect() as connection:
            return list(await connection.scalars(select(subject.c.subject).order_by(subject.c.subject)))

    async def versions(self, name: str) -> list[int]:
        """Oldest first; empty where there is no such subject."""
        found = select(subject_version.c.version).where(subject_version.c.subject == name)
        async with self._engine.connect() as connection:
            return list(await connection.scalars(found.order_by(subject_version.c.version)))

    async def version(self, name: str, number: int | None) -> Version | None:
        """One version, the newest where `number` is None."""
        found = (
            select(subject_version.c.subject, subject_version.c.version, schema.c.id, schema.c.text)
            .join(schema, schema.c.id == subject_version.c.schema_id)
            .where(subject_version.c.subject == name)
            .order_by(subject_version.c.version.desc())
            .limit(1)
        )
        if number is not None:
            found = found.where(subject_version.c.version == number)
        async with self._engine.connect() as connection:
            row = (await connection.execute(found)).first()
        return None if row is None else Version(row[0], row[1], row[2], row[3])

    async def all(self, name: str) -> list[Version]:
        """Every version, oldest first."""
        async with self._engine.connect() as connection:
            return await self._all(connection, name)

    async def mode(self, name: str = "") -> Mode | None:
        """The rule set for the subject itself; without a name, for all that have none. None: not set."""
        async with self._engine.connect() as connection:
            return await self._mode(connection, name)

    async def set_mode(self, mode: Mode, name: str = "") -> None:
        """For schemas to come; those registered stay."""
        row = upsert(compatibility).values(subject=name, level=mode.value)
        async with self._engine.begin() as connection:
            await connection.execute(
                row.on_conflict_do_update(index_elements=["subject"], set_={"level": row.excluded.level})
            )

    @staticmethod
    async def _mode(connection: AsyncConnection, name: str) -> Mode | None:
        found = await connection.scalar(select(compatibility.c.level).where(compatibility.c.subject == name))
        return None if found is None else Mode(found)

    @staticmethod
    async def _has(connection: AsyncConnection, name: str, known: str) -> bool:
        found = (
            select(subject_version.c.version)
            .join(schema, schema.c.id == subject_version.c.schema_id)
            .where(subject_version.c.subject == name, schema.c.fingerprint == known)
        )
        return await connection.scalar(found) is not None

    @staticmethod
    async def _all(connection: AsyncConnection, name: str) -> list[Version]:
        found = (
            select(subject_version.c.version, schema.c.id, schema.c.text)
            .join(schema, schema.c.id == subject_version.c.schema_id)
            .where(subject_version.c.subject == name)
            .order_by(subject_version.c.version)
        )
        return [Version(name, *row) for row in await connection.execute(found)]

    async def _identity(self, connection: AsyncConnection, known: str, text: str) -> int:
        await connection.execute(upsert(counter).values(name=IDS, value=0).on_conflict_do_nothing())
        await connection.execute(select(counter).where(counter.c.name == IDS).with_for_update())
        found = await connection.scalar(select(schema.c.id).where(schema.c.fingerprint == known))
        if found is not None:
            return int(found)
        drawn = update(counter).where(counter.c.name == IDS).values(value=counter.c.value + 1)
        identity = int((await connection.execute(drawn.returning(counter.c.value))).scalar_one())
        await connection.execute(upsert(schema).values(id=identity, fingerprint=known, text=text))
        return identity
