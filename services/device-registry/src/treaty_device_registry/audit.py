"""Who changed what, when: a row in the transaction of the change itself. Secrets never come here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from treaty_chassis.http.tokens import Principal
from treaty_device_registry.database import Base

__all__ = ["AuditEntry", "record"]


class AuditEntry(Base):
    """`action` is `<kind>.<past participle>`: device.created, gateway.secret_rotated."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    subject: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    entity: Mapped[str] = mapped_column(Text)
    workspace_id: Mapped[UUID | None] = mapped_column(index=True)
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB)


def record(
    session: AsyncSession,
    principal: Principal,
    action: str,
    entity: object,
    workspace: UUID | None = None,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Written when the session's transaction commits."""
    session.add(
        AuditEntry(
            subject=principal.subject,
            action=action,
            entity=str(entity),
            workspace_id=workspace,
            changes=dict(changes or {}),
        )
    )
