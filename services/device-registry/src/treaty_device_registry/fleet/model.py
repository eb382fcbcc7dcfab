"""The tables of the fleet. Every row has a version, which is its ETag and its events' order."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from treaty_device_registry.database import Base, new_id

__all__ = ["Device", "DeviceModel", "Gateway", "GatewaySlug", "Site", "Versioned", "Workspace"]


class Versioned:
    """1 when made, one more with every change."""

    version: Mapped[int] = mapped_column(BigInteger, default=1)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )


class Workspace(Versioned, Base):
    """A tenant: nothing in it is seen from another."""

    __tablename__ = "workspace"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text)


class Site(Versioned, Base):
    """A place, WGS 84 in degrees where it is known."""

    __tablename__ = "site"
    __table_args__ = (UniqueConstraint("workspace_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey(Workspace.id))
    name: Mapped[str] = mapped_column(Text)
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)


class GatewaySlug(Base):
    """Slugs ever given. A deleted gateway's is not given again: its topic and the broker's access rules
    would otherwise pass to a stranger. `workspace_id` is whose topic it is, null where it has none: topics
    stay when gateways go, so they are counted here."""

    __tablename__ = "gateway_slug"

    slug: Mapped[str] = mapped_column(Text, primary_key=True)
    gateway_id: Mapped[UUID]
    workspace_id: Mapped[UUID | None] = mapped_column(index=True)


class Gateway(Versioned, Base):
    """What delivers devices' uplinks and proves that it is itself."""

    __tablename__ = "gateway"
    __table_args__ = (
        UniqueConstraint("workspace_id", "id"),
        ForeignKeyConstraint(["workspace_id", "site_id"], [Site.workspace_id, Site.id]),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey(Workspace.id))
    site_id: Mapped[UUID | None] = mapped_column(index=True)
    slug: Mapped[str] = mapped_column(ForeignKey(GatewaySlug.slug), unique=True)
    name: Mapped[str] = mapped_column(Text)
    network: Mapped[str] = mapped_column(Text)
    authentication: Mapped[str] = mapped_column(Text)
    lifecycle: Mapped[str] = mapped_column(Text)
    sealed_secret: Mapped[str | None] = mapped_column(Text)


class DeviceModel(Versioned, Base):
    """A kind of device, of the whole installation: which plugin reads it, and when a reading is late."""

    __tablename__ = "device_model"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    plugin: Mapped[str] = mapped_column(Text)
    late_after_s: Mapped[int | None] = mapped_column(Integer)


class Device(Versioned, Base):
    """Its workspace and external id never change; moving to another workspace is a new device."""

    __tablename__ = "device"
    __table_args__ = (
        UniqueConstraint("workspace_id", "external_id"),
        ForeignKeyConstraint(["workspace_id", "site_id"], [Site.workspace_id, Site.id]),
        ForeignKeyConstraint(["workspace_id", "gateway_id"], [Gateway.workspace_id, Gateway.id]),
        Index("device_workspace_id_id_idx", "workspace_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey(Workspace.id))
    site_id: Mapped[UUID | None] = mapped_column(index=True)
    gateway_id: Mapped[UUID] = mapped_column(index=True)
    external_id: Mapped[str] = mapped_column(Text)
    model_id: Mapped[str] = mapped_column(ForeignKey(DeviceModel.id), index=True)
    name: Mapped[str] = mapped_column(Text)
    properties: Mapped[dict[str, Any]] = mapped_column(JSONB)
    lifecycle: Mapped[str] = mapped_column(Text)
    sealed_key: Mapped[str | None] = mapped_column(Text)
