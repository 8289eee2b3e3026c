"""The first tables: organizations, instances, polls, the event log, delivery."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ORGANIZATIONS = """
CREATE TABLE organization (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 1001) PRIMARY KEY,
    name text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE organization_secret (
    secret_hash bytea PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organization,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE member (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 3001) PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organization,
    email text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, email)
);
CREATE TABLE member_secret (
    secret_hash bytea PRIMARY KEY,
    member_id bigint NOT NULL REFERENCES member,
    created_at timestamptz NOT NULL DEFAULT now()
);
"""

INSTANCES = """
CREATE TABLE instance (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 100001) PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organization,
    user_id bigint NOT NULL REFERENCES member,
    connector text NOT NULL,
    name text NOT NULL,
    tags text[] NOT NULL,
    configuration jsonb NOT NULL,
    secrets bytea NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    account_id text NOT NULL,
    account_label text NOT NULL,
    disabled boolean NOT NULL DEFAULT false,
    valid boolean NOT NULL DEFAULT true,
    full_raw boolean NOT NULL DEFAULT false,
    interval_seconds double precision NOT NULL,
    next_poll_at timestamptz,
    last_poll_at timestamptz,
    consecutive_failures integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
CREATE INDEX instance_due ON instance (next_poll_at) WHERE next_poll_at IS NOT NULL;
CREATE INDEX instance_of_organization ON instance (organization_id, id);
COMMENT ON COLUMN instance.secrets IS 'encrypted JSON: the secret values of the configuration and the instance token';
COMMENT ON COLUMN instance.next_poll_at IS 'when the scheduler hands out the next poll; null: not polled';

CREATE TABLE credential (
    instance_id bigint PRIMARY KEY REFERENCES instance ON DELETE CASCADE,
    tokens bytea NOT NULL,
    version bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE credential IS
    'encrypted JSON: what the provider gave us to act as the account; apart, as its rows are locked during a renewal';

CREATE TABLE resource_poll (
    instance_id bigint NOT NULL REFERENCES instance ON DELETE CASCADE,
    resource text NOT NULL,
    configuration jsonb NOT NULL,
    watermark jsonb,
    version bigint NOT NULL DEFAULT 0,
    last_success_at timestamptz,
    last_error text,
    last_error_at timestamptz,
    PRIMARY KEY (instance_id, resource)
);
"""

EVENTS = """
CREATE TABLE page (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance_id bigint NOT NULL REFERENCES instance ON DELETE CASCADE,
    polled_at timestamptz NOT NULL,
    context jsonb NOT NULL,
    records text[] NOT NULL
);
CREATE INDEX page_of_instance ON page (instance_id, id);
CREATE TABLE event (
    id uuid PRIMARY KEY,
    instance_id bigint NOT NULL REFERENCES instance ON DELETE CASCADE,
    sequence bigint NOT NULL,
    page_id bigint NOT NULL REFERENCES page ON DELETE CASCADE,
    record_index integer NOT NULL,
    notification_id bigint,
    resource text NOT NULL,
    object_id text NOT NULL,
    object_type text NOT NULL,
    event_type text NOT NULL,
    occurred_at timestamptz NOT NULL,
    polled_at timestamptz NOT NULL,
    UNIQUE (instance_id, sequence)
);
CREATE INDEX event_of_object ON event (instance_id, md5(object_id), sequence DESC);
CREATE INDEX event_of_notification ON event (notification_id);
CREATE INDEX event_of_page ON event (page_id, sequence);
CREATE TABLE gap (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance_id bigint NOT NULL REFERENCES instance ON DELETE CASCADE,
    resource text NOT NULL,
    sequence bigint NOT NULL,
    reason text NOT NULL,
    from_watermark jsonb NOT NULL,
    to_watermark jsonb NOT NULL,
    detected_at timestamptz NOT NULL
);
CREATE INDEX gap_of_instance ON gap (instance_id, id);
COMMENT ON INDEX event_of_object IS 'by hash: an id may be a path, longer than an index takes';
COMMENT ON COLUMN gap.sequence IS 'the number left out of the event sequence, so that a receiver sees a hole';
"""

DELIVERY = """
CREATE TABLE worker (
    id uuid PRIMARY KEY,
    heartbeat_at timestamptz NOT NULL
);
CREATE TABLE endpoint (
    instance_id bigint PRIMARY KEY REFERENCES instance ON DELETE CASCADE,
    url text,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'deactivated')),
    due_at timestamptz,
    last_sequence bigint NOT NULL DEFAULT 0,
    last_order bigint NOT NULL DEFAULT 0,
    leased_by uuid,
    generation bigint NOT NULL DEFAULT 0,
    failing_since timestamptz,
    last_error text
) WITH (fillfactor = 80);
CREATE INDEX endpoint_due ON endpoint (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX endpoint_leased ON endpoint (leased_by) WHERE leased_by IS NOT NULL;
CREATE TABLE notification (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 9000001) PRIMARY KEY,
    instance_id bigint NOT NULL REFERENCES instance ON DELETE CASCADE,
    lane_order bigint NOT NULL,
    page_id bigint NOT NULL REFERENCES page ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'cancelled')),
    attempts integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    delivered_at timestamptz
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX notification_pending ON notification (instance_id, lane_order) WHERE state = 'pending';
CREATE INDEX notification_of_page ON notification (page_id);
CREATE TABLE attempt (
    notification_id bigint NOT NULL REFERENCES notification ON DELETE CASCADE,
    number integer NOT NULL,
    started_at timestamptz NOT NULL,
    duration_milliseconds integer NOT NULL,
    status integer,
    error text,
    excerpt text,
    PRIMARY KEY (notification_id, number)
);
COMMENT ON COLUMN endpoint.due_at IS 'when the scheduler hands out the lane again; null: nothing waits';
COMMENT ON COLUMN endpoint.last_order IS 'the lane order last given to a notification';
COMMENT ON COLUMN endpoint.generation IS
    'grows whenever somebody changes or enables the endpoint: a turn that began before must not judge it';
COMMENT ON COLUMN notification.failures IS 'failed attempts since the endpoint was last changed or enabled';
COMMENT ON COLUMN endpoint.leased_by IS 'the worker that has the lane; void once that worker''s heartbeat is old';
"""


def upgrade() -> None:
    for statements in (ORGANIZATIONS, INSTANCES, EVENTS, DELIVERY):
        for statement in statements.split(";\n"):
            if statement.strip():
                op.execute(statement.replace(":", r"\:"))


def downgrade() -> None:
    message = "the first migration cannot be undone: drop the database instead"
    raise NotImplementedError(message)
