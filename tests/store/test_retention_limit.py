"""No more than a limit waits for an endpoint: the oldest are given up, and that is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from asyncpg import CheckViolationError

from signalpost.model.delivery import Attempt, Outcome
from signalpost.model.ids import NotificationId, WorkerId
from signalpost.store import backlog
from signalpost.store.deliveries import AttemptRecord, Deliveries
from signalpost.store.retention import Retention
from signalpost.store.vault import Vault
from signalpost.store.workers import Workers
from tests.store.history import KEY, make_past

NOW = datetime(2026, 3, 10, tzinfo=UTC)
FAILS = "failing_since = now()"
HARDSHIPS = [None, FAILS, "state = 'deactivated'", "url = NULL"]


async def make_waiting(pool, number, trouble=FAILS, **options):
    """An instance for whose endpoint notifications wait, one event each."""
    past = await make_past(pool, **options)
    for place in range(number):
        await past.commit(NOW, [f"o{place}"])
    if trouble:
        await pool.execute(f"UPDATE endpoint SET {trouble} WHERE instance_id = $1", past.instance_id)
    return past


async def states(pool, past):
    rows = await pool.fetch(
        "SELECT state FROM notification WHERE instance_id = $1 ORDER BY id", past.instance_id
    )
    return [row["state"] for row in rows]


class Limited(Retention):
    def __init__(self, pool, **given):
        self.given_up = []
        super().__init__(pool, retention_days=7, note_cancelled=self.given_up.append, **given)


def limit(pool, most, monotonic=lambda: 0.0):
    return Limited(pool, most_waiting=most, monotonic=monotonic)


async def give_up(limited):
    """Tidy, and give how many were given up."""
    before = sum(limited.given_up)
    await limited.tidy(NOW)
    return sum(limited.given_up) - before


@pytest.mark.parametrize("trouble", HARDSHIPS)
async def test_the_oldest_beyond_the_limit_are_given_up_and_told(pool, trouble):
    past = await make_waiting(pool, 10, trouble, operations=True)
    assert await give_up(limit(pool, 7)) == 3
    assert await states(pool, past) == ["cancelled"] * 3 + ["pending"] * 7
    gap = dict(await pool.fetchrow("SELECT * FROM gap"))
    assert (gap["resource"], gap["sequence"], gap["detected_at"]) == ("events", 1, NOW)
    assert (gap["from_watermark"], gap["to_watermark"]) == ({"sequence": 1}, {"sequence": 3})
    assert "more than 7 notifications" in gap["reason"]
    assert "3 of events with 3 events (sequence 1 to 3)" in gap["reason"]
    notice = await pool.fetchrow("SELECT * FROM operation_notice")
    assert notice["kind"] == "backlog.cancelled"
    assert notice["body"]["message"] == gap["reason"]
    assert notice["body"]["sequence"] == 1


async def test_at_the_limit_nothing_is_given_up(pool):
    past = await make_waiting(pool, 10)
    # What was delivered before does not count, though the numbers of the lane went on.
    await pool.execute("UPDATE notification SET state = 'delivered' WHERE lane_order BETWEEN 2 AND 6")
    assert await give_up(limit(pool, 5)) == 0
    assert await give_up(limit(pool, 4)) == 1
    assert (await states(pool, past))[0] == "cancelled"
    assert await pool.fetchval("SELECT count(*) FROM gap") == 1


async def test_every_lane_has_its_turn(pool, monkeypatch):
    monkeypatch.setattr(backlog, "LANES", 2)
    pasts = [await make_waiting(pool, 3) for _ in range(5)]
    seconds = [0.0]
    tidier = limit(pool, 2, lambda: seconds[0])
    assert [await give_up(tidier) for _ in range(4)] == [2, 2, 1, 0]
    await pasts[0].commit(NOW, ["o"])
    assert await give_up(tidier) == 0
    seconds[0] += backlog.LOOK_SECONDS
    assert await give_up(tidier) == 1


async def test_many_are_given_up_in_several_transactions(pool, monkeypatch):
    monkeypatch.setattr(backlog, "MOST_CANCELLED", 4)
    past = await make_waiting(pool, 12)
    assert await give_up(limit(pool, 2)) == 10
    assert await states(pool, past) == ["cancelled"] * 10 + ["pending"] * 2
    sequences = await pool.fetch("SELECT sequence, to_watermark FROM gap ORDER BY id")
    assert [(row[0], row[1]["sequence"]) for row in sequences] == [(1, 4), (5, 8), (9, 10)]


async def test_what_is_being_sent_stays_given_up(pool):
    past = await make_waiting(pool, 3)
    worker_id = WorkerId(uuid4())
    await Workers(pool).beat(worker_id, 10.0)
    deliveries = Deliveries(pool, Vault([KEY]), worker_id, lease_seconds=10)
    assert await deliveries.claim(past.instance_id)
    assert await give_up(limit(pool, 2)) == 1
    first = await pool.fetchval("SELECT min(id) FROM notification")
    attempt = Attempt(NotificationId(first), 1, NOW, 5, 200, None, None)
    await deliveries.record(
        AttemptRecord(
            instance_id=past.instance_id,
            generation=0,
            made_at=NOW,
            known_failures=0,
            attempt=attempt,
            outcome=Outcome.DELIVERED,
            refused=False,
            next_attempt_at=None,
        )
    )
    assert await states(pool, past) == ["cancelled", "pending", "pending"]


async def test_what_was_given_up_and_removed_while_it_is_sent_disturbs_no_other_lane(pool):
    given_up, other = await make_waiting(pool, 3), await make_waiting(pool, 1)
    worker_id = WorkerId(uuid4())
    await Workers(pool).beat(worker_id, 10.0)
    deliveries = Deliveries(pool, Vault([KEY]), worker_id, lease_seconds=10)
    first, last = await pool.fetchrow("SELECT min(id), max(id) FROM notification")
    for past in (given_up, other):
        assert await deliveries.claim(past.instance_id)
    assert (await limit(pool, 2).tidy(NOW + timedelta(days=8))).pages == 1
    told = [
        deliveries.record(
            AttemptRecord(
                instance_id=past.instance_id,
                generation=0,
                made_at=NOW,
                known_failures=0,
                attempt=Attempt(NotificationId(each), 1, NOW, 5, 200, None, None),
                outcome=Outcome.DELIVERED,
                refused=False,
                next_attempt_at=None,
            )
        )
        for past, each in ((given_up, first), (other, last))
    ]
    assert [await each for each in told] == [True, True]
    assert await states(pool, given_up) == ["pending", "pending"]
    assert await states(pool, other) == ["delivered"]


async def test_what_was_given_up_goes_by_its_age(pool):
    past = await make_waiting(pool, 3)
    seconds = [0.0]
    tidier = limit(pool, 2, lambda: seconds[0])
    assert (await tidier.tidy(NOW)).pages == 0
    seconds[0] += 3600
    assert (await tidier.tidy(NOW + timedelta(days=8))).pages == 1
    assert await states(pool, past) == ["pending", "pending"]


async def test_what_was_given_up_is_counted_whatever_fails_after_it(pool, monkeypatch):
    monkeypatch.setattr(backlog, "MOST_CANCELLED", 2)
    pasts = [await make_waiting(pool, 5), await make_waiting(pool, 9)]
    # The gap of the second part of the second lane cannot be written: its transaction is not made, those before are.
    await pool.execute(
        "ALTER TABLE gap ADD CHECK (sequence < 3 OR instance_id <> " + str(pasts[1].instance_id) + ")"
    )
    limited = limit(pool, 2)
    with pytest.raises(CheckViolationError):
        await limited.tidy(NOW)
    gone = [(await states(pool, past)).count("cancelled") for past in pasts]
    assert gone == [3, 2]
    assert sum(limited.given_up) == 5
