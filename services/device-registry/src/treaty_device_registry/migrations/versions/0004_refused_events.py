"""Events that Kafka refuses on their own account: how often, why, and when they were given up."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE device_registry.outbox
            ADD COLUMN attempts integer DEFAULT 0 NOT NULL,
            ADD COLUMN due_at timestamptz,
            ADD COLUMN failed_at timestamptz,
            ADD COLUMN reason text"""
    )
    op.execute(
        """
        CREATE INDEX outbox_refused ON device_registry.outbox (topic, id)
            WHERE sent_at IS NULL AND attempts > 0"""
    )
