"""Commands, and which actions may be asked for."""

from alembic import op

revision = "0003"
down_revision = "0002"

DDL = """
CREATE TABLE device_registry.command (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    device_id uuid NOT NULL,
    action text NOT NULL,
    arguments jsonb NOT NULL,
    plugin text NOT NULL,
    plugin_version text NOT NULL,
    state text NOT NULL,
    reason text,
    detail text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT command_pkey PRIMARY KEY (id),
    CONSTRAINT command_workspace_id_fkey FOREIGN KEY(workspace_id)
        REFERENCES device_registry.workspace (id) ON DELETE CASCADE
);

CREATE INDEX command_device_idx ON device_registry.command (workspace_id, device_id, id);

CREATE INDEX command_waiting_idx ON device_registry.command (expires_at) WHERE state = 'requested';

CREATE TABLE device_registry.plugin_offer (
    plugin text NOT NULL,
    digest text NOT NULL,
    plugin_version text NOT NULL,
    actions jsonb NOT NULL,
    CONSTRAINT plugin_offer_pkey PRIMARY KEY (plugin, digest)
);

CREATE TABLE device_registry.plugin_admission (
    plugin text NOT NULL,
    digest text NOT NULL,
    state text NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT plugin_admission_pkey PRIMARY KEY (plugin)
)
"""


def upgrade() -> None:
    for statement in DDL.split(";\n"):
        op.execute(statement)
