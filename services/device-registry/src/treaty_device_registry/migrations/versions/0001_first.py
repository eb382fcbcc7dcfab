"""The first schema: fleet, outbox, audit, idempotency, telemetry, inbox."""

from alembic import op

revision = "0001"
down_revision = None

SCHEMA = """
CREATE TABLE device_registry.workspace (
    id uuid NOT NULL,
    name text NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT workspace_pkey PRIMARY KEY (id)
);

CREATE TABLE device_registry.site (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    name text NOT NULL,
    latitude double precision,
    longitude double precision,
    version bigint NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT site_pkey PRIMARY KEY (id),
    CONSTRAINT site_workspace_id_id_key UNIQUE (workspace_id, id),
    CONSTRAINT site_workspace_id_fkey FOREIGN KEY(workspace_id)
        REFERENCES device_registry.workspace (id)
);

CREATE TABLE device_registry.gateway_slug (
    slug text NOT NULL,
    gateway_id uuid NOT NULL,
    CONSTRAINT gateway_slug_pkey PRIMARY KEY (slug)
);

CREATE TABLE device_registry.gateway (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    site_id uuid,
    slug text NOT NULL,
    name text NOT NULL,
    network text NOT NULL,
    authentication text NOT NULL,
    lifecycle text NOT NULL,
    sealed_secret text,
    version bigint NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT gateway_pkey PRIMARY KEY (id),
    CONSTRAINT gateway_workspace_id_id_key UNIQUE (workspace_id, id),
    CONSTRAINT gateway_workspace_id_site_id_fkey FOREIGN KEY(workspace_id, site_id)
        REFERENCES device_registry.site (workspace_id, id),
    CONSTRAINT gateway_workspace_id_fkey FOREIGN KEY(workspace_id)
        REFERENCES device_registry.workspace (id),
    CONSTRAINT gateway_slug_key UNIQUE (slug),
    CONSTRAINT gateway_slug_fkey FOREIGN KEY(slug)
        REFERENCES device_registry.gateway_slug (slug)
);

CREATE INDEX gateway_site_id_idx ON device_registry.gateway (site_id);

CREATE TABLE device_registry.device_model (
    id text NOT NULL,
    name text NOT NULL,
    plugin text NOT NULL,
    late_after_s integer,
    version bigint NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT device_model_pkey PRIMARY KEY (id)
);

CREATE TABLE device_registry.device (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    site_id uuid,
    gateway_id uuid NOT NULL,
    external_id text NOT NULL,
    model_id text NOT NULL,
    name text NOT NULL,
    properties jsonb NOT NULL,
    lifecycle text NOT NULL,
    sealed_key text,
    version bigint NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT device_pkey PRIMARY KEY (id),
    CONSTRAINT device_workspace_id_external_id_key UNIQUE (workspace_id, external_id),
    CONSTRAINT device_workspace_id_site_id_fkey FOREIGN KEY(workspace_id, site_id)
        REFERENCES device_registry.site (workspace_id, id),
    CONSTRAINT device_workspace_id_gateway_id_fkey FOREIGN KEY(workspace_id, gateway_id)
        REFERENCES device_registry.gateway (workspace_id, id),
    CONSTRAINT device_workspace_id_fkey FOREIGN KEY(workspace_id)
        REFERENCES device_registry.workspace (id),
    CONSTRAINT device_model_id_fkey FOREIGN KEY(model_id)
        REFERENCES device_registry.device_model (id)
);

CREATE INDEX device_gateway_id_idx ON device_registry.device (gateway_id);

CREATE INDEX device_model_id_idx ON device_registry.device (model_id);

CREATE INDEX device_site_id_idx ON device_registry.device (site_id);

CREATE INDEX device_workspace_id_id_idx ON device_registry.device (workspace_id, id);

CREATE TABLE device_registry.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    key bytea,
    value bytea,
    headers bytea NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    batch bigint,
    sent_at timestamptz,
    CONSTRAINT outbox_pkey PRIMARY KEY (id)
);

CREATE INDEX outbox_sent ON device_registry.outbox (sent_at) WHERE sent_at IS NOT NULL;

CREATE INDEX outbox_unsent ON device_registry.outbox (id) WHERE sent_at IS NULL;

CREATE TABLE device_registry.audit (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz DEFAULT now() NOT NULL,
    subject text NOT NULL,
    action text NOT NULL,
    entity text NOT NULL,
    workspace_id uuid,
    changes jsonb NOT NULL,
    CONSTRAINT audit_pkey PRIMARY KEY (id)
);

CREATE INDEX audit_workspace_id_idx ON device_registry.audit (workspace_id);

CREATE TABLE device_registry.idempotency (
    subject text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status integer,
    answer text,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_pkey PRIMARY KEY (subject, key)
);

CREATE INDEX idempotency_created_at_idx ON device_registry.idempotency (created_at);

CREATE TABLE device_registry.consumed_offset (
    projection text NOT NULL,
    topic_id uuid NOT NULL,
    partition integer NOT NULL,
    topic text NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT consumed_offset_pkey PRIMARY KEY (projection, topic_id, partition)
);

CREATE TABLE device_registry.device_state (
    device_id uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    value json NOT NULL,
    unit text,
    quality text,
    observed_at timestamptz NOT NULL,
    ordered_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    log_offset bigint NOT NULL,
    CONSTRAINT device_state_pkey PRIMARY KEY (device_id, kind, name)
)
 WITH (fillfactor = 70);

CREATE TABLE device_registry.reading (
    device_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    log_offset bigint NOT NULL,
    log_partition integer NOT NULL,
    body json NOT NULL,
    CONSTRAINT reading_pkey PRIMARY KEY (device_id, received_at, log_offset, log_partition)
)
 PARTITION BY RANGE (received_at);

CREATE TABLE device_registry.inbox_entry (
    workspace_id uuid NOT NULL,
    external_id text NOT NULL,
    gateway_id uuid,
    reason text NOT NULL,
    detail text NOT NULL,
    count bigint NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    sample bytea NOT NULL,
    CONSTRAINT inbox_entry_pkey PRIMARY KEY (workspace_id, external_id),
    CONSTRAINT inbox_entry_workspace_id_fkey FOREIGN KEY(workspace_id)
        REFERENCES device_registry.workspace (id) ON DELETE CASCADE
);

CREATE INDEX inbox_entry_last_seen_idx ON device_registry.inbox_entry (workspace_id, last_seen);

CREATE TABLE device_registry.parked_uplink (
    id bigint GENERATED ALWAYS AS IDENTITY,
    workspace_id uuid NOT NULL,
    external_id text NOT NULL,
    reason text NOT NULL,
    value bytea NOT NULL,
    headers bytea NOT NULL,
    size integer NOT NULL,
    due_at timestamptz NOT NULL,
    CONSTRAINT parked_uplink_pkey PRIMARY KEY (id),
    CONSTRAINT parked_uplink_workspace_id_external_id_fkey FOREIGN KEY(workspace_id, external_id)
        REFERENCES device_registry.inbox_entry (workspace_id, external_id) ON DELETE CASCADE
);

CREATE INDEX parked_uplink_entry_idx ON device_registry.parked_uplink (workspace_id, external_id, id);

CREATE TABLE device_registry.plugin_topic (
    plugin text NOT NULL,
    topic text,
    version bigint NOT NULL,
    heard_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT plugin_topic_pkey PRIMARY KEY (plugin)
);
"""


def upgrade() -> None:
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            op.execute(statement)
