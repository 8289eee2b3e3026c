"""From when on changes are to be told of a feed whose place was not known when it was to be polled."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE resource_poll ADD COLUMN starts_at timestamptz",
    "COMMENT ON COLUMN resource_poll.starts_at IS 'from when on a feed is read whose place was not known then'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE resource_poll DROP COLUMN starts_at")
