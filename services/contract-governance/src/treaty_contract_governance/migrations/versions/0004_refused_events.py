"""Events that Kafka refuses on their own account: how often, why, and when they were given up."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE contract_governance.outbox
            ADD COLUMN attempts integer DEFAULT 0 NOT NULL,
            ADD COLUMN due_at timestamptz,
            ADD COLUMN failed_at timestamptz,
            ADD COLUMN reason text"""
    )
    op.execute(
        """
        CREATE INDEX outbox_refused ON contract_governance.outbox (topic, id)
            WHERE sent_at IS NULL AND attempts > 0"""
    )


def downgrade() -> None:
    op.execute("DROP INDEX contract_governance.outbox_refused")
    op.execute(
        """
        ALTER TABLE contract_governance.outbox
            DROP COLUMN attempts, DROP COLUMN due_at, DROP COLUMN failed_at, DROP COLUMN reason"""
    )
