"""What is wrong with a value of the form stands at its field, and at the top by the field's label."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.web.consent import NEW, fill

WRONG = {
    "subdomain": "acme/evil",
    "event.notification.callback.url": "ftp://example.com",
    "event.notification.operations.url": "example.com/told",
    "event.notification.callback.headers": "no colon",
    "event.notification.basic.username": "a:b",
    "event.notification.rate": "-4",
    "event.notification.concurrency": "0",
    "event.notification.format": "XML",
    "event.notification.raw": "some",
    "event.notification.ordering": "any",
    "event.notification.failure.policy": "forget",
    "event.poller.refresh_interval": "often",
    "event.poller.configuration": '{"events": {"url": 1}}',
}
LABEL = 'label for="configuration.{key}">([^<]+?) ?<'


async def find_misplaced(browser, path, page, sent, key):
    """Send a form with one wrong value; give what the answer says elsewhere than it should."""
    answer = await browser.client.post(path, data=sent)
    label = unescape(re.search(LABEL.format(key=re.escape(key)), page)[1])
    told = re.findall(r'<li><a href="#([^"]+)">([^<]+)</a>', answer.text)
    wanted = [f"configuration.{key}"]
    at_field = f'id="configuration.{key}-error"' in answer.text
    if answer.status_code == 400 and at_field and [place for place, _ in told] == wanted:
        words = unescape(told[0][1])
        return None if words.startswith(f"{label}: ") and "configuration." not in words else words
    return answer.status_code, at_field, told


async def test_each_value_that_is_wrong_is_told_at_its_field(world, browser):
    place = f"/instances/{(await world.connect())['id']}/edit"
    kept = {"configuration.oauth.api.key": "", "configuration.oauth.api.secret": ""}
    misplaced = {}
    for path, given in ((NEW, {}), (place, kept)):
        page = await browser.read(path)
        for key, value in WRONG.items():
            if path == place and key == "subdomain":
                continue  # an instance keeps its account
            sent = fill(world, page, **given, **{f"configuration.{key}": value})
            sent |= {"pane": "json"} if key == "event.poller.configuration" else {}
            if wrong := await find_misplaced(browser, path, page, sent, key):
                misplaced[path, key] = wrong
    assert misplaced == {}


@pytest.mark.parametrize("url", ["ftp://example.com", "http://127.0.0.1:9/"])
@pytest.mark.parametrize("button", ["create", "test"])
async def test_a_callback_url_that_is_refused_is_told_at_its_field(make_world, enter, url, button):
    key = "event.notification.callback.url"
    async with make_world(roles=frozenset(), allow_private_networks=False) as world:
        browser = await enter(world)
        page = await browser.read(NEW)
        sent = fill(world, page, do=button, **{f"configuration.{key}": url})
        assert await find_misplaced(browser, NEW, page, sent, key) is None
