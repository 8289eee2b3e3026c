"""A database that is put back to an older state: nothing that happens after is told as what the receiver knows."""

from __future__ import annotations

import re

import pytest

from signalpost.cli.listen import run_listener
from signalpost.store.restored import move_on
from tests.processes import run
from tests.store.restoring import read_command, run_command
from tests.support import open_world, until, write_url

GROUPS = {"groups": {"url": "/hubs/documents/groups", "idField": "id", "strategy": "snapshot"}}


@pytest.fixture
async def listener():
    async with run_listener(key="a signature key") as running:
        yield running


def list_events(listener):
    return [event for each in listener.received for event in each["body"]["message"]["events"]]


def list_names(listener):
    """The names by which receivers know what they were told: of events, of notifications, of instances."""
    return {
        *(event["id"] for event in list_events(listener)),
        *(each["headers"]["webhook-id"] for each in listener.received),
    }


async def rename(world, listener, group, name):
    told = len(list_events(listener))
    await world.control("POST", "records/groups", {"update": [{"id": group, "displayName": name}]})
    await until(lambda: len(list_events(listener)) == told + 1)


@pytest.mark.parametrize("by", ["the_page", "the_command"])
async def test_what_happens_after_a_restore_has_no_name_of_what_happened_since_the_backup(
    by, postgres, sandbox, listener, tmp_path
):
    configuration = {
        "event.poller.configuration": GROUPS,
        "event.notification.callback.url": listener.url,
    }
    async with postgres.open_database() as database, postgres.open_database() as restored:
        async with open_world(database, sandbox) as world:
            [group] = (await world.control("POST", "records/groups", {"create": [{"displayName": "a"}]}))[
                "records"
            ]
            instance = await world.connect(**configuration)
            await world.wait_for_watermark(instance["id"])
            await run_command(read_command("$TOOLS/pg_dump", '"$DATABASE"'), tmp_path, database)
            await rename(world, listener, group["id"], "b")
            await rename(world, listener, group["id"], "a")
            since = await world.connect(**configuration)

        known = list_names(listener)
        restore = read_command("NUMBERS=", "> /dev/null")
        if by == "the_command":
            restore = re.sub(r"^  echo .*$", "  :", restore, flags=re.MULTILINE)
        await run_command(restore, tmp_path, restored)
        if by == "the_command":
            code, _, errors = await run(["migrate", "--restored"], {"database_url": write_url(restored)})
            assert code == 0, errors

        listener.received.clear()
        async with open_world(restored, sandbox) as world:
            await rename(world, listener, group["id"], "b")
            assert not known & list_names(listener)
            assert (await world.connect(**configuration))["id"] > since["id"]


@pytest.mark.parametrize("by", ["the_page", "the_command"])
async def test_what_is_known_outside_by_its_number_goes_on_and_tables_of_others_stay(by, pool):
    await pool.execute("CREATE TABLE of_others (id integer GENERATED ALWAYS AS IDENTITY)")
    connection = await pool.acquire()
    if by == "the_page":
        await connection.execute(read_command("NUMBERS=", '"').removeprefix('NUMBERS="').removesuffix('"'))
    else:
        await move_on(connection)
    found = await connection.fetch("SELECT sequencename, last_value > 1000000 AS gone_on FROM pg_sequences")
    await pool.release(connection)
    assert {each["sequencename"] for each in found if each["gone_on"]} == {
        "organization_id_seq",
        "member_id_seq",
        "instance_id_seq",
        "resource_poll_id_seq",
        "notification_number",
        "replay_id_seq",
        "operation_notice_id_seq",
    }


async def test_a_folder_without_a_database_was_not_restored(tmp_path):
    code, _, errors = await run(["migrate", "--restored", "--data-dir", str(tmp_path / "wrong")])
    assert code == 1
    assert "there is no database in" in errors
    assert not (tmp_path / "wrong").exists()
