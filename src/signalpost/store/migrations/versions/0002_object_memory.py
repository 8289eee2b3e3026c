"""Object memory, failures and quota of polls, operational notices."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

POLLS = """
ALTER TABLE instance ADD COLUMN quota jsonb, ADD COLUMN last_success_at timestamptz,
    ADD COLUMN throttled_until timestamptz, ADD COLUMN wishes integer NOT NULL DEFAULT 0,
    DROP COLUMN consecutive_failures;
UPDATE instance SET last_success_at = last_poll_at;
COMMENT ON COLUMN instance.quota IS 'what is left of the account''s calls of this day (model/quota.py)';
COMMENT ON COLUMN instance.wishes IS 'how often somebody had it polled at once: a poll that began before goes again';
COMMENT ON COLUMN instance.throttled_until IS 'until when polls are further apart than wished, for the calls to last';
ALTER TABLE resource_poll ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    ADD COLUMN failures integer NOT NULL DEFAULT 0, ADD COLUMN retry_at timestamptz,
    ADD COLUMN disabled_at timestamptz, ADD COLUMN remark text, ADD COLUMN source text,
    ADD COLUMN remembered integer NOT NULL DEFAULT 0, ADD COLUMN forgotten_before timestamptz;
CREATE INDEX resource_poll_disabled ON resource_poll (instance_id) WHERE disabled_at IS NOT NULL;
CREATE INDEX resource_poll_failing ON resource_poll (instance_id) WHERE failures > 0;
COMMENT ON COLUMN resource_poll.failures IS 'failed reads in a row';
COMMENT ON COLUMN resource_poll.retry_at IS 'after a failure: the resource is not read before';
COMMENT ON COLUMN resource_poll.source IS
    'what the watermark is one of: a feed or list of the connector; null before it was first read by it';
COMMENT ON COLUMN resource_poll.remembered IS 'rows of object_memory';
COMMENT ON COLUMN resource_poll.forgotten_before IS
    'objects dated up to here may have been dropped from the memory, which is bounded';
"""

MEMORY = """
CREATE TABLE object_memory (
    poll_id bigint NOT NULL REFERENCES resource_poll (id) ON DELETE CASCADE,
    object_key bytea NOT NULL,
    object_id text NOT NULL,
    object_type text NOT NULL,
    version text NOT NULL,
    revision bigint NOT NULL,
    dated_at timestamptz,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (poll_id, object_key)
) WITH (fillfactor = 90);
COMMENT ON TABLE object_memory IS 'which objects of a resource were seen, in which version, and not deleted since';
COMMENT ON COLUMN object_memory.object_key IS 'the md5 of object_id, which may be longer than an index takes';
INSERT INTO object_memory (poll_id, object_key, object_id, object_type, version, revision, seen_at)
SELECT DISTINCT ON (resource_poll.id, md5(event.object_id))
       resource_poll.id, decode(md5(event.object_id), 'hex'), event.object_id, event.object_type,
       CASE WHEN event.event_type = 'DELETED' THEN 'deleted' ELSE '' END, 1, event.polled_at
FROM event JOIN resource_poll USING (instance_id, resource)
ORDER BY resource_poll.id, md5(event.object_id), event.sequence DESC;
DELETE FROM object_memory WHERE version = 'deleted';
UPDATE resource_poll SET remembered = counted.number
FROM (SELECT poll_id, count(*) AS number FROM object_memory GROUP BY poll_id) AS counted
WHERE counted.poll_id = resource_poll.id;
DROP INDEX event_of_object;
"""

NOTICES = """
CREATE TABLE operation_notice (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance_id bigint NOT NULL REFERENCES instance ON DELETE CASCADE,
    kind text NOT NULL,
    body jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    last_error text
);
CREATE INDEX operation_notice_due ON operation_notice (due_at);
CREATE INDEX operation_notice_of_instance ON operation_notice (instance_id);
COMMENT ON TABLE operation_notice IS 'what is still to be told to event.notification.operations.url';
"""


def upgrade() -> None:
    for statements in (POLLS, MEMORY, NOTICES):
        for statement in statements.split(";\n"):
            if statement.strip():
                op.execute(statement.replace(":", r"\:"))


def downgrade() -> None:
    message = "object memory cannot be given back to the first tables: restore a backup instead"
    raise NotImplementedError(message)
