"""Who vouches for a package: those who signed its verdict or an attestation of it, and the workers that
judged it where they run it. Governance decides by verdicts; these say on whose word, and where it holds."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Select, exists, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from treaty_contract_governance import tables
from treaty_contract_governance.plugins.model import Digest, Line, PluginName, instant
from treaty_contract_governance.tables import attestation
from treaty_events.decisions import ATTESTED_BY, PluginReported

__all__ = ["Attestation", "AttestationKind", "Attestations", "Attested", "Statement", "Vouched", "reported"]

AT_MOST = 100


class AttestationKind(StrEnum):
    """A signed verdict; a signed attestation; a worker's own attestation, which it reported."""

    VERDICT = "verdict"
    HOST = "host"
    WORKER = "worker"


class Statement(BaseModel):
    """What `treaty_contracts.attesting.attestation` writes; what it says of the host is kept as it is."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    attestation: Literal["treaty-attestation/v1"]
    plugin: PluginName
    version: Line
    digest: Digest
    verdict: Digest
    admitted_here: bool

    def canonical(self) -> str:
        """JSON in ASCII, so that anything can be stored."""
        return json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Attested:
    """Somebody's word for one package. `by` is the id of a trusted key, or a worker's slot; `verdict` the
    digest of the verdict it rests on; `admitted` what it says; `body` the JSON that was signed, in its
    envelope, or reported."""

    plugin: str
    plugin_version: str
    digest: str
    kind: AttestationKind
    by: str
    verdict: str
    admitted: bool
    body: str


@dataclass(frozen=True, slots=True)
class Vouched:
    """Who vouches for a package, since when, and when last."""

    plugin_version: str
    digest: str
    kind: AttestationKind
    by: str
    verdict: str
    admitted: bool
    first_at: str
    last_at: str


@dataclass(frozen=True, slots=True)
class Attestation(Vouched):
    """The same with what was said: the DSSE envelope of what was signed, a worker's attestation as it is."""

    body: dict[str, Any]


def reported(told: PluginReported) -> Attested | None:
    """The attestation that a worker's report is, None where it is none of that package."""
    if not told.kind.startswith(ATTESTED_BY):
        return None
    try:
        said = Statement.model_validate_json(told.detail)
    except ValidationError:
        return None
    if (said.plugin, said.digest) != (told.plugin, told.digest):
        return None
    return Attested(
        said.plugin,
        said.version,
        said.digest,
        AttestationKind.WORKER,
        told.slot[:100],
        said.verdict,
        said.admitted_here,
        said.canonical(),
    )


class Attestations:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def of(self, plugin: str) -> list[Attestation]:
        """Of every package of the plugin, the newest 100 first."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(_newest(plugin))
            return [Attestation(**_vouched(row), body=json.loads(row.body)) for row in rows]

    async def vouching(self, plugin: str, digest: str) -> list[Vouched]:
        """Of one package, the newest 100 first."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(_newest(plugin).where(attestation.c.digest == digest))
            return [Vouched(**_vouched(row)) for row in rows]

    async def add(self, attested: Attested, at: datetime) -> bool:
        """False, and nothing is kept, where governance has no verdict of that package."""
        known = select(
            exists().where(
                tables.verdict.c.plugin == attested.plugin, tables.verdict.c.digest == attested.digest
            )
        )
        async with self._engine.begin() as connection:
            if not await connection.scalar(known):
                return False
            await self.keep(connection, attested, at)
        return True

    @staticmethod
    async def keep(connection: AsyncConnection, attested: Attested, at: datetime) -> None:
        """In the caller's transaction; a newer word of the same takes the place of the older."""
        row = upsert(attestation).values(**asdict(attested), first_at=at, last_at=at)
        newer = {name: row.excluded[name] for name in ("plugin_version", "verdict", "admitted", "body")}
        await connection.execute(
            row.on_conflict_do_update(
                index_elements=["plugin", "digest", "kind", "by"],
                set_={**newer, "last_at": func.greatest(attestation.c.last_at, row.excluded.last_at)},
            )
        )


def _newest(plugin: str) -> Select[Any]:
    rows = select(attestation).where(attestation.c.plugin == plugin)
    return rows.order_by(attestation.c.last_at.desc(), attestation.c.by).limit(AT_MOST)


def _vouched(row: Any) -> dict[str, Any]:
    return {
        "plugin_version": row.plugin_version,
        "digest": row.digest,
        "kind": AttestationKind(row.kind),
        "by": row.by,
        "verdict": row.verdict,
        "admitted": row.admitted,
        "first_at": instant(row.first_at),
        "last_at": instant(row.last_at),
    }
