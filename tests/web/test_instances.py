"""Instances: the list, the pages of one, and what can be done from them."""

from __future__ import annotations

import re

from tests.support import until
from tests.web.conftest import sign_in

SCRIPT = "<script>alert(1)</script>"
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;"


async def test_the_list_teaches_the_next_step_while_it_is_empty(world, browser):
    page = await browser.read("/instances")
    assert "No instance yet" in page
    assert 'href="/instances/new?connector=egnyte"' in page
    assert "signalpost sandbox egnyte" in page
    viewer = await sign_in(world, "viewer", "vera@example.com")
    async with viewer.client:
        page = await viewer.read("/instances")
    assert "An operator or an admin of Acme can connect one" in page
    assert "/instances/new" not in page


async def test_every_page_of_an_instance_shows_what_it_has(world, browser):
    one = await world.connect()
    place = f"/instances/{one['id']}"
    # The API leaves out what looks like markup; pages do not rely on that.
    await world.pool.execute("UPDATE instance SET name = $1, tags = '{Legal & Co}'", SCRIPT)
    await until(lambda: _polled(world, one["id"]))
    await world.change(3)
    await until(lambda: len(world.events()) >= 3)
    await until(lambda: _count(world, "notification", "state = 'delivered'"))

    await world.pool.execute("UPDATE event SET label = $1", f"/Shared/\u202e{SCRIPT}{'x' * 4000}")

    pages = {
        tail: await browser.read(place + tail)
        for tail in ("", "/events", "/deliveries", "/configuration", "/history")
    }
    for page in (*pages.values(), await browser.read("/instances")):
        assert SHOWN in page
        assert SCRIPT not in page
        assert len(page) < 100_000
        assert " style=" not in page
    titles = {re.search(r"<title>([^<]*)</title>", page)[1] for page in pages.values()}
    assert len(titles) == len(pages)
    assert all(SHOWN in title for title in titles)
    assert "Healthy" in pages[""]
    assert "calls left today" in pages[""]
    assert re.search(r"<th scope=\"row\">events</th>.*?ok.*?feed", pages[""], re.DOTALL)
    assert 'role="img"' in pages[""]
    assert "p50 " in pages[""]
    assert f'data-live="{place}/live?pulse=' in pages[""]
    assert pages["/events"].count('href="/events/') >= 3
    assert f"/Shared/\\u202e{SHOWN}" in pages["/events"]
    assert "\u202e" not in pages["/events"]
    delivery_id = await world.pool.fetchval("SELECT max(id) FROM notification")
    assert f'href="/deliveries/{delivery_id}"' in pages["/deliveries"]
    assert "Delivered" in pages["/deliveries"]
    assert "a signature key" not in pages["/configuration"]
    assert "********" in pages["/configuration"]
    assert "Nothing happened yet" in pages["/history"]

    found = await browser.read("/instances?search=SCRIPT&tag=Legal+%26+Co")
    assert f'href="{place}"' in found
    assert "No instance matches" in await browser.read("/instances?search=nothing")
    assert "No instance matches" in await browser.read("/instances?tag=nothing")
    await browser.read("/instances?after=x", 400)
    await browser.read("/instances?search=%00", 400)
    await browser.read("/instances/999999999", 404)
    await browser.read("/instances/x", 400)


async def test_a_long_list_goes_on_after_fifty(world, browser):
    await _add_many(world, 60)
    first = await browser.read("/instances?search=copy")
    following = re.search(r'href="(/instances\?[^"]+)" rel="next"', first)[1].replace("&amp;", "&")
    second = await browser.read(following)
    names = [re.findall(r"<bdi>(copy \d+)</bdi>", page) for page in (first, second)]
    assert [len(each) for each in names] == [50, 10]
    assert len({*names[0], *names[1]}) == 60
    assert 'rel="next"' not in second


async def test_an_instance_of_another_organization_is_not_there(world, browser):
    one = await world.connect()
    await world.pool.execute(
        "WITH other AS (INSERT INTO organization (name) VALUES ('Other') RETURNING id)"
        " UPDATE instance SET organization_id = (SELECT id FROM other)"
    )
    for tail in ("", "/events", "/deliveries", "/configuration", "/history", "/replay", "/delete", "/key"):
        assert "There is no instance" in await browser.read(f"/instances/{one['id']}{tail}", 404)
    assert f"/instances/{one['id']}" not in await browser.read("/instances")


