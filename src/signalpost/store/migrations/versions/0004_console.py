"""The console: accounts, sessions, connections being made, the audit trail, what people look for in the log."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ACCOUNTS = """
ALTER TABLE member ADD COLUMN role text NOT NULL DEFAULT 'admin' CHECK (role IN ('admin', 'operator', 'viewer')),
    ADD COLUMN password_hash text, ADD COLUMN removed_at timestamptz;
CREATE UNIQUE INDEX member_account ON member (lower(email)) WHERE password_hash IS NOT NULL;
COMMENT ON COLUMN member.password_hash IS 'Argon2; null: no account in the console';
COMMENT ON COLUMN member.removed_at IS 'removed from the organization: no secret, no password, no session any more';
ALTER TABLE member_secret ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY UNIQUE;
ALTER TABLE organization_secret ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY UNIQUE;
CREATE TABLE invitation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    organization_id bigint REFERENCES organization,
    email text,
    role text NOT NULL CHECK (role IN ('admin', 'operator', 'viewer')),
    invited_by bigint REFERENCES member,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    withdrawn_at timestamptz
);
CREATE INDEX invitation_of_organization ON invitation (organization_id, id);
COMMENT ON TABLE invitation IS 'links that make an account; without an organization: the first one of the installation';
CREATE TABLE session (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    member_id bigint NOT NULL REFERENCES member,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    agent text NOT NULL,
    address text NOT NULL
);
CREATE INDEX session_of_member ON session (member_id, id);
CREATE INDEX session_expires ON session (expires_at);
CREATE TABLE sign_in_failure (
    subject bytea NOT NULL,
    failed_at timestamptz NOT NULL
);
CREATE INDEX sign_in_failure_of_subject ON sign_in_failure (subject, failed_at);
COMMENT ON COLUMN sign_in_failure.subject IS 'hash of the e-mail address or of the network address that failed';
"""

CONNECTIONS = """
CREATE TABLE application (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organization,
    connector text NOT NULL,
    name text NOT NULL,
    configuration jsonb NOT NULL,
    secrets bytea NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (organization_id, connector, name)
);
COMMENT ON TABLE application IS 'key and secret registered at a provider, saved: who connects need not know them';
CREATE TABLE connection (
    id uuid PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organization,
    member_id bigint NOT NULL REFERENCES member,
    instance_id bigint REFERENCES instance ON DELETE CASCADE,
    connector text NOT NULL,
    name text NOT NULL,
    wish bytea NOT NULL,
    by_link boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    taken_at timestamptz,
    made_instance_id bigint REFERENCES instance ON DELETE SET NULL,
    failure text
);
CREATE INDEX connection_of_organization ON connection (organization_id, created_at);
COMMENT ON TABLE connection IS 'an instance on its way: what was asked for waits here for the consent at the provider';
COMMENT ON COLUMN connection.instance_id IS 'the instance that is authorised again; null: a new one';
COMMENT ON COLUMN connection.wish IS 'encrypted JSON: name, tags, configuration, secrets included';
COMMENT ON COLUMN connection.taken_at IS 'when the consent came back: it is good once';
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organization,
    email text NOT NULL,
    done_at timestamptz NOT NULL,
    action text NOT NULL,
    instance_id bigint,
    detail text NOT NULL
);
CREATE INDEX audit_of_organization ON audit (organization_id, id);
CREATE INDEX audit_of_instance ON audit (instance_id, id) WHERE instance_id IS NOT NULL;
COMMENT ON TABLE audit IS 'who did what in the console; kept when the instance or the member is gone';
"""

READING = """
ALTER TABLE event ADD COLUMN label text NOT NULL DEFAULT '';
COMMENT ON COLUMN event.label IS 'what people call the object: its path or its name; empty: not known';
DROP INDEX event_polled;
CREATE INDEX event_recent ON event (polled_at, instance_id, sequence);
CREATE TABLE event_hour (
    instance_id bigint NOT NULL REFERENCES instance ON DELETE CASCADE,
    begin_at timestamptz NOT NULL,
    events bigint NOT NULL,
    PRIMARY KEY (instance_id, begin_at)
) WITH (fillfactor = 80);
COMMENT ON TABLE event_hour IS 'events committed in each hour, counted with each page';
INSERT INTO event_hour
SELECT instance_id, date_trunc('hour', polled_at, 'UTC'), count(*) FROM event GROUP BY 1, 2;
"""


def upgrade() -> None:
    for statements in (ACCOUNTS, CONNECTIONS, READING):
        for statement in statements.split(";\n"):
            if statement.strip():
                op.execute(statement.replace(":", r"\:"))


def downgrade() -> None:
    message = "accounts cannot be given back: restore a backup instead"
    raise NotImplementedError(message)
