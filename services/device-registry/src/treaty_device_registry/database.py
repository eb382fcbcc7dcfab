"""The schema every table of the registry is in, its outbox, and the ids of its entities."""

from __future__ import annotations

import os
import time
from typing import Final
from uuid import UUID

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from treaty_chassis.postgres.offsets import offsets_table
from treaty_chassis.postgres.outbox import Outbox
from treaty_device_registry.schema import SCHEMA
from treaty_events.topics import DEVICE_CHANGED

__all__ = ["OFFSETS", "OUTBOX", "Base", "new_id"]


class Base(DeclarativeBase):
    """Names of constraints are fixed, because answers to clients are told by them."""

    metadata = MetaData(
        schema=SCHEMA,
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "ck": "%(table_name)s_%(constraint_name)s_check",
        },
    )


OUTBOX: Final = Outbox(Base.metadata, SCHEMA, DEVICE_CHANGED)
OFFSETS: Final = offsets_table(Base.metadata, SCHEMA)


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 section 5.7): milliseconds first, so that order by id is order of making."""
    number = int.from_bytes((time.time_ns() // 1_000_000).to_bytes(6, "big") + os.urandom(10), "big")
    number = (number & ~(0xF << 76)) | (7 << 76)
    return UUID(int=(number & ~(0x3 << 62)) | (0x2 << 62))
