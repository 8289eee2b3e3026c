"""Connecting a declared connector in the console: no consent page, secrets never shown, credentials changed by Edit."""

from __future__ import annotations

import re

from tests.support import until
from tests.web.conftest import sign_in
from tests.web.consent import fields_of

NEW = "/instances/new?connector=desk"


async def test_a_connector_with_a_key_is_connected_and_mended_by_the_form(open_desk):
    async with open_desk(auth="header") as desk:
        browser = await sign_in(desk.world)
        told = await browser.read("/connectors/desk")
        assert "What connecting needs" in told
        assert not [word for word in ("redirect", "Saved applications", "connect link") if word in told]
        page = await browser.read(NEW)
        assert "consent" not in page
        assert "redirect" not in page
        given = fields_of(page) | {
            "name": "The desk",
            "configuration.api.key": "a-wrong-key-typed",
            "configuration.event.notification.callback.url": desk.world.listener.url,
            "configuration.event.notification.signature.key": "a signature key",
            "configuration.event.poller.refresh_interval": "0.01",
            "do": "create",
        }
        refused = await browser.client.post(NEW, data=given)
        assert refused.status_code == 400
        assert "refused the first call" in refused.text
        assert "a-wrong-key-typed" not in refused.text
        answer = await browser.client.post(NEW, data=given | {"configuration.api.key": "key-of-the-sandbox"})
        assert answer.status_code == 303, re.findall(r'<p class="error".*', answer.text)
        place = answer.headers["location"]
        number = int(place.rpartition("/")[2])
        await desk.world.wait_for_watermark(number)
        await desk.wait_for((await desk.change(subject="new"))["id"])

        desk.api.state.settings.api_key = "another-key-of-the-sandbox"
        await until(lambda: desk.world.pool.fetchval("SELECT count(*) FROM instance WHERE NOT valid"))
        mended = await browser.read(place)
        assert "Give new credentials" in mended
        assert "uthorise again" not in mended
        led = await browser.send(place, f"{place}/authorise")
        assert (led.status_code, led.headers["location"]) == (303, f"{place}/edit")
        edit = fields_of(await browser.read(f"{place}/edit")) | {
            "configuration.api.key": "another-key-of-the-sandbox",
            "do": "create",
        }
        saved = await browser.client.post(f"{place}/edit", data=edit)
        assert saved.status_code == 303, re.findall(r'<p class="error".*', saved.text)
        await desk.wait_for((await desk.change(subject="newer"))["id"])
        actions = await desk.world.pool.fetch("SELECT action FROM audit ORDER BY id")
        assert [row["action"] for row in actions] == ["instance.created", "instance.changed"]
        await browser.client.aclose()
