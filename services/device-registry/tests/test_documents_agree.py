"""What is committed says what the code says: the OpenAPI document and the migrations."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from treaty_chassis.postgres.engine import sqlalchemy_url
from treaty_chassis.postgres.readiness import newest, ready
from treaty_device_registry.openapi import DOCUMENT, document
from treaty_device_registry.schema import MIGRATIONS, SCHEMA
from treaty_device_registry.tables import metadata


def test_the_openapi_document_is_what_the_code_says():
    assert DOCUMENT.read_text() == document(), "run python -m treaty_device_registry.openapi"


def _ours(name, kind, parents):
    if kind == "schema":
        return name == SCHEMA
    return kind != "table" or not name.startswith("reading_")


def test_migrations_make_the_tables_the_code_uses(migrated):
    engine = create_engine(sqlalchemy_url(migrated))
    options = {
        "include_schemas": True,
        "include_name": _ours,
        "version_table_schema": SCHEMA,
        "compare_type": True,
        "compare_server_default": True,
    }
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
    engine.dispose()


def test_readiness_knows_the_newest_revision(migrated):
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert newest(MIGRATIONS) == head
    assert ready(migrated, MIGRATIONS, SCHEMA) is None
