"""First: decisions, verdicts, reports, schemas and the outbox."""

from alembic import op

revision = "0001"
down_revision = None

DDL = """
CREATE TABLE contract_governance.counter (
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE contract_governance.decision (
    plugin TEXT NOT NULL,
    version INTEGER NOT NULL,
    plugin_version TEXT NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    topic TEXT,
    PRIMARY KEY (plugin, version)
);

CREATE TABLE contract_governance.device (
    device TEXT NOT NULL,
    plugin TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (device)
);

CREATE INDEX device_plugin ON contract_governance.device (plugin);

CREATE TABLE contract_governance.outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    topic TEXT NOT NULL,
    key BYTEA,
    value BYTEA,
    headers BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    batch BIGINT,
    sent_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id)
);

CREATE INDEX outbox_sent ON contract_governance.outbox (sent_at) WHERE sent_at IS NOT NULL;

CREATE INDEX outbox_unsent ON contract_governance.outbox (id) WHERE sent_at IS NULL;

CREATE TABLE contract_governance.plugin (
    plugin TEXT NOT NULL,
    version INTEGER NOT NULL,
    plugin_version TEXT NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    topic TEXT,
    PRIMARY KEY (plugin)
);

CREATE TABLE contract_governance.rejected (
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    "offset" BIGINT NOT NULL,
    reason TEXT NOT NULL,
    key BYTEA,
    value BYTEA,
    headers BYTEA NOT NULL,
    rejected_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (topic, partition, "offset")
);

CREATE TABLE contract_governance.report (
    plugin TEXT NOT NULL,
    digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    count BIGINT NOT NULL,
    slot TEXT NOT NULL,
    detail TEXT NOT NULL,
    first_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_offset BIGINT NOT NULL,
    PRIMARY KEY (plugin, digest, kind)
);

CREATE TABLE contract_governance.schema (
    id INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (fingerprint)
);

CREATE TABLE contract_governance.subject (
    subject TEXT NOT NULL,
    PRIMARY KEY (subject)
);

CREATE TABLE contract_governance.verdict (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    plugin TEXT NOT NULL,
    plugin_version TEXT NOT NULL,
    digest TEXT NOT NULL,
    verdict_digest TEXT NOT NULL,
    engine TEXT NOT NULL,
    admitted BOOLEAN NOT NULL,
    body TEXT NOT NULL,
    posted_by TEXT NOT NULL,
    posted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (plugin, verdict_digest)
);

CREATE TABLE contract_governance.subject_version (
    subject TEXT NOT NULL,
    version INTEGER NOT NULL,
    schema_id INTEGER NOT NULL,
    PRIMARY KEY (subject, version),
    UNIQUE (subject, schema_id),
    FOREIGN KEY(subject) REFERENCES contract_governance.subject (subject),
    FOREIGN KEY(schema_id) REFERENCES contract_governance.schema (id)
);
"""


def upgrade() -> None:
    for statement in DDL.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the first revision is not undone: drop the schema")
