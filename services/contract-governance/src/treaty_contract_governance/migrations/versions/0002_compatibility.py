"""By which rule a subject's schemas may follow each other."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE contract_governance.compatibility (
            subject TEXT NOT NULL,
            level TEXT NOT NULL,
            PRIMARY KEY (subject)
        )"""
    )


def downgrade() -> None:
    op.execute("DROP TABLE contract_governance.compatibility")
