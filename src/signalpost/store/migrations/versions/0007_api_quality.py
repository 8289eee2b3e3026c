"""Answers kept by idempotency key, and a number of each instance that grows with any change of what is shown of it."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ANSWERS = """
CREATE TABLE kept_answer (
    member_id bigint NOT NULL REFERENCES member,
    key_hash bytea NOT NULL,
    request_hash bytea NOT NULL,
    claimed_by uuid NOT NULL,
    claimed_at timestamptz NOT NULL,
    answer bytea,
    PRIMARY KEY (member_id, key_hash)
);
CREATE INDEX kept_answer_old ON kept_answer (claimed_at);
COMMENT ON TABLE kept_answer IS 'answers to requests with an Idempotency-Key, for a day';
COMMENT ON COLUMN kept_answer.answer IS 'encrypted JSON: status, headers, body; null: the request still runs';
COMMENT ON COLUMN kept_answer.claimed_at IS 'a claim without an answer is void when it is old: its process was killed'
"""

# Of polls and ticks no column is named here, so that they never call it.
VERSION = (
    "ALTER TABLE instance ADD COLUMN changes bigint NOT NULL DEFAULT 0",
    "COMMENT ON COLUMN instance.changes IS 'grows with each change of what is shown: the ETag is made of it'",
    """
    CREATE FUNCTION count_instance_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.changes = OLD.changes + 1;
        RETURN NEW;
    END
    $$
    """,
    """
    CREATE TRIGGER instance_change
    BEFORE UPDATE OF name, tags, configuration, secrets, disabled, valid ON instance
    FOR EACH ROW EXECUTE FUNCTION count_instance_change()
    """,
)


def upgrade() -> None:
    for statement in (*ANSWERS.split(";\n"), *VERSION):
        if statement.strip():
            op.execute(statement.replace(":", r"\:"))


def downgrade() -> None:
    op.execute("DROP TRIGGER instance_change ON instance")
    op.execute("DROP FUNCTION count_instance_change")
    op.execute("ALTER TABLE instance DROP COLUMN changes")
    op.execute("DROP TABLE kept_answer")
