"""Who attested a package: those who signed for it, and the workers that judged it where they run it."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE contract_governance.attestation (
            plugin TEXT NOT NULL,
            digest TEXT NOT NULL,
            kind TEXT NOT NULL,
            by TEXT NOT NULL,
            plugin_version TEXT NOT NULL,
            verdict TEXT NOT NULL,
            admitted BOOLEAN NOT NULL,
            body TEXT NOT NULL,
            first_at TIMESTAMP WITH TIME ZONE NOT NULL,
            last_at TIMESTAMP WITH TIME ZONE NOT NULL,
            PRIMARY KEY (plugin, digest, kind, by)
        )"""
    )


def downgrade() -> None:
    op.execute("DROP TABLE contract_governance.attestation")
