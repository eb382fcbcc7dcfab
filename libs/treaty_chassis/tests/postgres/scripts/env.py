from alembic import context
from sqlalchemy import MetaData

from treaty_chassis.postgres import migrations

migrations.run(context.config, MetaData(), context)
