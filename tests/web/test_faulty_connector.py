"""A connector of another package whose code raises, or that is not installed any more: each page says so."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest

from tests.web.consent import NEW, consent, fill, read_url

SECRET = "hunter2"


def fail(*_, **__):
    raise KeyError(SECRET)


async def begin(world, browser, **given) -> httpx.Response:
    return await browser.client.post(NEW, data=fill(world, await browser.read(NEW), **given))


@pytest.mark.parametrize("method", ["find_host", "find_authorization"])
async def test_every_page_of_a_connection_tells_it_and_goes_on_once_it_is_mended(
    world, browser, monkeypatch, method
):
    instance = await world.connect()
    way = (await begin(world, browser)).headers["location"]
    link = unescape(
        re.search(r"<code>(http[^<]+/connect/[^<]+)</code>", (await begin(world, browser, do="link")).text)[1]
    )
    looked = (await begin(world, browser, begin="look")).headers["location"]
    again = (await consent(browser.client, read_url(await browser.read(looked)))).headers["location"]
    empty = {"configuration.oauth.api.key": "", "configuration.oauth.api.secret": ""}
    form = fill(world, await browser.read(again), do="preview", **empty)

    connector = world.service.app.console.state.parts.api.registry.find("egnyte")
    with monkeypatch.context() as patched:
        patched.setattr(connector, method, fail, raising=False)
        asked = [
            await browser.client.get(way),
            await browser.client.get(link),
            await browser.client.get(f"{link}/go"),
        ]
        if method == "find_host":  # these ask for nothing else
            asked.append(await browser.send(NEW, f"/instances/{instance['id']}/authorise", do="link"))
            asked.append(await browser.client.post(NEW, data=form))
            edit = f"/instances/{instance['id']}/edit"
            asked.append(await browser.client.post(edit, data=fill(world, await browser.read(edit), **empty)))
        for answer in asked:
            assert answer.status_code == 400, (str(answer.url), answer.status_code)
            assert "the connector failed: find_" in answer.text, answer.text
            assert SECRET not in answer.text
    assert (await browser.client.get(link)).status_code == 200
    assert (await consent(browser.client, read_url(await browser.read(way)))).status_code == 303


async def test_what_needs_a_connector_that_is_not_installed_any_more_says_so(world, browser, monkeypatch):
    instance = await world.connect()
    place = f"/instances/{instance['id']}"
    way = (await begin(world, browser)).headers["location"]
    number = way.rpartition("/")[2]
    link = unescape(
        re.search(r"<code>(http[^<]+/connect/[^<]+)</code>", (await begin(world, browser, do="link")).text)[1]
    )
    url = read_url(await browser.read(way))
    asked = (await browser.client.get(f"{link}/go")).headers["location"]
    csrf = {"csrf": re.search(r'name="csrf" value="(\w+)"', await browser.read("/me"))[1]}
    monkeypatch.setattr(world.service.app.console.state.parts.api.registry, "_connectors", {})
    assert "Not installed" in await browser.read(place)
    for answer in (
        await browser.client.get(f"{place}/edit"),
        await browser.client.post(f"{place}/edit", data=csrf),
        await browser.client.post(f"{place}/authorise", data=csrf),
        await browser.client.get(way),
        await browser.client.get(f"/connect/again/{number}"),
        await browser.client.get(f"/connect/result/{number}"),
        await consent(browser.client, url, decision="deny"),
    ):
        assert answer.status_code == 409, (str(answer.url), answer.status_code)
        assert "The connector &#39;egnyte&#39; is not installed" in answer.text
    # Who was sent a link can install nothing here.
    for answer in (
        await browser.client.get(link),
        await browser.client.get(f"{link}/go"),
        await consent(browser.client, asked),
    ):
        assert answer.status_code == 409, (str(answer.url), answer.status_code)
        assert "is not installed" not in answer.text
        assert "tell ada@example.com, who made it" in answer.text
