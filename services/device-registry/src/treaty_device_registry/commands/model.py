"""The tables of commands."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from treaty_device_registry.database import Base
from treaty_device_registry.fleet.model import Workspace

__all__ = ["Command", "PluginAdmission", "PluginOffer"]


class Command(Base):
    """An action asked of a device. It leaves `requested` once. What was asked of a device outlives it."""

    __tablename__ = "command"
    __table_args__ = (
        Index("command_device_idx", "workspace_id", "device_id", "id"),
        Index("command_waiting_idx", "expires_at", postgresql_where=text("state = 'requested'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    device_id: Mapped[UUID]
    action: Mapped[str] = mapped_column(Text)
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    plugin: Mapped[str] = mapped_column(Text)
    plugin_version: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PluginOffer(Base):
    """The actions of a plugin's package, by its digest, as a worker told them."""

    __tablename__ = "plugin_offer"

    plugin: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    plugin_version: Mapped[str] = mapped_column(Text)
    actions: Mapped[dict[str, Any]] = mapped_column(JSONB)


class PluginAdmission(Base):
    """The last decision of governance that was read: which package of a plugin is admitted."""

    __tablename__ = "plugin_admission"

    plugin: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(BigInteger)
