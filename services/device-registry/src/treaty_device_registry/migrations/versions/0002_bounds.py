"""The inbox counts what waits and what it dropped; topics of gateways are counted by workspace."""

from alembic import op

revision = "0002"
down_revision = "0001"

DDL = """
ALTER TABLE device_registry.inbox_entry
    ADD parked bigint DEFAULT 0 NOT NULL,
    ADD parked_bytes bigint DEFAULT 0 NOT NULL,
    ADD dropped bigint DEFAULT 0 NOT NULL;

UPDATE device_registry.inbox_entry AS e SET parked = p.uplinks, parked_bytes = p.bytes
FROM (SELECT workspace_id, external_id, count(*) AS uplinks, sum(size) AS bytes
    FROM device_registry.parked_uplink GROUP BY workspace_id, external_id) AS p
WHERE p.workspace_id = e.workspace_id AND p.external_id = e.external_id;

ALTER TABLE device_registry.gateway_slug ADD workspace_id uuid;

UPDATE device_registry.gateway_slug AS s SET workspace_id = g.workspace_id
FROM device_registry.gateway AS g WHERE g.slug = s.slug AND g.authentication = 'topic';

CREATE INDEX gateway_slug_workspace_id_idx ON device_registry.gateway_slug (workspace_id)
"""


def upgrade() -> None:
    for statement in DDL.split(";\n"):
        op.execute(statement)
