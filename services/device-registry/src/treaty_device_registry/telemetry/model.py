"""The tables the projector writes. State is a row for each device and name; history is partitioned by the
day of received_at, in partitions the projector makes and drops."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Integer, Text
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column

from treaty_device_registry.database import Base

__all__ = ["DeviceState", "StoredReading"]


class DeviceState(Base):
    """The latest of one name: of greatest (ordered_at, log_offset). `kind` is measurement, property or
    position. Written for every reading; shown only for devices that exist."""

    __tablename__ = "device_state"
    __table_args__ = ({"postgresql_with": {"fillfactor": 70}},)

    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    # json, not jsonb: the value as it was sent, U+0000 in text included.
    value: Mapped[object] = mapped_column(JSON)
    unit: Mapped[str | None] = mapped_column(Text)
    quality: Mapped[str | None] = mapped_column(Text)
    observed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ordered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    log_offset: Mapped[int] = mapped_column(BigInteger)


class StoredReading(Base):
    """A reading as it was published, with its id; each committed record of the topic is here once."""

    __tablename__ = "reading"
    __table_args__ = ({"postgresql_partition_by": "RANGE (received_at)"},)

    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    log_offset: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    log_partition: Mapped[int] = mapped_column(Integer, primary_key=True)
    body: Mapped[object] = mapped_column(JSON)
