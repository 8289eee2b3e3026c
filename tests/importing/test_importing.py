"""Instances of the original become ours: disabled, each once, with all that can be kept; nothing half-done."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from signalpost.instances import imports
from signalpost.instances.imports import Result
from signalpost.instances.originals import read_original
from signalpost.model.errors import ConfigurationError
from signalpost.store.organizations import Organizations
from tests.importing.originals import POLLER, VALUES, write_original

TABLES = ("instance", "credential", "endpoint", "resource_poll", "connection", "audit")


async def read_rows(acme):
    return {table: await acme.fetch(f"SELECT * FROM {table} ORDER BY 1") for table in TABLES}


async def show(world, outcome):
    answer = await world.client.get(f"/instances/{outcome.instance_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_instance_is_imported_disabled_with_all_that_the_original_shows(world, run_import):
    (outcome,) = await run_import(write_original())
    assert outcome.result is Result.IMPORTED
    assert (outcome.missing, outcome.by_consent, outcome.by_hand, outcome.link) == ((), True, False, None)
    shown = await show(world, outcome)
    assert (shown["name"], shown["tags"]) == ("Acme Legal", ["Acme", "Legal"])
    assert (shown["disabled"], shown["valid"], shown["eventsEnabled"]) == (True, False, True)
    configuration = shown["configuration"]
    kept = write_original()["configuration"]
    del kept["oauth.user.token"]
    assert {key: configuration[key] for key in kept} == {
        **kept,
        "event.notification.signature.key": "********",
        "oauth.api.key": "********",
    }
    row = await world.pool.fetchrow("SELECT * FROM instance JOIN endpoint ON instance_id = instance.id")
    assert (row["imported_id"], row["next_poll_at"]) == ("1234567", None)
    assert row["url"] == "https://receiver.example.com/events"
    polls = await world.pool.fetch("SELECT resource, configuration FROM resource_poll")
    assert [(each["resource"], each["configuration"]) for each in polls] == [("events", POLLER["events"])]
    assert "a signature key" not in str(row)


async def test_a_dry_run_says_the_same_and_writes_nothing(acme, run_import):
    before = await read_rows(acme)
    given = [write_original(1), write_original(2, key="sfdc"), write_original(3, subdomain=None)]
    tried = await run_import(*given, apply=False, public_url="https://console.example.com")
    assert await read_rows(acme) == before
    assert [each.result for each in tried] == [Result.NEW, Result.LEFT_OUT, Result.LEFT_OUT]
    made = await run_import(*given)
    assert [(each.missing, each.reason) for each in made] == [(each.missing, each.reason) for each in tried]


async def test_a_second_run_changes_nothing_and_says_so(acme, run_import):
    given, public = [write_original(1), write_original(2)], "https://console.example.com"
    first = await run_import(*given, public_url=public)
    before = await read_rows(acme)
    given[0]["name"] = "Renamed there"
    again = await run_import(*given, public_url=public)
    assert await read_rows(acme) == before
    assert [each.result for each in again] == [Result.THERE, Result.THERE]
    assert [each.instance_id for each in again] == [each.instance_id for each in first]
    assert all(each.link.startswith(f"{public}/connect/") for each in [*first, *again])


async def test_two_runs_at_once_make_each_instance_once(acme, run_import):
    given = [write_original(number) for number in range(50)]
    one, other = await asyncio.gather(run_import(*given), run_import(*reversed(given)))
    assert await acme.fetchval("SELECT count(*) FROM instance") == 50
    assert await acme.fetchval("SELECT count(*) FROM resource_poll") == 50
    made = [each for each in (*one, *other) if each.result is Result.IMPORTED]
    assert len(made) == 50
    numbers = {each.original.id: each.instance_id for each in one}
    assert numbers == {each.original.id: each.instance_id for each in other}


async def test_a_run_that_was_stopped_is_gone_on_with_by_the_next(acme, open_import, run_import, monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 4)
    given = [write_original(number) for number in range(10)]

    def stop_amid():
        for each in given[:7]:
            yield read_original(each)
        raise KeyboardInterrupt

    async with open_import() as importer:
        with pytest.raises(KeyboardInterrupt):
            _ = [each async for each in importer.run(stop_amid(), apply=True)]
    assert await acme.fetchval("SELECT count(*) FROM instance") == 4
    outcomes = await run_import(*given)
    assert [each.result for each in outcomes] == [Result.THERE] * 4 + [Result.IMPORTED] * 6
    for table in ("instance", "credential", "endpoint", "resource_poll"):
        assert await acme.fetchval(f"SELECT count(*) FROM {table}") == 10


async def test_ten_thousand_are_imported_a_lot_at_a_time(acme, open_import, monkeypatch):
    """What is read ahead is bounded, and so are the statements: one a lot."""
    read, told, lots = 0, 0, []
    plain = read_original(write_original(**{"event.poller.configuration": None}))

    def give():
        nonlocal read
        for number in range(10_000):
            read += 1
            assert read - told <= imports.BATCH
            yield replace(plain, id=str(number))

    async with open_import() as importer:
        add = importer._imports.add

        async def count(member, given, tokens):
            lots.append(len(given))
            return await add(member, given, tokens)

        monkeypatch.setattr(importer._imports, "add", count)
        async for outcome in importer.run(give(), apply=True):
            told += 1
            assert outcome.result is Result.IMPORTED
    assert lots == [imports.BATCH] * 50
    assert await acme.fetchval("SELECT count(*) FROM instance WHERE disabled AND NOT valid") == 10_000


LEFT_OUT = [
    ({"key": "sfdc"}, "no connector for sfdc here; declare one in a file (SIGNALPOST_CONNECTOR_FILES)"),
    ({"subdomain": None}, "configuration.subdomain: it is missing"),
    ({"subdomain": "a.evil.example/"}, "subdomain"),
    (
        {"event.poller.refresh_interval": "0"},
        "event.poller.refresh_interval: '0' is not a number of minutes",
    ),
    (
        {"event.notification.enabled": "yes"},
        "event.notification.enabled: 'yes' is neither true nor false",
    ),
    ({"event.notification.callback.url": "ftp://x.example.com"}, "event.notification.callback.url"),
    ({"event.poller.configuration": "{"}, "event.poller.configuration: this is not JSON"),
    ({"event.poller.configuration": '{"x": {"url": "/hubs/documents/x"}}'}, "is no resource of Egnyte"),
    (
        {"event.poller.configuration": None, "event.poller.urls": "documents"},
        "configuration.event.poller.urls: it is not read here",
    ),
    (
        {"event.poller.configuration": None, "event.objects": "a,b"},
        "configuration.event.objects: it is not",
    ),
    ({"a": "\x00"}, "configuration.a: it holds a NUL character"),
]


async def test_what_cannot_be_kept_as_it_was_is_left_out_and_the_others_are_imported(acme, run_import):
    given = [write_original(number, **change) for number, (change, _) in enumerate(LEFT_OUT)]
    *left, made = await run_import(*given, write_original(100))
    for outcome, (_, reason) in zip(left, LEFT_OUT, strict=True):
        assert outcome.result is Result.LEFT_OUT
        assert reason in outcome.reason
    assert made.result is Result.IMPORTED
    assert await acme.fetchval("SELECT array_agg(imported_id) FROM instance") == ["100"]


async def test_names_and_tags_are_cleaned_or_refused(world, run_import):
    given = [write_original(number) for number in range(4)]
    given[0] |= {"name": "<b>Bold</b>", "tags": ["", "<i>x</i>"]}
    given[1] |= {"name": "\x07"}
    given[2] |= {"tags": ["x"] * 51}
    given[3] |= {"name": ""}
    bold, bell, many, none = await run_import(*given)
    shown = await show(world, bold)
    assert (shown["name"], shown["tags"]) == ("Bold", ["x"])
    assert "name: " in bell.reason
    assert "tags: 51 are given" in many.reason
    assert (await show(world, none))["name"] == "Egnyte"


async def test_an_address_that_must_not_be_called_is_refused(acme, run_import):
    given = write_original(**{"event.notification.callback.url": "http://169.254.169.254/latest"})
    (outcome,) = await run_import(given, allow_private_networks=False)
    assert outcome.result is Result.LEFT_OUT
    assert outcome.reason.startswith("configuration.event.notification.callback.url: ")


async def test_an_id_that_comes_twice_counts_once(acme, run_import, monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 2)
    outcomes = await run_import(write_original(1), write_original(1), write_original(2), write_original(1))
    assert [each.result for each in outcomes].count(Result.IMPORTED) == 2
    assert [each.reason for each in outcomes if each.result is Result.LEFT_OUT] == [
        "its id was read before; the first instance of that id counts"
    ] * 2


async def test_another_organization_imports_the_same_ids(acme, run_import, database):
    await run_import(write_original())
    await Organizations(acme).create_credentials("Zeta", "zed@example.com")
    await acme.execute("UPDATE organization SET name = 'x' WHERE name = 'Acme'")
    await acme.execute("UPDATE organization SET name = 'Acme' WHERE name = 'Zeta'")
    (outcome,) = await run_import(write_original(), email="zed@example.com")
    assert outcome.result is Result.IMPORTED


async def test_only_who_may_connect_imports(acme, run_import):
    for change in ("role = 'viewer'", "role = 'admin', removed_at = now()"):
        await acme.execute(f"UPDATE member SET {change}")
        with pytest.raises(ConfigurationError, match=r"has no user 'ada@example.com' who may connect"):
            await run_import(write_original())


async def test_values_that_are_given_go_over_what_the_original_shows(world, open_import):
    values = {
        **VALUES,
        "1234567": {"event.notification.callback.url": world.listener.url, "subdomain": "acme"},
    }
    async with open_import(values={**values, "egnite": {"a": "b"}}) as importer:
        given = read_original(write_original(subdomain="********"))
        (outcome,) = [each async for each in importer.run([given], apply=True)]
        assert importer.used_values == {"egnyte", "1234567"}
    assert outcome.missing == ()
    shown = await show(world, outcome)
    assert shown["eventsNotificationCallbackUrl"] == world.listener.url
    assert shown["configuration"]["subdomain"] == "acme"
