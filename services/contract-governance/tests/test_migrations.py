"""The migrations make exactly the tables the code speaks to."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from treaty_chassis.postgres.engine import sqlalchemy_url
from treaty_contract_governance.tables import SCHEMA, metadata


def test_the_newest_revision_is_what_the_code_expects(migrated):
    engine = create_engine(sqlalchemy_url(migrated.url))
    options = {
        "include_schemas": True,
        "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
        "version_table_schema": SCHEMA,
        "compare_server_default": False,
    }
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    engine.dispose()
