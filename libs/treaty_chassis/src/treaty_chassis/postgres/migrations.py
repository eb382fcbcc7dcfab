"""Alembic, run by the service itself: safe to run twice, and by several processes at once."""

from __future__ import annotations

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from pydantic import Field, SecretStr, ValidationError
from sqlalchemy import Connection, MetaData, create_engine, text
from sqlalchemy.pool import NullPool

from treaty_chassis.postgres.engine import sqlalchemy_url
from treaty_chassis.settings import Environment

__all__ = ["main", "run", "upgrade"]


class _Settings(Environment):
    database_url: SecretStr = Field(validation_alias="DATABASE_URL", min_length=1)


def main(scripts: Path, schema: str) -> int:
    """A service's `python -m <package>.migrate`: its exit code, 2 where DATABASE_URL is missing."""
    try:
        settings = _Settings()  # type: ignore[call-arg]  # from the environment
    except ValidationError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    upgrade(settings.database_url.get_secret_value(), scripts, schema)
    return 0


def upgrade(url: str, scripts: Path, schema: str) -> None:
    """Brings the schema to the newest revision of the scripts, creating it where it is missing.

    A session lock makes a second process wait and then find nothing to do. Each revision is one
    transaction: a failing one leaves the schema at the last that went through, and raises.
    """
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            connection.execute(
                text("SELECT pg_advisory_lock(hashtext(:name))"), {"name": f"{schema}.migrate"}
            )
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
            connection.commit()
            config = _config(scripts)
            config.attributes["connection"] = connection
            config.attributes["schema"] = schema
            command.upgrade(config, "head")
            connection.commit()
    finally:
        engine.dispose()


def run(config: Config, metadata: MetaData, context: object) -> None:
    """The body of a service's env.py: `run(context.config, metadata, context)`."""
    connection: Connection = config.attributes["connection"]
    schema: str = config.attributes["schema"]
    configure = context.configure  # type: ignore[attr-defined]
    configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=schema,
        transaction_per_migration=True,
    )
    with context.begin_transaction():  # type: ignore[attr-defined]
        context.run_migrations()  # type: ignore[attr-defined]


def _config(scripts: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    return config
