"""No hot statement reads a table whole when there are a million instances: each uses its index."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from signalpost.model.delivery import Attempt, Outcome
from signalpost.model.event import Remembered
from signalpost.model.ids import WorkerId
from signalpost.model.instance import ResourcePoll
from signalpost.polling.scheduler import Scheduler
from signalpost.store.counts import Counts
from signalpost.store.database import open_pool
from signalpost.store.deliveries import AttemptRecord, Deliveries, Release
from signalpost.store.event_log import EventLog
from signalpost.store.events import Events
from signalpost.store.memory import Memory, drop_oldest
from signalpost.store.notices import Notices
from signalpost.store.partitions import TIMES, Partitions
from signalpost.store.polls import FinishedPoll, Polls
from signalpost.store.queue import Queue
from signalpost.store.replays import ReplayKind, ReplayRelease, Replays
from signalpost.store.retention import Retention
from signalpost.store.vault import Vault
from signalpost.store.views.recent import LogSearch, Recent
from signalpost.store.waiting import Waiting
from signalpost.store.workers import Workers
from tests.store.history import KEY, Past, make_past
from tests.store.plans import Plan, Statement, explain, explain_kept, seed, watch

MOST_COST = 5000
"""By PostgreSQL's estimate. To read a million rows costs 10,000 at least, of an index alone half as much."""
MOST_COST_OF_COUNTING = 15_000
"""Once a minute, not at each poll: instances that may be stale are looked up one by one."""


@dataclass
class Ground:
    """A database that believes in a million instances, one of which has a past."""

    pool: Any
    past: Past
    poll: ResourcePoll
    now: datetime
    vault: Vault
    worker_id: WorkerId

    @property
    def deliveries(self) -> Deliveries:
        return Deliveries(self.pool, self.vault, self.worker_id, lease_seconds=15)

    @property
    def replays(self) -> Replays:
        return Replays(self.pool, self.vault, self.worker_id, lease_seconds=15)

    @property
    def polls(self) -> Polls:
        return Polls(self.pool, self.vault)

    @property
    def waiting(self) -> Waiting:
        return Waiting(self.pool, self.worker_id)


@asynccontextmanager
async def open_ground(database: dict[str, Any]) -> AsyncIterator[Ground]:
    async with await open_pool(database, size=1) as pool:
        past = await make_past(pool)
        row = await pool.fetchrow("SELECT id, configuration FROM resource_poll WHERE id = $1", past.poll_id)
        poll = ResourcePoll(row["id"], "events", row["configuration"], None, 0)
        yield Ground(pool, past, poll, datetime.now(UTC), Vault([KEY]), WorkerId(uuid4()))


Act = Callable[[Ground], Awaitable[None]]


async def tick(ground: Ground) -> None:
    scheduler = Scheduler(
        ground.polls, ground.deliveries, ground.replays, Queue(ground.pool), lambda: ground.now
    )
    await scheduler.tick()
    await scheduler.tick()  # now all have a job, and are given back


async def poll(ground: Ground) -> None:
    polls, instance_id = ground.polls, ground.past.instance_id
    state = await polls.load(instance_id)
    await polls.finish(FinishedPoll(instance_id, ground.now, ground.now, succeeded=True))
    await polls.record_pause(state, ground.poll, "spent", resumes_at=ground.now, read_at=None)
    await polls.record_recovery(ground.poll, ground.now, None)
    await polls.record_failure(
        state, ground.poll, "broken", now=ground.now, retry_at=ground.now, disable=False
    )
    await polls.release(instance_id, ground.now)


async def commit(ground: Ground) -> None:
    await Events(ground.pool).find_stored([uuid4() for _ in range(100)])
    await ground.past.commit(ground.now, [str(each) for each in range(100)])


