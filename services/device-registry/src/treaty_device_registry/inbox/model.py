"""The tables of the inbox."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from treaty_device_registry.database import Base
from treaty_device_registry.fleet.model import Workspace

__all__ = ["InboxEntry", "ParkedUplink", "PluginTopic"]


class InboxEntry(Base):
    """Somebody who speaks in a workspace: how often, since when, through which gateway, and why it is not
    heard (`reason`: unknown_device or no_plugin). `sample` is the beginning of the last message. `parked`
    uplinks of `parked_bytes` wait; `dropped` were let go for the bounds' sake."""

    __tablename__ = "inbox_entry"
    __table_args__ = (Index("inbox_entry_last_seen_idx", "workspace_id", "last_seen"),)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"), primary_key=True)
    external_id: Mapped[str] = mapped_column(Text, primary_key=True)
    gateway_id: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    count: Mapped[int] = mapped_column(BigInteger)
    first_seen: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_seen: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    sample: Mapped[bytes] = mapped_column(LargeBinary)
    parked: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    parked_bytes: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    dropped: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class ParkedUplink(Base):
    """An uplink as it will be replayed: its bytes, and the headers of uplink.replay.v1 in the outbox's form.
    `id` is the order in which uplinks were parked, and in which they go out, none before it is due."""

    __tablename__ = "parked_uplink"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workspace_id", "external_id"],
            [InboxEntry.workspace_id, InboxEntry.external_id],
            ondelete="CASCADE",
        ),
        Index("parked_uplink_entry_idx", "workspace_id", "external_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    workspace_id: Mapped[UUID]
    external_id: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    value: Mapped[bytes] = mapped_column(LargeBinary)
    headers: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int] = mapped_column(Integer)
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class PluginTopic(Base):
    """Whether uplinks of a plugin's devices can go on: the last decision of governance that was read.
    `topic` is the plugin's accepted topic, null while there is none."""

    __tablename__ = "plugin_topic"

    plugin: Mapped[str] = mapped_column(Text, primary_key=True)
    topic: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(BigInteger)
    heard_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
