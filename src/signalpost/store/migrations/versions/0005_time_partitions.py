"""Pages, events, notifications and attempts in partitions by time: what is old is dropped, not deleted row by row.

Foreign keys among them and to instances are gone: a check for every row written, and no partition could be dropped.
Who deletes an instance deletes what belongs to it (``store.instances``).
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIMES = {"page": "polled_at", "event": "polled_at", "notification": "created_at", "attempt": "started_at"}

# The old table makes room, without anything that has a name of its own.
SET_ASIDE = """
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN SELECT conname, conrelid::regclass AS of FROM pg_constraint
                WHERE contype = 'f' AND (conrelid = '{table}'::regclass OR confrelid = '{table}'::regclass) LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', each.of, each.conname);
    END LOOP;
    FOR each IN SELECT conname FROM pg_constraint
                WHERE contype IN ('p', 'u') AND conrelid = '{table}'::regclass LOOP
        EXECUTE format('ALTER TABLE {table} DROP CONSTRAINT %I', each.conname);
    END LOOP;
    FOR each IN SELECT indexrelid::regclass AS name FROM pg_index WHERE indrelid = '{table}'::regclass LOOP
        EXECUTE format('DROP INDEX %s', each.name);
    END LOOP;
END
$$
"""

MAKE_TABLE = """
ALTER TABLE {table} RENAME TO {table}_before;
CREATE TABLE {table} (LIKE {table}_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS)
PARTITION BY RANGE ({time})
"""

# An identity cannot be had in a partitioned table before PostgreSQL 17.
MAKE_NUMBERS = """
CREATE SEQUENCE {table}_number;
SELECT setval('{table}_number', nextval(pg_get_serial_sequence('{table}_before', 'id')), false);
ALTER TABLE {table}_before ALTER id DROP IDENTITY, ALTER id SET DEFAULT nextval('{table}_number');
ALTER TABLE {table} ALTER id SET DEFAULT nextval('{table}_number');
ALTER SEQUENCE {table}_number OWNED BY {table}.id
"""

INDEXES = """
ALTER TABLE page ADD PRIMARY KEY (id, polled_at);
CREATE INDEX page_of_instance ON page (instance_id, id);
ALTER TABLE event ADD PRIMARY KEY (id, polled_at);
CREATE INDEX event_of_instance ON event (instance_id, sequence);
CREATE INDEX event_of_notification ON event (notification_id);
CREATE INDEX event_object ON event USING hash (object_id);
CREATE INDEX event_recent ON event (polled_at, instance_id, sequence);
ALTER TABLE notification ADD PRIMARY KEY (id, created_at);
CREATE INDEX notification_pending ON notification (instance_id, lane_order) WHERE state = 'pending';
CREATE INDEX notification_of_page ON notification (page_id) WHERE state = 'pending';
CREATE INDEX notification_of_instance ON notification (instance_id, id);
CREATE INDEX notification_dead ON notification (instance_id, id) WHERE state = 'dead';
ALTER TABLE attempt ADD PRIMARY KEY (notification_id, replay_id, number, started_at)
"""

REST = """
CREATE TABLE {table}_rest PARTITION OF {table} DEFAULT
"""

# What a clock that was ahead has dated in the future goes to the rest.
KEEP = """
INSERT INTO {table}_rest SELECT * FROM {table}_before WHERE {time} >= '{end}';
DELETE FROM {table}_before WHERE {time} >= '{end}';
ALTER TABLE {table} ATTACH PARTITION {table}_before FOR VALUES FROM (MINVALUE) TO ('{end}')
"""

# The index of a partition is called as that of the whole, and the partition.
NAME_INDEXES = """
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN SELECT part.oid::regclass AS name, whole.relname AS whole, substr(owner.relname, length('{table}') + 1)
                FROM pg_inherits JOIN pg_class AS part ON part.oid = inhrelid
                JOIN pg_class AS whole ON whole.oid = inhparent
                JOIN pg_index ON indexrelid = inhrelid JOIN pg_class AS owner ON owner.oid = indrelid
                WHERE whole.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = '{table}'::regclass) LOOP
        EXECUTE format('ALTER INDEX %s RENAME TO %I', each.name, each.whole || each.substr);
    END LOOP;
END
$$
"""

# The row of the poll is locked whenever its memory is written.
MEMORY = """
ALTER TABLE object_memory DROP CONSTRAINT object_memory_poll_id_fkey
"""

EVENTS = """
ALTER TABLE notification ADD COLUMN events bytea;
COMMENT ON COLUMN notification.events IS
    'what its events say, as JSON (store/notifications.py), to be sent without reading them; null: made before that was'
"""


def upgrade() -> None:
    for table, time in TIMES.items():
        _run(SET_ASIDE.format(table=table), whole=True)
        _run(MAKE_TABLE.format(table=table, time=time))
    for table in ("page", "notification"):
        _run(MAKE_NUMBERS.format(table=table))
    _run(INDEXES)
    end = op.get_bind().scalar(text("SELECT date_trunc('day', now(), 'UTC') + interval '1 day'"))
    is_new = op.get_bind().scalar(text("SELECT NOT EXISTS (SELECT FROM page_before)"))
    for table, time in TIMES.items():
        _run(REST.format(table=table))
        _run(f"DROP TABLE {table}_before" if is_new else KEEP.format(table=table, time=time, end=end))
        _run(NAME_INDEXES.format(table=table), whole=True)
    _run(EVENTS)
    _run(MEMORY)


def downgrade() -> None:
    message = "tables in partitions cannot be made whole again: restore a backup instead"
    raise NotImplementedError(message)


def _run(statements: str, *, whole: bool = False) -> None:
    for statement in [statements] if whole else statements.split(";\n"):
        if statement.strip():
            op.execute(statement.replace(":", r"\:"))