async def remember(ground: Ground) -> None:
    names = [str(each) for each in range(100)]
    await Memory(ground.pool).recall(ground.poll.id, names)
    objects = [Remembered(name, "file", "", None, ground.now) for name in names]
    await ground.past.commit(ground.now, [], remembered=objects, forgotten=["gone"])
    await drop_oldest(ground.pool, ground.poll.id, 100, 20)


async def deliver(ground: Ground) -> None:
    await ground.past.commit(ground.now, [str(each) for each in range(100)])
    instance_id, deliveries = ground.past.instance_id, ground.deliveries
    await deliveries.claim(instance_id)
    found = await ground.waiting.load_pending(instance_id, after_order=0, limit=50)
    await ground.waiting.load_due(instance_id, after_order=0, limit=50, now=ground.now)
    await ground.waiting.find_next_attempt(instance_id)
    attempt = Attempt(found[0].id, 1, ground.now, 40, 200, None, None)
    await deliveries.record(
        AttemptRecord(instance_id, 0, found[0].created_at, 0, attempt, Outcome.DELIVERED, False, None)
    )
    release = Release(instance_id, 0, 0, None, deactivate=False, held=False, error=None)
    await deliveries.release(release)


async def replay(ground: Ground) -> None:
    instance_id = ground.past.instance_id
    replay_id = await ground.pool.fetchval(
        "INSERT INTO replay (instance_id, kind, first_id, last_id, position, due_at, next_attempt_at, created_at)"
        " VALUES ($1, 'range', 1, 2000000000, 0, $2, $2, $2) RETURNING id",
        instance_id,
        ground.now,
    )
    lane = await ground.replays.claim(replay_id)
    await ground.replays.load_next(lane, after_id=0, limit=50)
    await ground.replays.load_next(replace(lane, kind=ReplayKind.FAILED), after_id=0, limit=50)
    await ground.replays.release(lane, ReplayRelease(next_at=ground.now))


async def tidy(ground: Ground) -> None:
    await Retention(ground.pool, retention_days=7, most_waiting=1000).tidy(ground.now)
    await Queue(ground.pool).trim_log()


async def look(ground: Ground) -> None:
    organization = ground.past.organization_id
    recent = Recent(ground.pool)
    await recent.list_events(organization, LogSearch(), before=None, limit=50)
    await recent.list_events(
        organization, LogSearch(instance_id=ground.past.instance_id), before=None, limit=50
    )
    await EventLog(ground.pool).list_events(organization, instance_id=ground.past.instance_id, limit=100)


async def live(ground: Ground) -> None:
    workers = Workers(ground.pool)
    await workers.beat(ground.worker_id, 10.0)
    await workers.forget_old()
    await workers.leave(ground.worker_id)


async def notice(ground: Ground) -> None:
    await Notices(ground.pool, ground.vault).claim_due(
        ground.now, until=ground.now + timedelta(seconds=90), limit=20
    )


async def count(ground: Ground) -> None:
    await Counts(ground.pool, lease_seconds=15).count()


STATEMENTS: dict[Act, set[str]] = {
    tick: {"instance_due", "endpoint_due", "replay_due", "instance_pkey"},
    poll: {"instance_pkey", "credential_pkey", "endpoint_pkey", "resource_poll_pkey", "resource_poll_id_key"},
    commit: {"event_pkey", "resource_poll_id_key", "endpoint_pkey"},
    remember: {"object_memory_pkey"},
    deliver: {"notification_pending", "notification_pkey", "page_pkey", "endpoint_pkey", "instance_pkey"},
    replay: {"replay_pkey", "notification_of_instance", "notification_dead"},
    tidy: {
        "page_pkey",
        "event_recent",
        "attempt_pkey",
        "gap_pkey",
        "event_hour_pkey",
        "notification_pending",
    },
    look: {"event_recent", "event_of_instance", "notification_pkey"},
    live: {"endpoint_leased"},
    notice: {"operation_notice_due"},
    count: {"instance_due", "resource_poll_disabled", "resource_poll_failing", "endpoint_failing"},
}
"""What is done, and indexes that it cannot do without."""


