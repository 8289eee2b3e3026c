"""When what waits is tried next: told only where it is tried by itself, by pages as by the API."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.store.history import make_past

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LANES = [
    ("UPDATE endpoint SET state = 'active'", True),
    ("UPDATE endpoint SET state = 'deactivated', deactivated_at = now()", False),
    ("UPDATE endpoint SET url = NULL", False),
    ("UPDATE instance SET disabled = true", False),
]


@pytest.mark.parametrize(("lane", "is_tried"), LANES)
async def test_the_next_try_is_told_only_where_there_is_one(quiet, enter, lane, is_tried):
    organization_id = await quiet.pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'")
    past = await make_past(quiet.pool, organization_id)
    await past.commit(NOW, ["a"])
    await quiet.pool.execute(
        "UPDATE notification SET failures = 3, attempts = 3, next_attempt_at = now() + interval '40 minutes'"
    )
    await quiet.pool.execute("UPDATE endpoint SET url = 'https://example.com/hook', failing_since = now()")
    await quiet.pool.execute(lane)
    browser = await enter(quiet)
    number = await quiet.pool.fetchval("SELECT id FROM notification")
    for path in ("/deliveries?state=pending", f"/deliveries/{number}"):
        _, _, waits = (await browser.read(path)).partition("Waiting</span>")
        assert ("next <time" in waits[:200]) == is_tried, path
    answer = await quiet.client.get(f"/instances/{past.instance_id}/deliveries")
    assert answer.status_code == 200, answer.text
    assert (answer.json()[0]["nextAttemptDate"] is not None) == is_tried
