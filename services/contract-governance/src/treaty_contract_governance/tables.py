"""The schema contract_governance: truth is relational, events leave through the outbox."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from treaty_chassis.postgres.outbox import Outbox
from treaty_events.topics import CONTRACT_DECIDED

__all__ = [
    "MIGRATIONS",
    "OUTBOX",
    "SCHEMA",
    "attestation",
    "compatibility",
    "counter",
    "decision",
    "device",
    "metadata",
    "plugin",
    "rejected",
    "report",
    "schema",
    "subject",
    "subject_version",
    "verdict",
]

SCHEMA: Final = "contract_governance"
MIGRATIONS: Final = Path(__file__).with_name("migrations")
metadata = MetaData(schema=SCHEMA)
OUTBOX: Final = Outbox(metadata, SCHEMA, CONTRACT_DECIDED)

_STANDING = (
    ("plugin_version", Text),
    ("digest", Text),
    ("state", Text),
    ("reason", Text),
    ("decided_by", Text),
)


def _decided() -> list[Column[object]]:
    """The columns of one ContractDecided, beside its plugin and version."""
    columns: list[Column[object]] = [Column(name, kind, nullable=False) for name, kind in _STANDING]
    return [
        *columns,
        Column("decided_at", DateTime(timezone=True), nullable=False),
        Column("topic", Text),
    ]


# The current decision of each plugin; its row is the lock under which versions are counted.
plugin = Table(
    "plugin",
    metadata,
    Column("plugin", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    *_decided(),
)
# Every decision there was: who, when, why.
decision = Table(
    "decision",
    metadata,
    Column("plugin", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    *_decided(),
)
verdict = Table(
    "verdict",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("plugin", Text, nullable=False),
    Column("plugin_version", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("verdict_digest", Text, nullable=False),
    Column("engine", Text, nullable=False),
    Column("admitted", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Column("posted_by", Text, nullable=False),
    Column("posted_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("plugin", "verdict_digest"),
)
# Who vouches for a package: the newest word of each.
attestation = Table(
    "attestation",
    metadata,
    Column("plugin", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("by", Text, primary_key=True),
    Column("plugin_version", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("admitted", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Column("first_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
)
# Which plugin each device uses, from device.changed.v1.
device = Table(
    "device",
    metadata,
    Column("device", Text, primary_key=True),
    Column("plugin", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
)
Index("device_plugin", device.c.plugin)
# What workers reported of a plugin, summed by kind; from plugin.reported.v1.
report = Table(
    "report",
    metadata,
    Column("plugin", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("slot", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("first_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Column("last_offset", BigInteger, nullable=False),
)
# Control records that could not be read: kept whole, with why.
rejected = Table(
    "rejected",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("offset", BigInteger, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    Column("headers", LargeBinary, nullable=False),
    Column("rejected_at", DateTime(timezone=True), nullable=False),
)
counter = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)
schema = Table(
    "schema",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("fingerprint", Text, nullable=False, unique=True),
    Column("text", Text, nullable=False),
)
# By which rule a subject's schemas follow each other; of the subject '', wherever none is set.
compatibility = Table(
    "compatibility",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("level", Text, nullable=False),
)
subject = Table("subject", metadata, Column("subject", Text, primary_key=True))
subject_version = Table(
    "subject_version",
    metadata,
    Column("subject", ForeignKey(subject.c.subject), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("schema_id", ForeignKey(schema.c.id), nullable=False),
    UniqueConstraint("subject", "schema_id"),
)
