"""What was imported from another service: by which id it is known there, and whether authorising it enables it."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Those that were not imported have no entry in the index.
STATEMENTS = (
    "ALTER TABLE instance ADD COLUMN imported_id text",
    "ALTER TABLE instance ADD COLUMN disabled_until_authorised boolean NOT NULL DEFAULT false",
    "CREATE UNIQUE INDEX instance_imported ON instance (organization_id, imported_id) WHERE imported_id IS NOT NULL",
    "COMMENT ON COLUMN instance.imported_id IS 'its id where it was imported from: it is imported once'",
    "COMMENT ON COLUMN instance.disabled_until_authorised IS 'imported so: its first authorisation enables it'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement.replace(":", r"\:"))


def downgrade() -> None:
    op.execute("DROP INDEX instance_imported")
    op.execute("ALTER TABLE instance DROP COLUMN disabled_until_authorised")
    op.execute("ALTER TABLE instance DROP COLUMN imported_id")
