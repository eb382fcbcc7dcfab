"""Alembic's entry; treaty_chassis.postgres.migrations runs it."""

from alembic import context

from treaty_chassis.postgres import migrations
from treaty_device_registry.tables import metadata

migrations.run(context.config, metadata, context)