@pytest.fixture(scope="module")
def large(postgres):
    """Give connect arguments of a database with a million instances, as PostgreSQL believes."""
    stack = AsyncExitStack()
    with asyncio.Runner() as runner:

        async def prepare() -> dict[str, Any]:
            arguments = await stack.enter_async_context(postgres.open_database(like="migrated"))
            async with await open_pool(arguments, size=1) as pool:
                await seed(pool)
            return arguments

        yield runner.run(prepare())
        runner.run(stack.aclose())


async def list_statements(ground: Ground, act: Act) -> list[Statement]:
    """Do it, and give each statement that was sent for it, once."""
    async with watch(ground.pool) as sent:
        await act(ground)
    return list({each.text: each for each in sent}.values())


def check(plans: Sequence[Plan], needed: set[str], most_cost: float = MOST_COST) -> None:
    for plan in plans:
        assert not plan.read_whole, f"{plan.read_whole} would be read whole by {plan.text}"
        assert plan.cost <= most_cost, f"{plan.cost:,.0f} is too much for {plan.text}"
    used = {index for plan in plans for index in plan.indexes}
    missing = {name for name in needed if not any(each.startswith(name) for each in used)}
    assert not missing, f"{missing} are not used, only {used}"


@pytest.mark.parametrize("act", STATEMENTS, ids=lambda act: act.__name__)
async def test_hot_statements_use_their_indexes(large, act):
    async with open_ground(large) as ground:
        statements = await list_statements(ground, act)
        most_cost = MOST_COST_OF_COUNTING if act is count else MOST_COST
        check([await explain(ground.pool, each) for each in statements], STATEMENTS[act], most_cost)


@pytest.mark.parametrize("act", STATEMENTS, ids=lambda act: act.__name__)
async def test_what_comes_as_a_list_is_not_compared_with_each_of_another(large, act):
    """A plan is kept before anybody knows how long the lists will be: PostgreSQL takes them for short ones."""
    async with open_ground(large) as ground:
        for statement in await list_statements(ground, act):
            plan = await explain_kept(ground.pool, statement)
            assert not plan.compared, f"{plan.compared} for each two rows by {plan.text}"


@pytest.mark.parametrize(
    ("act", "index"),
    [
        (tick, "INDEX instance_due"),
        (tick, "INDEX endpoint_due"),
        (deliver, "INDEX notification_pending"),
        (look, "INDEX event_recent"),
        (live, "INDEX endpoint_leased"),
        (commit, "TABLE event DROP CONSTRAINT event_pkey"),
    ],
)
async def test_it_is_told_when_an_index_is_gone(large, act, index):
    async with open_ground(large) as ground:
        sent = await list_statements(ground, act)
        async with ground.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(f"ALTER {index}" if index.startswith("TABLE") else f"DROP {index}")
            plans = [await explain(connection, each) for each in sent]
            await transaction.rollback()
    with pytest.raises(AssertionError):
        check(plans, STATEMENTS[act])


@pytest.mark.parametrize("act", [commit, deliver, replay], ids=lambda act: act.__name__)
async def test_a_plan_that_was_made_while_a_partition_was_empty_is_good_when_it_is_full(database, act):
    """Plans are kept with their statements: one that reads a new, small partition whole would do so all day."""
    async with open_ground(database) as ground:
        await Partitions(ground.pool, kept=timedelta(days=7)).make_ahead(ground.now)
        statements = await list_statements(ground, act)
        plans = [await explain_kept(ground.pool, each) for each in statements]
        for _ in range(30):  # nobody has counted these rows
            await ground.past.commit(ground.now, [str(each) for each in range(100)])
        plans += [await explain(ground.pool, each, all_large=True) for each in statements]
        for plan in plans:
            read_whole = {name for name in plan.read_whole if name.startswith(tuple(TIMES))}
            assert not read_whole, f"{read_whole} would be read whole by {plan.text}"
