from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.execute("SELECT pg_sleep(0.2)")
    op.execute("CREATE TABLE sample.thing (id int)")
