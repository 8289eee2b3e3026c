"""A worker that is told to stop gives back at once what it has: the rows say so, and another worker goes on."""

from __future__ import annotations

import asyncio
import signal

import asyncpg
import pytest

from signalpost.api.server import bind, serve_app
from signalpost.store.database import MIGRATION_LOCK
from tests.processes import STOP_SECONDS, find_servers, run, spawn
from tests.support import open_world, until, write_url

HELD = """
SELECT (SELECT count(*) FROM pgqueuer WHERE status = 'picked') AS picked,
       (SELECT count(*) FROM worker) AS workers,
       (SELECT count(*) FROM endpoint WHERE leased_by IS NOT NULL) AS leased,
       (SELECT count(*) FROM endpoint WHERE (due_at IS NULL OR due_at > now()) AND NOT EXISTS
          (SELECT FROM pgqueuer WHERE dedupe_key = 'deliver:' || instance_id)) AS lanes_later,
       (SELECT count(*) FROM instance WHERE (next_poll_at IS NULL OR next_poll_at > now()) AND NOT EXISTS
          (SELECT FROM pgqueuer WHERE dedupe_key = 'poll:' || id)) AS polls_later
"""
"""What the last tick claimed is due later, but is queued, for whoever is there."""
INSTANCES = 5


async def test_what_a_worker_has_in_hand_is_due_when_it_has_stopped(database, sandbox, monkeypatch):
    monkeypatch.setattr("signalpost.runtime.STOP_SECONDS", 0.5)
    monkeypatch.setattr("signalpost.runtime.LEAVE_SECONDS", 30)
    async with open_world(database, sandbox) as first:
        for _ in range(INSTANCES):
            instance = await first.connect()
            await first.wait_for_watermark(instance["id"])
        first.listener.delay_seconds = 60
        made = await first.change(10)
        await until(lambda: len(first.listener.received) == INSTANCES)
        latency = {"kind": "latency", "seconds": 60, "times": INSTANCES, "path": "/pubapi/v2/events"}
        await first.control("POST", "faults", latency)

        async def are_all_polled():
            return await first.control("GET", "faults") == {"faults": []}

        await until(are_all_polled)
        await first.service.runtime.stop()
        held = dict(await first.pool.fetchrow(HELD))
        assert held == dict.fromkeys(held, 0)
        first.listener.delay_seconds = 0
        async with open_world(database, sandbox, roles=frozenset({"poll", "deliver"})):
            await until(lambda: len({event["id"] for event in first.events()}) == INSTANCES * len(made))


async def test_jobs_that_were_taken_and_not_begun_are_queued_again(database, sandbox):
    async with open_world(database, sandbox, roles=frozenset({"deliver"})) as world:
        instance = await world.connect()
        await until(lambda: "deliver" in world.service.runtime._queue_managers)
        world.service.runtime._stopping.set()  # as if the stop came between the taking of a job and its beginning
        await world.service.runtime._parts.queue.enqueue_deliveries([instance["id"]])

        async def is_taken_and_queued_again():
            return await world.pool.fetchval("SELECT count(*) FROM pgqueuer WHERE attempts > 0") == 1

        await until(is_taken_and_queued_again)
        await world.service.runtime.stop()
        rows = await world.pool.fetch(
            "SELECT status, queue_manager_id FROM pgqueuer WHERE entrypoint = 'deliver'"
        )
        assert [tuple(row) for row in rows] == [("queued", None)]


async def test_what_a_failed_manager_left_is_queued_again(world):
    manager = world.service.runtime._queue_managers["poll"]
    queue = world.service.runtime._parts.queue
    await world.pool.execute(
        "INSERT INTO pgqueuer (priority, status, entrypoint, queue_manager_id, heartbeat)"
        " VALUES (0, 'picked', 'elsewhere', $1, now()), (0, 'picked', 'elsewhere', gen_random_uuid(), now())",
        manager.queue_manager_id,
    )
    await queue.give_back(manager.queue_manager_id)
    await asyncio.sleep(0)
    states = await world.pool.fetch("SELECT status FROM pgqueuer WHERE entrypoint = 'elsewhere' ORDER BY id")
    assert [row["status"] for row in states] == ["queued", "picked"]


async def test_a_start_that_waits_for_the_migration_of_another_is_stopped(ground, tmp_path):
    database = await ground.make_database()
    other = await asyncpg.connect(**database)
    await other.execute(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
    process = await spawn(["worker"], tmp_path / "log", {"database_url": write_url(database)})
    await until(lambda: "database.migrated_by_another" in (tmp_path / "log").read_text())
    for number in (signal.SIGTERM, signal.SIGINT):  # an impatient operator
        process.send_signal(number)
    assert await asyncio.wait_for(process.wait(), STOP_SECONDS) == 0
    await other.close()
    assert "Traceback" not in (tmp_path / "log").read_text()


async def test_a_first_start_that_is_stopped_leaves_a_directory_to_start_on(tmp_path):
    data = tmp_path / "data"
    command = ["--data-dir", str(data)]
    process = await spawn(["serve", "--port", "0", *command], tmp_path / "log")
    await until(lambda: list((data / "postgres.run").glob("new-*")))
    process.terminate()
    assert await asyncio.wait_for(process.wait(), STOP_SECONDS) == 0
    assert find_servers(data) == []
    assert "Traceback" not in (tmp_path / "log").read_text()
    status, said, logged = await run(["migrate", *command])
    assert (status, said) == (0, "the database is up to date\n")
    assert [line.split("]")[1].split()[0] for line in logged.splitlines()] == ["database.new"]


@pytest.mark.parametrize("path", ["/elements/api-v2/instances", "/setup/" + "a" * 43])
async def test_a_request_that_a_stop_cuts_off_may_be_sent_again(database, sandbox, monkeypatch, path):
    monkeypatch.setattr("signalpost.api.server.STOP_SECONDS", 1)
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with open_world(database, sandbox, roles=frozenset()) as world:
        serving = asyncio.create_task(
            serve_app(world.service.app, bind("127.0.0.1", 0), stop, ready.set_result)
        )
        url = await ready
        async with world.pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE organization, instance, member, invitation")
            headers = {**world.client.headers, "Accept": "application/json"}
            asking = asyncio.create_task(world.outside.get(f"{url}{path}", headers=headers))

            async def waits():
                query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
                return await connection.fetchval(query)

            await until(waits)
            stop.set()
            answer = await asking
        await serving
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["message"] == "this process stops; try again in a few seconds"