async def test_states_are_told_with_what_to_do(world, browser):
    one = await world.connect()
    place = f"/instances/{one['id']}"
    await until(lambda: _polled(world, one["id"]))
    await world.service.runtime.stop()  # from here on the rows say what we write
    for change, told in (
        ("UPDATE instance SET valid = false", ("Needs authorisation", f'action="{place}/authorise"')),
        (
            "UPDATE instance SET valid = true, last_success_at = now() - interval '1 day'",
            ("Stale", "No poll has succeeded since"),
        ),
        (
            "UPDATE resource_poll SET disabled_at = now(), failures = 9, last_error = 'it answered 500'",
            ("Given up", "events failed too often", "it answered 500", f'action="{place}/resume"'),
        ),
        (
            "UPDATE resource_poll SET disabled_at = NULL; UPDATE instance SET last_success_at = now()",
            ("Failing", "events cannot be read: it answered 500"),
        ),
        (
            "UPDATE resource_poll SET failures = 0; UPDATE instance SET throttled_until = now() + interval '1 hour'",
            ("Throttled", "Polls are further apart until"),
        ),
        (
            (
                "UPDATE instance SET throttled_until = NULL;"
                " UPDATE endpoint SET failing_since = now(), last_error = 'the callback answered 503',"
                " url = 'https://hooks.example.com/in?token=hidden'"
            ),
            (
                "Held",
                "https://hooks.example.com/in?*** answered 503 since",
                "Nothing waits, none is lost",
                f'action="{place}/release"',
            ),
        ),
        (
            "UPDATE endpoint SET state = 'deactivated', deactivated_at = now()",
            ("Deactivated", "nothing is sent any more"),
        ),
        (
            "UPDATE endpoint SET state = 'active', failing_since = NULL; UPDATE instance SET disabled = true",
            ("Paused", f'action="{place}/resume"'),
        ),
        (
            "UPDATE instance SET disabled = false; DELETE FROM resource_poll",
            ("Events off", f'href="{place}/edit"'),
        ),
    ):
        await world.pool.execute(change)
        page, listed = await browser.read(place), await browser.read("/instances")
        for text in told:
            assert text in page.replace("&#39;", "'"), (change, text)
        assert told[0] in listed
        assert "token=hidden" not in page + listed


async def test_gaps_replays_and_notices_stand_on_the_page(world, browser):
    one = await world.connect()
    await world.pool.execute(
        "INSERT INTO gap (instance_id, resource, sequence, reason, from_watermark, to_watermark, detected_at)"
        """ SELECT $1, 'events', number, $2, '{"id": 5}', NULL, now() FROM generate_series(1, 7) AS number""",
        one["id"],
        f"no longer kept {SCRIPT}",
    )
    await world.pool.execute(
        "INSERT INTO operation_notice (instance_id, kind, body, created_at, due_at)"
        " VALUES ($1, 'polling.resumed', '{}', now(), now() + interval '1 day')",
        one["id"],
    )
    page = await browser.read(f"/instances/{one['id']}")
    assert page.count(f"no longer kept {SHOWN}") == 5
    assert "All gaps" in page
    assert "1 operational notice" in page
    assert (await browser.read(f"/instances/{one['id']}/history")).count("no longer kept") == 7


async def _polled(world, instance_id):
    return await world.pool.fetchval(
        "SELECT instance.last_success_at FROM resource_poll JOIN instance ON instance.id = instance_id"
        " WHERE instance_id = $1 AND watermark IS NOT NULL AND instance.last_success_at IS NOT NULL",
        instance_id,
    )


async def _count(world, table, condition):
    return await world.pool.fetchval(f"SELECT count(*) FROM {table} WHERE {condition}")


async def _add_many(world, number):
    one = await world.connect(**{"event.notification.enabled": False})
    await world.pool.execute(
        "WITH made AS (INSERT INTO instance (organization_id, user_id, connector, name, tags, configuration, secrets,"
        " token_hash, account_id, account_label, interval_seconds)"
        " SELECT organization_id, user_id, connector, 'copy ' || number, tags, configuration, secrets,"
        " sha256(number::text::bytea), account_id, account_label, interval_seconds"
        " FROM instance, generate_series(1, $2) AS number WHERE id = $1 RETURNING id)"
        " INSERT INTO endpoint (instance_id) SELECT id FROM made",
        one["id"],
        number,
    )
