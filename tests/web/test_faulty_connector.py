"""A connector of another package whose code raises: each page that asks it says so, without its words."""

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
