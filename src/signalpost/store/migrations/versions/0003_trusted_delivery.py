"""Dead letters, replays, retention: what delivery that can be trusted keeps."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NOTIFICATIONS = """
ALTER TABLE notification DROP CONSTRAINT notification_state_check,
    ADD CONSTRAINT notification_state_check
        CHECK (state IN ('pending', 'delivered', 'dead', 'cancelled', 'unsent')),
    ADD COLUMN refusals integer NOT NULL DEFAULT 0, ADD COLUMN dead_at timestamptz;
CREATE INDEX notification_of_instance ON notification (instance_id, id);
CREATE INDEX notification_dead ON notification (instance_id, id) WHERE state = 'dead';
COMMENT ON COLUMN notification.refusals IS 'answers that spoke of this notification alone (400, 409, 413, 415, 422)';
COMMENT ON COLUMN notification.state IS
    'unsent: no callback URL when it was made; cancelled: too many waited, told as a gap; dead: refused, or spent';
ALTER TABLE endpoint ADD COLUMN deactivated_at timestamptz;
CREATE INDEX endpoint_failing ON endpoint (instance_id) WHERE failing_since IS NOT NULL;
ALTER TABLE attempt DROP CONSTRAINT attempt_pkey, ADD COLUMN replay_id bigint NOT NULL DEFAULT 0,
    ADD PRIMARY KEY (notification_id, replay_id, number);
COMMENT ON COLUMN attempt.replay_id IS 'the replay that it was made for; 0: its lane';
ALTER TABLE object_memory DROP COLUMN revision;
"""

REPLAYS = """
CREATE TABLE replay (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance_id bigint NOT NULL REFERENCES instance ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('one', 'failed', 'range')),
    url text,
    failed_since timestamptz,
    first_id bigint NOT NULL,
    last_id bigint NOT NULL,
    position bigint NOT NULL,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
    sent bigint NOT NULL DEFAULT 0,
    dead bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    refusals integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    next_attempt_at timestamptz NOT NULL,
    leased_by uuid,
    last_error text,
    created_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX replay_due ON replay (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX replay_of_instance ON replay (instance_id, id);
COMMENT ON TABLE replay IS 'notifications sent again, besides the lane: one, those that failed, or a range';
COMMENT ON COLUMN replay.position IS 'the last notification that is done; the next has a greater id';
COMMENT ON COLUMN replay.due_at IS 'when the scheduler hands it out; null: it has ended';
COMMENT ON COLUMN replay.next_attempt_at IS 'nothing is sent before, whoever hands it out';
COMMENT ON COLUMN replay.failures IS 'failed attempts of the notification it is at';
"""

READING = """
CREATE INDEX event_object ON event USING hash (object_id);
CREATE INDEX event_polled ON event USING brin (polled_at);
ALTER TABLE gap ALTER COLUMN from_watermark DROP NOT NULL, ALTER COLUMN to_watermark DROP NOT NULL;
"""


def upgrade() -> None:
    for statements in (NOTIFICATIONS, REPLAYS, READING):
        for statement in statements.split(";\n"):
            if statement.strip():
                op.execute(statement.replace(":", r"\:"))


def downgrade() -> None:
    message = "notifications in the new states cannot be given back: restore a backup instead"
    raise NotImplementedError(message)
