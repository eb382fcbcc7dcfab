"""Whether a database answers and has the schema a service is written for."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from treaty_chassis.postgres.url import libpq_url

__all__ = ["newest", "ready"]


def newest(scripts: Path) -> str:
    """The newest revision of a folder of migrations, whose files are named <revision>_<what>.py, in order."""
    return max(file.name.partition("_")[0] for file in (scripts / "versions").glob("[0-9]*_*.py"))


def ready(url: str, scripts: Path, schema: str, *, within_s: int = 2) -> str | None:
    """None while both are so: a readiness check that connects for itself and waits so long for it at most."""
    needed = newest(scripts)
    try:
        with psycopg.connect(libpq_url(url), connect_timeout=within_s) as connection:
            question = SQL("SELECT version_num FROM {}").format(Identifier(schema, "alembic_version"))
            row = connection.execute(question).fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    except psycopg.Error as error:
        return f"PostgreSQL does not answer: {type(error).__name__}"
    if row is not None and row[0] == needed:
        return None
    found = "none" if row is None else row[0]
    return f"schema {schema} is at revision {found}, {needed} needed: run the service's migrate"
