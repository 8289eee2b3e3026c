"""The troubles that the fault harness makes besides the steps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.faults import meddling
from tests.faults import troubles_database as database
from tests.faults import troubles_workers as workers
from tests.faults.ground import Ground
from tests.faults.load import Title
from tests.faults.results import Result

Run = Callable[[Ground, Title], Awaitable[Result]]

TROUBLES: dict[str, tuple[Title, Run]] = {
    name: (Title(name, what), run)
    for name, what, run in (
        ("worker-stopped", "a worker is stopped (SIGSTOP) for two minutes and continued", workers.pause_long),
        ("worker-paused", "the same for six seconds, with a lease of two", workers.pause_shortly),
        ("killed-often", "`serve` is killed ten times, at random moments", workers.kill_often),
        ("worker-killed", "a worker is killed amid an attempt of each lane", workers.kill_with_lanes_in_hand),
        ("rolling-restart", "`api` and two `worker`s are restarted in turn, twice", workers.restart_in_turn),
        ("two-serves", "two `serve` on one database, one of them killed three times", workers.run_two),
        (
            "users-meddle",
            "users pause, change, authorise, rotate keys and replay; the provider and callbacks fail; two `serve` are killed",
            meddling.meddle_and_kill,
        ),
        ("database-restarted", "your own PostgreSQL is restarted three times", database.restart_server),
        ("database-killed", "your own PostgreSQL is killed three times", database.kill_server),
        ("embedded-stopped", "the embedded PostgreSQL is stopped three times", database.stop_embedded),
        ("embedded-killed", "the embedded PostgreSQL is killed three times", database.kill_embedded),
        ("connections-cut", "all connections to the database are ended ten times", database.cut_off),
        ("queue-truncated", "the queue's tables are emptied forty times", database.truncate_queue),
        ("disk-full", "the database's disk is full: statements fail", database.fill_disk),
        ("clock-jumps", "the clock jumps an hour forth, back, back and forth", database.jump_clock),
        ("clock-ahead", "the clock is an hour ahead of the database's", database.run_ahead),
        ("clock-behind", "the clock is an hour behind the database's", database.run_behind),
    )
}


async def run_trouble(ground: Ground, name: str) -> Result:
    """Make a trouble."""
    title, run = TROUBLES[name]
    return await run(ground, title)
