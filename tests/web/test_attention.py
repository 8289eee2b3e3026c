"""The instances that need somebody: the rail counts them, and its count leads to just these."""

from __future__ import annotations

import re
from html import unescape

import pytest
import pytest_asyncio

from signalpost.store.views import insight
from tests.store.history import make_past

COUNT = re.compile(r'<a class="count" href="([^"]+)"><span class="hidden">[^<]*</span>([\d,]+)</a>')
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
