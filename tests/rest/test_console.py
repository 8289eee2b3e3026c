"""Connecting a declared connector in the console: no consent page, secrets never shown, credentials changed by Edit."""

from __future__ import annotations

import asyncio
import re
from html import unescape

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


async def test_a_form_that_is_sent_again_makes_one_instance(open_desk):
    async with open_desk(auth="header") as desk:
        browser = await sign_in(desk.world)
        page = await browser.read(NEW)
        given = fields_of(page) | {"name": "The desk", "do": "create"}
        wrong, right = {"configuration.api.key": "wrong"}, {"configuration.api.key": "key-of-the-sandbox"}
        # What was refused may be sent again, as often as it takes.
        assert (await browser.client.post(NEW, data=given | wrong)).status_code == 400
        answers = await asyncio.gather(*(browser.client.post(NEW, data=given | right) for _ in range(3)))
        made = [answer.headers["location"] for answer in answers if answer.status_code == 303]
        assert made
        for answer in answers:
            assert answer.status_code in {303, 409}
        again = await browser.client.post(NEW, data=given | right)
        assert again.headers["location"] == made[0]
        other = await browser.client.post(NEW, data=given | right | {"name": "Another desk"})
        assert other.status_code == 409
        assert "this form was sent before" in unescape(other.text)
        assert await desk.world.pool.fetchval("SELECT count(*) FROM instance") == 1
        assert await desk.world.pool.fetchval("SELECT count(*) FROM audit") == 1
        # A new form makes another one.
        fresh = fields_of(await browser.read(NEW)) | {"name": "The desk", "do": "create"} | right
        assert (await browser.client.post(NEW, data=fresh)).status_code == 303
        assert await desk.world.pool.fetchval("SELECT count(*) FROM instance") == 2
        await browser.client.aclose()
