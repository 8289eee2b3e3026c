"""What a service has is listed, shown and exported by commands, as its API gives it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest

from tests.api.answers import accepted
from tests.api.test_deliveries import add_attempt, prepare
from tests.api.test_events_found import connect_past
from tests.cli.commands import of, run

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


async def commit(past, count, name="object"):
    await past.commit(NOON, [f"{name}/{number}" for number in range(count)])


async def test_instances_are_listed_and_shown_without_their_tokens(still):
    made = [await still.connect() for _ in range(2)]
    number, env = made[0]["id"], of(still)
    plain, lines, shown, whole, more = await asyncio.gather(
        run("instances", "list", env=env),
        run("instances", "list", "--json", "--search", "polling", "--tag", "Test", env=env),
        run("instances", "show", number, "--json", env=env),
        run("instances", "show", number, env=env),
        run("instances", "list", "--limit", 1, env=env),
    )
    head, *rows = plain.out.splitlines()
    assert head.split() == ["id", "connector", "state", "name"]
    assert rows[0].split() == [str(number), "egnyte", "active", "API_Polling"]
    assert [each["id"] for each in lines.values] == [each["id"] for each in made]
    [instance] = shown.values
    assert instance["polling"] == accepted(await still.client.get(f"/instances/{number}/polling"))
    assert instance["endpoint"] == accepted(await still.client.get(f"/instances/{number}/endpoint"))
    assert "polling.state" in whole.out
    assert "configuration.subdomain" in whole.out
    for ran in (plain, lines, shown, whole):
        assert ran.code == 0, ran.err
        assert ran.err == ""
        assert made[0]["token"] not in ran.out
    assert len(more.out.splitlines()) == 2
    assert "there are more than 1" in more.err


async def test_events_are_listed_from_either_end_and_shown(still):
    past, instance = await connect_past(still)
    await commit(past, 5)
    env = of(still)
    newest, after, deleted, missing = await asyncio.gather(
        run("events", "list", instance["id"], "--limit", 2, "--json", env=env),
        run("events", "list", instance["id"], "--after", 1, "--limit", 2, env=env),
        run("events", "list", instance["id"], "--type", "DELETED", "--json", env=env),
        run("events", "show", "no such/event", env=env),
    )
    assert [each["sequence"] for each in newest.values] == [4, 5]
    assert [line.split()[0] for line in after.out.splitlines()] == ["sequence", "2", "3"]
    assert all(len(line) <= 80 for line in after.out.splitlines())
    assert (deleted.code, deleted.out) == (0, "")
    assert missing.code == 5
    assert missing.err.startswith("signalpost: there is ")
    shown = await run("events", "show", newest.values[0]["id"], "--json", env=env)
    assert shown.values == newest.values[:1]


async def test_deliveries_are_listed_and_shown_with_their_attempts(still):
    place, ids = await prepare(still)
    number, env = place.rpartition("/")[2], of(still)
    await add_attempt(still, ids[1], 1, status=422)
    listed, dead, shown, lines = await asyncio.gather(
        run("deliveries", "list", number, env=env),
        run("deliveries", "list", number, "--state", "dead", "--json", env=env),
        run("deliveries", "show", number, ids[1], env=env),
        run("deliveries", "show", number, ids[1], "--json", env=env),
    )
    rows = [line.split() for line in listed.out.splitlines()]
    assert [row[0] for row in rows] == ["id", *map(str, ids)]
    assert rows[2][2:] == ["dead", "3", "1", "the", "callback", "answered", "422"]
    assert [each["id"] for each in dead.values] == [ids[1]]
    assert lines.values == [accepted(await still.client.get(f"{place}/deliveries/{ids[1]}"))]
    assert "attemptList.1" in shown.out


@pytest.mark.parametrize("log", ["events", "deliveries"])
async def test_an_export_goes_on_from_what_is_in_its_file(still, log, tmp_path):
    past, instance = await connect_past(still)
    await commit(past, 250)
    place, file, env = f"/instances/{instance['id']}/{log}", tmp_path / "kept.jsonl", of(still)
    first = await run(log, "export", instance["id"], file, env=env)
    assert first.code == 0, first.err
    assert file.stat().st_mode & 0o777 == 0o600
    # Killed amid its last line; and more came meanwhile.
    file.write_bytes(file.read_bytes()[:-7])
    await commit(past, 3, "later")
    again = await run(log, "export", instance["id"], file, env=env)
    assert (again.code, again.err) == (0, "")
    assert f"{log} added to {file}, up to " in again.out
    kept = [json.loads(line) for line in file.read_text().splitlines()]
    newest = accepted(await still.client.get(place, params={"newest": 200}))
    assert kept[-len(newest) :] == newest
    key = "sequence" if log == "events" else "id"
    numbers = [each[key] for each in kept]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == await still.pool.fetchval(
        f"SELECT count(*) FROM {'event' if log == 'events' else 'notification'} WHERE instance_id = $1",
        instance["id"],
    )
    whole = file.read_bytes()
    nothing = await run(log, "export", instance["id"], file, "--json", env=env)
    assert (nothing.code, file.read_bytes()) == (0, whole)
    assert nothing.values == [{"added": 0, "last": numbers[-1]}]
    # Another instance's file is left alone.
    other = await still.connect()
    refused = await run(log, "export", other["id"], file, env=env)
    assert (refused.code, file.read_bytes()) == (1, whole)
    assert "does not end as an export" in refused.err


async def test_each_kind_of_end_has_its_exit_code(still, tmp_path):
    env, secret = of(still), "no-secret-of-anybody"
    absent = tmp_path / "absent.jsonl"
    wrong, missing, options, instant, export = await asyncio.gather(
        run("instances", "list", env=env | {"SIGNALPOST_USER_SECRET": secret}),
        run("events", "list", 999_999_999, env=env),
        run("events", "list", "x", env=env),
        run("events", "list", (await still.connect())["id"], "--from", "yesterday", env=env),
        run("events", "export", 999_999_999, absent, env=env),
    )
    assert [each.code for each in (wrong, missing, options, instant, export)] == [4, 5, 2, 2, 5]
    assert secret not in wrong.err
    assert instant.err.startswith("signalpost: from: 'yesterday' is not an instant")
    assert not absent.exists()
