"""The instances that need somebody: the rail counts them, and its count leads to just these."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from types import SimpleNamespace

import pytest
import pytest_asyncio

from signalpost.connectors import authorising
from signalpost.connectors.authorising import Grant
from signalpost.store.views import insight
from tests.store.history import make_past
from tests.support import until

COUNT = re.compile(r'<a class="count" href="([^"]+)"><span class="hidden">[^<]*</span>([\d,]+)</a>')
RAIL_COUNT = re.compile(
    r"Deliveries <span class=\"count\"><span class=\"hidden\">needs attention: </span>(\d+)"
)
NEXT = re.compile(r'href="([^"]+)" rel="next"')
ROW = re.compile(r'<a class="row-link" href="/instances/(\d+)"')
TROUBLES = {
    "authorisation": "UPDATE instance SET valid = false WHERE id = ANY($1)",
    "stale": "UPDATE instance SET last_success_at = now() - interval '1 day' WHERE id = ANY($1)",
    "given up": "UPDATE resource_poll SET disabled_at = now() WHERE instance_id = ANY($1)",
}


@pytest_asyncio.fixture
async def quiet_browser(quiet, enter):
    return await enter(quiet)


@pytest.fixture(autouse=True)
def counted_anew(monkeypatch):
    monkeypatch.setattr(insight, "KEPT_SECONDS", 0)


async def follow(browser, path):
    """Read a list from one page to the next; give the numbers of its instances."""
    found = []
    while path is not None:
        page = await browser.read(path)
        found += map(int, ROW.findall(page))
        following = NEXT.search(page)
        path = unescape(following[1]) if following else None
    return found


async def test_the_count_leads_to_just_those_that_it_counts(quiet, quiet_browser):
    pool, browser = quiet.pool, quiet_browser
    organization_id = await pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'")
    pasts = [await make_past(pool, organization_id) for _ in range(8)]
    ids = [each.instance_id for each in pasts]
    stranger = await make_past(pool)
    await pool.execute("UPDATE instance SET next_poll_at = now()")
    assert COUNT.search(await browser.read("/instances")) is None
    assert "None needs attention" in await browser.read("/instances?state=attention")
    in_need = set()
    for at, told in enumerate(TROUBLES.values()):
        await pool.execute(told, [ids[at], ids[3 + at], stranger.instance_id])
        await pool.execute("UPDATE instance SET disabled = true WHERE id = $1", ids[3 + at])
        in_need.add(ids[at])
        path, number = COUNT.search(await browser.read("/")).group(1, 2)
        assert int(number) == len(in_need)
        assert set(await follow(browser, path)) == in_need


async def test_a_filter_by_state_is_kept_from_page_to_page_and_beside_the_others(quiet, quiet_browser):
    pool, browser = quiet.pool, quiet_browser
    organization_id = await pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'")
    ids = [(await make_past(pool, organization_id)).instance_id for _ in range(54)]
    await pool.execute("UPDATE instance SET valid = false, tags = '{night}' WHERE id = ANY($1)", ids[2:])
    await pool.execute("UPDATE instance SET name = 'Claims ' || id WHERE id = ANY($1)", ids[:3])
    assert await follow(browser, "/instances?state=attention") == ids[2:]
    assert await follow(browser, "/instances?state=attention&tag=night") == ids[2:]
    assert await follow(browser, "/instances?state=attention&search=claims") == [ids[2]]
    assert '<option value="attention" selected>' in await browser.read("/instances?state=attention&search=x")
    assert "give attention, or leave it out" in await browser.read("/instances?state=paused", 400)


@pytest.mark.parametrize(
    ("change", "told", "action", "untold"),
    [
        (
            "UPDATE instance SET valid = false, account_id = '', account_label = ''",
            "it was imported, and was never authorised. Polling begins once somebody of the account has.",
            "/authorise",
            "no longer accepts",
        ),
        (
            "UPDATE instance SET valid = false",
            "the provider no longer accepts our credentials; it was never read.",
            "/authorise",
            "last read",
        ),
        (
            "UPDATE instance SET valid = false, last_success_at = now() - interval '2 h'",
            "last read <time *>2 h ago</time>. Nothing is polled until it is given others",
            "/edit",
            "/authorise",
        ),
        (
            "UPDATE instance SET created_at = now() - interval '1 day'",
            "it was connected more than three intervals ago, and was never read.",
            "/poll",
            "last read",
        ),
        (
            "UPDATE instance SET created_at = now() - interval '1 day', connector = 'gone'",
            "the connector gone is not installed; it was never read. Nothing is polled, what waits is delivered.",
            None,
            "No worker may be running",
        ),
    ],
)
async def test_lists_of_what_is_wrong_say_what_the_instances_page_says(
    quiet, quiet_browser, monkeypatch, change, told, action, untold
):
    pool = quiet.pool
    if action == "/edit":
        monkeypatch.setattr(authorising, "_recall_own", lambda _: SimpleNamespace(grant=Grant.CONFIGURATION))
    past = await make_past(pool, await pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'"))
    await pool.execute("UPDATE instance SET next_poll_at = now()")
    await pool.execute(change)
    place = f"/instances/{past.instance_id}"
    for path in ("/", "/operations"):
        page = re.sub("<time [^>]*>", "<time *>", await quiet_browser.read(path))
        assert told in page
        assert untold not in page.partition('id="installation"')[0]
        for tail in ("/authorise", "/poll", "/edit"):
            assert (f'"{place}{tail}"' in page) == (tail == action), tail
    configuration = await quiet_browser.read(f"{place}/configuration")
    for link in set(re.findall(r'href="(/connectors/[^"]+)"', configuration)):
        await quiet_browser.read(link)


async def test_what_waits_without_a_callback_url_is_told_wherever_it_stands(quiet, quiet_browser):
    pool = quiet.pool
    past = await make_past(pool, await pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'"))
    place = f"/instances/{past.instance_id}"
    await past.commit(datetime.now(UTC), ["waits"])
    event = await pool.fetchrow("SELECT id, notification_id FROM event")
    pages = (f"/events/{event['id']}", f"/deliveries/{event['notification_id']}")
    for path in pages:
        assert "nothing is to be done" in await quiet_browser.read(path)
    # As it is when its callback URL is taken out of its form.
    await pool.execute("UPDATE endpoint SET url = NULL, failing_since = NULL")
    await pool.execute("UPDATE notification SET attempts = 1")
    for path in ("/", "/operations", "/deliveries", *pages, place, "/instances"):
        page = await quiet_browser.read(path)
        assert "callback URL" in page, path
        assert "nothing is to be done" not in page, path
        assert "Nothing needs you" not in page, path
        assert RAIL_COUNT.search(page)[1] == "1", path
        assert "next <time" not in page.partition("Waiting")[2], path
        if path != "/instances":
            assert f'href="{place}/edit"' in page, path
    assert "1 notification waits" in await quiet_browser.read(f"{place}/delete")
    await pool.execute("UPDATE notification SET state = 'unsent'")
    page = await quiet_browser.read("/")
    assert "Nothing needs you" in page
    assert RAIL_COUNT.search(page) is None
    assert "no callback URL" in await quiet_browser.read(place)


async def test_what_waits_behind_a_failure_says_what_is_wrong(quiet, quiet_browser):
    pool = quiet.pool
    past = await make_past(pool, await pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'"))
    for name in ("refused", "behind it"):
        await past.commit(datetime.now(UTC), [name])
    event = await pool.fetchrow("SELECT id, notification_id FROM event ORDER BY sequence DESC LIMIT 1")
    pages = (f"/events/{event['id']}", f"/deliveries/{event['notification_id']}")
    failing = "UPDATE endpoint SET failing_since = now(), last_error = 'the callback answered 503'"
    for change, word in (
        (failing, "Held: "),
        ("UPDATE endpoint SET state = 'deactivated', deactivated_at = now()", "Deactivated: "),
    ):
        await pool.execute(change)
        for path in pages:
            page = await quiet_browser.read(path)
            assert word in page, path
            assert "answered 503" in page, path
            assert f'<a href="/instances/{past.instance_id}">Try now</a>, and this comes in its turn' in page
            assert "nothing is to be done" not in page, path
    await pool.execute("UPDATE instance SET disabled = true")
    for path in pages:
        assert "comes in its turn when it is resumed" in await quiet_browser.read(path)


async def test_an_instance_without_a_callback_url_does_not_promise_deliveries(quiet, quiet_browser):
    pool = quiet.pool
    past = await make_past(pool, await pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'"))
    path = f"/instances/{past.instance_id}/deliveries"
    assert "the first makes the first delivery" in await quiet_browser.read(path)
    await pool.execute("UPDATE endpoint SET url = NULL")
    assert "its events are kept, and none is sent" in await quiet_browser.read(path)


@pytest.mark.parametrize("roles", [frozenset({"poll"}), frozenset()])
async def test_what_no_worker_delivers_is_told_wherever_it_stands(make_world, enter, roles):
    """Whichever worker looks for what is due hands it out; where none runs, it stays due."""
    async with make_world(roles=roles) as world:
        pool, browser = world.pool, await enter(world, "operator")
        place = await wait_in_vain(world, polled=bool(roles))
        waiting = await pool.fetchrow("SELECT id, notification_id FROM event ORDER BY sequence LIMIT 1")
        paths = ("/", "/operations", "/deliveries", place, "/instances")
        paths += (f"/events/{waiting['id']}", f"/deliveries/{waiting['notification_id']}")
        for path in paths:
            page = await browser.read(path)
            assert "Late" not in page, path
            assert RAIL_COUNT.search(page) is None, path
        long_ago = "now() - interval '2 minutes'"
        await pool.execute(f"UPDATE pgqueuer SET created = {long_ago} WHERE entrypoint = 'deliver'")
        if not roles:
            await pool.execute(f"UPDATE endpoint SET due_at = {long_ago}")
        for path in paths:
            page = await browser.read(path)
            assert "Late" in page, path
            assert RAIL_COUNT.search(page)[1] == "1", path
            for wrong in ("Nothing needs you", "Delivering.", "Healthy", "nothing is to be done"):
                assert wrong not in page, path
        installation = (await (await enter(world)).read("/operations")).partition('id="installation"')[2]
        deliveries = installation.partition("<dt>Deliveries</dt>")[2].partition("</dd>")[0]
        assert "Late." in deliveries
        assert "due for 2 min" in deliveries
        # A worker that is at it has the lane; a second job for it may wait as long as that takes.
        await pool.execute("INSERT INTO worker (id, heartbeat_at) VALUES (gen_random_uuid(), now())")
        newest = "SELECT id FROM worker ORDER BY heartbeat_at DESC LIMIT 1"
        await pool.execute(f"UPDATE endpoint SET leased_by = ({newest})")
        assert "Nothing needs you" in await browser.read("/")


async def wait_in_vain(world, *, polled):
    """Have a notification wait for a worker that does not come; give the path of its instance."""
    if not polled:
        past = await make_past(
            world.pool, await world.pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'")
        )
        await world.pool.execute("UPDATE instance SET next_poll_at = now()")
        await past.commit(datetime.now(UTC), ["waits"])
        return f"/instances/{past.instance_id}"
    instance_id = (await world.connect())["id"]
    await world.wait_for_watermark(instance_id)
    await world.change(1)
    await until(lambda: world.pool.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'deliver'"))
    return f"/instances/{instance_id}"
