"""What is due: how the tick takes rows of polls and of lanes, what becomes of those missed, and how polls end."""

from __future__ import annotations

FEW_MISSED = 100
"""Of fewer missed polls than this nobody takes notice: they are handed out at once."""

DELAY_GROWTH = 10
"""By how many times what it is overdue already a poll is put off, where many were missed: so catching up adds a tenth
to the polls of a second, however many they were."""

# Those just due and those overdue are two ranges of one index: however many are overdue, the others are found at once.
# Given as an array the ids are looked up one by one, whatever the planner thinks of the limit.
CLAIM_POLLS = f"""
WITH due AS (
    SELECT id, next_poll_at FROM instance WHERE next_poll_at > $2 AND next_poll_at <= $1
    ORDER BY next_poll_at LIMIT $5 FOR UPDATE SKIP LOCKED
), overdue AS (
    SELECT id, next_poll_at FROM instance WHERE next_poll_at <= $2
    ORDER BY next_poll_at LIMIT $5 FOR UPDATE SKIP LOCKED
), found AS (
    SELECT id, next_poll_at,
           next_poll_at > $3 OR (SELECT count(*) FROM overdue WHERE next_poll_at <= $3) < {FEW_MISSED} AS taken
    FROM (SELECT * FROM due UNION ALL SELECT * FROM overdue) AS either
)
UPDATE instance SET next_poll_at = CASE WHEN taken THEN $4 ELSE least(
    $1 + {DELAY_GROWTH} * ($1 - found.next_poll_at),
    found.next_poll_at + make_interval(secs => interval_seconds
        * (1 + floor(extract(epoch FROM $1 - found.next_poll_at)::float8 / interval_seconds)))) END
FROM found WHERE instance.id = found.id AND instance.id = ANY(ARRAY(SELECT id FROM found))
RETURNING instance.id, found.next_poll_at, found.taken
"""

# Those that others have in hand are left: their poll ends just now, and many of them at once, in another order.
KEEP_CLAIMS = """
UPDATE instance SET next_poll_at = $3
WHERE id IN (SELECT id FROM instance WHERE id = ANY($1) AND next_poll_at > $2 AND next_poll_at < $3
             ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)
"""

# What was asked for while the poll ran (by hand, a resumption, a change) may have come too late for it: once more, if
# whoever asked found that it is polled at all. The row itself tells that: who waited for it has others as they were.
# The calls count all the same, but where another authorisation has begun to count anew.
FINISH = """
UPDATE instance SET next_poll_at = CASE WHEN instance.disabled OR NOT instance.valid THEN NULL
           WHEN instance.wishes = done.wishes THEN done.next
           WHEN instance.next_poll_at IS NOT NULL THEN now() END,
       last_poll_at = done.polled, last_success_at = CASE WHEN done.good THEN done.polled ELSE last_success_at END,
       throttled_until = CASE WHEN done.waited THEN throttled_until ELSE done.throttled END,
       quota = CASE WHEN instance.wishes = done.wishes OR instance.quota IS NOT NULL
               THEN coalesce(done.quota, instance.quota) END
FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::boolean[], $5::timestamptz[], $6::jsonb[],
            $7::integer[], $8::boolean[]) AS done (id, polled, next, good, throttled, quota, wishes, waited)
WHERE instance.id = done.id
"""

# Who asks for a poll amid one (by hand, by a new authorisation, by a change) has all of it read: nothing that ends then
# waits for its time. The instance is held before its resource, as by whoever asks: not its wishes of the moment before
# count.
AMID = (
    "(SELECT wishes = $2 AS unasked, last_poll_at AS polled_at FROM instance WHERE id = $1 FOR SHARE) AS poll"
)

# Once it has failed so often in a row that it is given up ($7), it is not read again until somebody resumes it. The
# first failure keeps when it was last read, which no success writes but the first after failures or a resumption: with
# each poll since then.
RECORD_FAILURE = f"""
UPDATE resource_poll SET failures = failures + 1, last_error = $5, last_error_at = $6,
       last_success_at = CASE WHEN failures = 0 AND watermark IS NOT NULL
                                   AND (last_error_at IS NULL OR last_success_at > last_error_at)
                              THEN greatest(last_success_at, polled_at) ELSE last_success_at END,
       retry_at = CASE WHEN unasked THEN $4::timestamptz END,
       disabled_at = CASE WHEN $7 AND unasked AND disabled_at IS NULL THEN $6 ELSE disabled_at END
FROM {AMID} WHERE id = $3 AND configuration = $8
RETURNING instance_id, resource, failures, coalesce(disabled_at = $6, false) AS given_up
"""

PAUSE = f"""
UPDATE resource_poll SET remark = $5, retry_at = CASE WHEN unasked THEN $4::timestamptz END,
       last_success_at = coalesce($6, last_success_at),
       failures = CASE WHEN $6::timestamptz IS NULL THEN failures ELSE 0 END,
       last_error = CASE WHEN $6::timestamptz IS NULL THEN last_error END
FROM {AMID} WHERE id = $3
"""

# As with polls, those just due are found at once, however many are overdue. All are work that must be done.
CLAIM_DUE_LANES = """
WITH due AS (
    SELECT instance_id FROM endpoint WHERE due_at > $2 AND due_at <= $1 AND state = 'active'
    ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED
), overdue AS (
    SELECT instance_id FROM endpoint WHERE due_at <= $2 AND state = 'active'
    ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED
)
UPDATE endpoint SET due_at = $3
WHERE instance_id = ANY(ARRAY(SELECT instance_id FROM due UNION ALL SELECT instance_id FROM overdue))
RETURNING instance_id, (SELECT disabled FROM instance WHERE id = instance_id) AS disabled
"""

# What was committed or given back in the moment of the disabling is due all the same. Enabling sets another time: who
# comes after it finds that, or an instance that is enabled.
REST_LANES = """
UPDATE endpoint SET due_at = NULL
WHERE instance_id IN (SELECT instance_id FROM endpoint JOIN instance ON instance.id = instance_id
                      WHERE instance_id = ANY($1) AND due_at = $2 AND disabled
                      ORDER BY instance_id FOR UPDATE OF endpoint SKIP LOCKED)
RETURNING instance_id
"""
