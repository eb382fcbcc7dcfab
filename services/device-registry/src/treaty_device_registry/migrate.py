"""python -m treaty_device_registry.migrate: brings the database to this version's schema."""

from __future__ import annotations

import sys

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings

from treaty_chassis.postgres.migrations import upgrade
from treaty_device_registry.schema import MIGRATIONS, SCHEMA

__all__ = ["main"]


class _Settings(BaseSettings):
    database_url: str = Field(validation_alias="DATABASE_URL", min_length=1)


def main() -> int:
    try:
        settings = _Settings()  # type: ignore[call-arg]  # from the environment
    except ValidationError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    upgrade(settings.database_url, MIGRATIONS, SCHEMA)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
