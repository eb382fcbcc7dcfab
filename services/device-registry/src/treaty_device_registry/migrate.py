"""python -m treaty_device_registry.migrate: brings the database to this version's schema."""

from __future__ import annotations

from treaty_chassis.postgres.migrations import main
from treaty_device_registry.schema import MIGRATIONS, SCHEMA

if __name__ == "__main__":
    raise SystemExit(main(MIGRATIONS, SCHEMA))
