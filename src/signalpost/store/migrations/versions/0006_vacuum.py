"""Vacuum that keeps pace with polls, room for updates in place, and indexes of what the gauges count."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# ``instance`` and ``endpoint`` have an index on the time that each poll and each turn of a lane changes, so that every
# change is a new entry in all their indexes, and each tick walks over the dead ones that are left of what is due. The
# standard, a fifth of the table, would be 200,000 of them among a million.
OFTEN = "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_limit = 2000"

# The others change no column that is indexed: where the page has room, the new row takes the place of the old one
# without a vacuum. What it finds is deleted rows.
IN_PLACE = (
    "fillfactor = {fillfactor}, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000"
)

SETTINGS = {
    "instance": OFTEN,
    "endpoint": OFTEN,
    "resource_poll": IN_PLACE.format(fillfactor=80),
    "credential": IN_PLACE.format(fillfactor=80),
    "object_memory": IN_PLACE.format(fillfactor=90),
    "event_hour": IN_PLACE.format(fillfactor=80),
}

INDEXES = (
    "CREATE INDEX instance_throttled ON instance (throttled_until) WHERE throttled_until IS NOT NULL",
    "CREATE INDEX instance_not_valid ON instance (id) WHERE NOT valid",
)


def upgrade() -> None:
    for table, settings in SETTINGS.items():
        op.execute(f"ALTER TABLE {table} SET ({settings})")
    for index in INDEXES:
        op.execute(index)


def downgrade() -> None:
    for name in ("instance_not_valid", "instance_throttled"):
        op.execute(f"DROP INDEX {name}")
    for table in SETTINGS:
        op.execute(
            f"ALTER TABLE {table} RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,"
            " autovacuum_vacuum_cost_limit)"
        )
