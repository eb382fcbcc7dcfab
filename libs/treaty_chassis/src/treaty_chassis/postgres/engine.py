"""Engines with bounds on everything that waits."""

from __future__ import annotations

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from treaty_chassis.postgres.url import libpq_url

__all__ = ["create_engine", "sqlalchemy_url"]


def sqlalchemy_url(url: str) -> URL:
    """For SQLAlchemy's psycopg driver. Raises ValueError."""
    return make_url(libpq_url(url)).set(drivername="postgresql+psycopg")


def create_engine(url: str, application: str, *, connections: int = 10) -> AsyncEngine:
    """At most `connections` at once; a wait for one ends after 5 s, a statement after 30 s, a lock after
    10 s, a transaction left idle after 60 s. Connects at first use, not here."""
    options = {
        "statement_timeout": "30s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "60s",
        "timezone": "UTC",
    }
    return create_async_engine(
        sqlalchemy_url(url),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=True,
        connect_args={
            "application_name": application,
            "connect_timeout": 5,
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        },
    )
