"""python -m treaty_contract_governance.migrate: brings the database to this version's schema."""

from __future__ import annotations

from treaty_chassis.postgres.migrations import main
from treaty_contract_governance.tables import MIGRATIONS, SCHEMA

if __name__ == "__main__":
    raise SystemExit(main(MIGRATIONS, SCHEMA))
