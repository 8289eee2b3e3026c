"""A scheduler on real rows, by a simulated clock, and polls that begin when they are handed out and end at once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
from cryptography.fernet import Fernet

from signalpost.model.ids import InstanceId, WorkerId
from signalpost.polling.grid import next_on_grid
from signalpost.polling.scheduler import TICK_SECONDS, Scheduler
from signalpost.store.deliveries import Deliveries
from signalpost.store.polls import FinishedPoll, Polls
from signalpost.store.queue import DELIVER, HANDFUL, POLL, Queue, read_id, read_polls
from signalpost.store.replays import Replays
from signalpost.store.vault import Vault

START = datetime(2026, 1, 1, tzinfo=UTC)
SHORTEST_SECONDS, LONGEST_SECONDS = 300, 3600
MORE_SOON_SECONDS = 0.05
TRIM_SECONDS = 15
BIG = 1
"""The organization that has half of all instances."""

ORGANIZATIONS = """
INSERT INTO organization (id, name) OVERRIDING SYSTEM VALUE
SELECT each, 'Bench ' || each FROM generate_series(1, $1) AS each
"""
MEMBERS = "INSERT INTO member (organization_id, email) SELECT id, 'bench@example.com' FROM organization"
INSTANCES = """
INSERT INTO instance (id, organization_id, user_id, connector, name, tags, configuration, secrets, token_hash,
                      account_id, account_label, interval_seconds, next_poll_at) OVERRIDING SYSTEM VALUE
SELECT seeded.id, organization_id, member.id, 'egnyte', 'Bench ' || seeded.id, '{}',
       '{"subdomain": "acme", "event.notification.enabled": "true"}',
       decode(repeat(md5(seeded.id::text), 12), 'hex'), sha256(seeded.id::text::bytea), 'account', 'account',
       interval_seconds, next_poll_at
FROM seeded JOIN member USING (organization_id) ORDER BY seeded.id
"""
ENDPOINTS = (
    "INSERT INTO endpoint (instance_id, url) SELECT id, 'https://example.com/' || id FROM seeded ORDER BY id"
)

TAKE_JOBS = """
DELETE FROM pgqueuer WHERE id = ANY(ARRAY(
    SELECT id FROM pgqueuer WHERE entrypoint = $1 AND status = 'queued' ORDER BY priority DESC, id LIMIT $2))
RETURNING payload
"""


@dataclass(slots=True)
class Simulation:
    """A scheduler, the time, and what has come of it: by simulated second, the polls that began."""

    pool: asyncpg.Pool
    polls: Polls
    queue: Queue
    intervals: Mapping[InstanceId, float]
    organizations: Mapping[InstanceId, int]
    now: datetime = START
    ticks: list[float] = field(default_factory=list)
    begun: Counter[int] = field(default_factory=Counter)
    waits: dict[InstanceId, float] = field(default_factory=dict)
    scheduler: Scheduler = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget what was measured, and all that a process knows."""
        vault = Vault([Fernet.generate_key().decode()])
        worker_id = WorkerId(uuid4())
        self.scheduler = Scheduler(
            self.polls,
            Deliveries(self.pool, vault, worker_id, lease_seconds=15),
            Replays(self.pool, vault, worker_id, lease_seconds=15),
            self.queue,
            lambda: self.now,
        )
        self.ticks, self.begun, self.waits = [], Counter(), {}

    async def run(self, seconds: float, *, most_a_second: int = 1_000_000) -> None:
        """Tick for so long, as the runtime does; workers begin at most so many polls, and lanes, a second."""
        began_at, spare = self.now, 0.0
        trimmed_at = self.now
        while self.now - began_at < timedelta(seconds=seconds):
            began = time.perf_counter()
            more = await self.scheduler.tick()
            took_seconds = time.perf_counter() - began
            self.ticks.append(took_seconds)
            passed_seconds = took_seconds + (MORE_SOON_SECONDS if more else TICK_SECONDS)
            spare = min(spare, 1.0) + passed_seconds * most_a_second
            await self._poll(int(spare))
            await self._deliver(int(spare))
            spare -= int(spare)
            self.now += timedelta(seconds=passed_seconds)
            if self.now - trimmed_at > timedelta(seconds=TRIM_SECONDS):
                await self.queue.trim_log()
                trimmed_at = self.now

    async def _poll(self, most: int) -> None:
        ids = await self._take(POLL, most)
        finished = [
            FinishedPoll(each, self.now, next_on_grid(each, self.intervals[each], self.now), succeeded=True)
            for each in ids
        ]
        await asyncio.gather(*(self.polls.finish(each) for each in finished))
        self.begun[int((self.now - START).total_seconds())] += len(ids)

    async def _deliver(self, most: int) -> None:
        ids = await self._take(DELIVER, most)
        if ids:
            await self.pool.execute("UPDATE endpoint SET due_at = NULL WHERE instance_id = ANY($1)", ids)

    async def _take(self, kind: str, most: int) -> list[InstanceId]:
        few = most if kind != POLL else -(-most // HANDFUL)
        rows = await self.pool.fetch(TAKE_JOBS, kind, few)
        if kind != POLL:
            return [read_id(row["payload"]) for row in rows]
        due = {each: at for row in rows for each, at in read_polls(row["payload"], self.now).items()}
        for instance_id, due_at in due.items():
            self.waits[instance_id] = (self.now - due_at).total_seconds()
        return list(due)

    def rate(self) -> float:
        """Give the polls a second that the intervals ask for."""
        return sum(1 / each for each in self.intervals.values())

    def list_small_waits(self) -> list[float]:
        """Give how long polls of all but the big organization waited."""
        return [wait for each, wait in self.waits.items() if self.organizations[each] != BIG]


async def seed(pool: asyncpg.Pool, count: int) -> tuple[dict[InstanceId, float], dict[InstanceId, int]]:
    """Write the instances, each with its next time by its interval; give intervals and organizations."""
    organizations = max(2, count // 100)
    intervals: dict[InstanceId, float] = {}
    owners: dict[InstanceId, int] = {}
    for number in range(1, count + 1):
        spread = number * 7919 % 10_007 / 10_007
        each = InstanceId(number)
        intervals[each] = float(SHORTEST_SECONDS + int(spread * (LONGEST_SECONDS - SHORTEST_SECONDS)))
        owners[each] = BIG if number % 2 else 2 + int((organizations - 2) * (number / count) ** 3)
    rows = [
        (each, owners[each], intervals[each], next_on_grid(each, intervals[each], START))
        for each in intervals
    ]
    async with pool.acquire() as connection:
        await connection.execute(ORGANIZATIONS, organizations)
        await connection.execute(MEMBERS)
        await connection.execute(
            "CREATE TEMP TABLE seeded"
            " (id bigint, organization_id bigint, interval_seconds float8, next_poll_at timestamptz)"
        )
        await connection.copy_records_to_table("seeded", records=rows)
        await connection.execute("ANALYZE seeded")
        await connection.execute(INSTANCES, timeout=600)
        await connection.execute(ENDPOINTS, timeout=600)
        await connection.execute("VACUUM ANALYZE", timeout=600)
    return intervals, owners
