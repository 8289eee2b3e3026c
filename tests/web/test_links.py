"""Each link that a page shows leads to a page, for whoever is shown it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from urllib.parse import urldefrag, urljoin

import pytest

from tests.store.history import make_past

LINK = re.compile(r'href="([^"]+)"')
ID = re.compile(r' id="([^"]+)"')
FEWEST_PAGES, MOST_PAGES = 10, 200


async def follow_all(browser):
    """Follow all links from the overview on; give those that lead nowhere, with the page they stand on."""
    wrong, known, queue = [], set(), [("", "/")]
    while queue:
        page, path = queue.pop()
        if path in known:
            continue
        known.add(path)
        assert len(known) < MOST_PAGES, known
        answer = await browser.client.get(path, follow_redirects=True)
        if answer.status_code != 200:
            wrong.append((page, path, answer.status_code))
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        for each in map(unescape, LINK.findall(answer.text)):
            target, fragment = urldefrag(each)
            if not target and fragment not in ID.findall(answer.text):
                wrong.append((path, each, "no such place"))
            queue.append((path, urljoin(str(answer.url), target or path).removeprefix(browser.url)))
    assert len(known) > FEWEST_PAGES
    return wrong


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
@pytest.mark.parametrize("filled", [False, True], ids=["empty", "filled"])
async def test_every_link_leads_to_a_page_for_whom_it_is_shown(quiet, enter, role, filled):
    browser = await enter(quiet, role, f"{role}@example.com")
    if filled:
        past = await make_past(
            quiet.pool, await quiet.pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'")
        )
        for name, state in (("a/b c?d=e&f", "dead"), ("b", "delivered"), ("c", "cancelled")):
            await past.end(await past.commit(datetime.now(UTC), [name]), state)
        await past.commit(datetime.now(UTC), ["waits"])
        gone = await make_past(quiet.pool, past.organization_id)
        admin = await enter(quiet)
        for each in (past, gone):
            for action in ("pause", "resume"):
                await admin.send("/me", f"/instances/{each.instance_id}/{action}")
        name = await quiet.pool.fetchval("SELECT name FROM instance WHERE id = $1", gone.instance_id)
        await admin.send("/me", f"/instances/{gone.instance_id}/delete", name=name)
        assert "is deleted" in await admin.read("/organization/audit")
    assert await follow_all(browser) == []
