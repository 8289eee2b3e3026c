"""Connecting an instance through the console: form, consent at the provider, what went wrong."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from signalpost.web.routes.consent import CONSENT_COOKIE
from tests.support import until
from tests.web.conftest import sign_in
from tests.web.consent import NEW, consent, fill, read_url


async def begin(world, browser, **given) -> tuple[str, str]:
    """Send the form; give the page that leads on, and the consent page's address."""
    page = await browser.read(NEW)
    answer = await browser.client.post(NEW, data=fill(world, page, **given))
    assert answer.status_code == 303, re.findall(r'<p class="error".*', answer.text)
    way = answer.headers["location"]
    return way, read_url(await browser.read(way))


async def test_an_instance_is_connected_and_its_events_arrive(world, browser):
    way, url = await begin(world, browser, tags="Test, two")
    assert f"redirect_uri={world.url.replace(':', '%3A').replace('/', '%2F')}%2Foauth%2Fcallback" in url
    # Nothing of it stands in the database readably, and the form's page has no secret.
    waiting = await world.pool.fetchrow("SELECT * FROM connection")
    assert b'"secret"' not in bytes(waiting["wish"])
    answer = await browser.client.get(way)
    assert answer.headers["refresh"].startswith("0; url=http")
    back = await consent(browser.client, url)
    assert back.status_code == 303, back.text
    instance = await world.pool.fetchrow("SELECT id, name, tags, account_label, valid FROM instance")
    assert back.headers["location"] == f"/instances/{instance['id']}"
    assert (instance["name"], instance["tags"], instance["valid"]) == ("Acme Legal", ["Test", "two"], True)
    assert "is connected as" in await browser.read(back.headers["location"])
    await world.wait_for_watermark(instance["id"])
    await world.change(3)
    await until(lambda: len(world.events()) == 3)
    # Used once: coming back again leads to what it made; the wish is gone.
    again = await consent(browser.client, url)
    assert again.headers["location"] == f"/instances/{instance['id']}"
    assert await world.pool.fetchval("SELECT wish FROM connection") == b""
    assert await world.pool.fetchval("SELECT count(*) FROM instance") == 1
    audit = await world.pool.fetchrow("SELECT action, instance_id, email FROM audit")
    assert tuple(audit) == ("instance.created", instance["id"], "ada@example.com")


async def test_errors_stand_at_their_field_and_nothing_typed_is_lost_or_shown(world, browser):
    page = await browser.read(NEW)
    assert len(page) < 100_000
    assert '<a href="/connectors/egnyte" target="_blank">' in page
    assert "Every 15 min = 96 of 1,000 calls a day" in page
    wrong = fill(
        world,
        page,
        **{
            "name": "",
            "configuration.subdomain": "",
            "configuration.oauth.api.secret": "typed-secret",
            "tags": "<script>alert(1)</script>",
        },
    )
    answer = await browser.client.post(NEW, data=wrong)
    assert answer.status_code == 400
    assert "There are problems" in answer.text
    assert 'href="#configuration.subdomain"' in answer.text
    assert "typed-secret" not in answer.text
    assert "<script>alert" not in answer.text
    # What was typed and is not shown is kept: the form can be sent again with it left empty.
    mended = fill(
        world,
        answer.text,
        **{
            "configuration.subdomain": "acme/evil",
            "configuration.oauth.api.secret": "",
            "configuration.event.notification.callback.url": "ftp://example.com",
        },
    )
    answer = await browser.client.post(NEW, data=mended)
    assert answer.status_code == 400
    assert "is not an Egnyte subdomain" in answer.text
    assert "API Secret: it is missing" not in answer.text
    assert 'value="acme/evil"' in answer.text
    assert await world.pool.fetchval("SELECT count(*) FROM connection") == 0


@pytest.mark.parametrize("instant", ["", "yesterday"])
async def test_an_instant_that_is_missing_or_wrong_is_told_at_its_field(world, browser, instant):
    page = await browser.read(NEW)
    answer = await browser.client.post(NEW, data=fill(world, page, start="instant", start_at=instant))
    assert answer.status_code == 400
    assert 'href="#start_at"' in answer.text
    assert 'id="start_at-error"' in answer.text
    assert await world.pool.fetchval("SELECT count(*) FROM connection") == 0


async def test_json_that_is_wrong_is_told_at_its_line(world, browser):
    page = await browser.read(NEW)
    key = "configuration.event.poller.configuration"
    text = '{\n  "events": {\n    "url": "/hubs/documents/events",,\n  }\n}'
    answer = await browser.client.post(NEW, data=fill(world, page, pane="json", **{key: text}))
    assert answer.status_code == 400
    assert "Configure Polling: line 3, column" in answer.text
    assert "3 | &#34;url&#34;" in answer.text
    text = '{\n  "events": {"url": "/hubs/documents/events"},\n  "mine": {\n    "url": "/hubs/documents/nowhere"\n  }\n}'
    answer = await browser.client.post(NEW, data=fill(world, page, pane="json", **{key: text}))
    assert "Configure Polling: line 4: mine.url:" in answer.text
    hostile = '{"\\"><script>alert(1)</script>": {"url": "/hubs/documents/events?folder=</textarea><b>"}}'
    shown = await browser.client.post(NEW, data=fill(world, page, pane="json", do="key", **{key: hostile}))
    assert "&lt;script&gt;alert" in shown.text
    assert "<script>alert" not in shown.text
    assert "</textarea><b>" not in shown.text
    # The name of one's own has a row too, and what stands in the JSON stands in the fields.
    assert 'value="/hubs/documents/nowhere"' in answer.text


async def test_check_boxes_become_json_and_what_they_do_not_show_stays(world, browser):
    page = await browser.read(NEW)
    key = "configuration.event.poller.configuration"
    text = '{"events": {"url": "/hubs/documents/events", "pageSize": 7}}'
    sent = fill(world, page, do="key", **{key: text, "resource.2": "true", "resource.2.strategy": "snapshot"})
    answer = await browser.client.post(NEW, data=sent)
    shown = re.search(
        r"<textarea[^>]*event\.poller\.configuration[^>]*>(.*?)</textarea>", answer.text, re.DOTALL
    )[1]
    assert "&#34;pageSize&#34;: 7" in shown
    assert "&#34;strategy&#34;: &#34;snapshot&#34;" in shown
    assert "/hubs/documents/users" in shown
    assert "Every 600 ms = 288,000 of 1,000 calls a day" in answer.text
    sent = fill(world, page, do="create") | {"resource.0": []}
    answer = await browser.client.post(NEW, data=sent)
    assert "nothing is chosen" in answer.text


async def test_the_callback_is_tried_and_a_key_is_made_on_the_page(world, browser):
    page = await browser.read(NEW)
    answer = await browser.client.post(NEW, data=fill(world, page, do="test"))
    assert "answered 200" in answer.text
    assert len(world.listener.received) == 1
    gone = {"configuration.event.notification.callback.url": world.sandbox.url + "/nothing"}
    assert "answered 404" in (await browser.client.post(NEW, data=fill(world, page, do="test", **gone))).text
    answer = await browser.client.post(NEW, data=fill(world, page, do="key"))
    made = re.search(r'signature\.key" value="([\w-]{40,})"', answer.text)[1]
    again = await browser.client.post(
        NEW,
        data=fill(world, answer.text, do="test", **{"configuration.event.notification.signature.key": made}),
    )
    assert made not in again.text
    assert "One is kept and not shown" in again.text


async def test_refusals_are_told_in_the_providers_words_and_can_be_tried_again(world, browser):
    _, url = await begin(world, browser)
    back = await consent(browser.client, url, decision="deny")
    state = dict(parse_qsl(urlsplit(url).query))["state"]
    odd = {"error": "x", "error_description": "a\x00b <i>c</i>\u202e", "state": state}
    shown = await browser.client.get("/oauth/callback", params=odd, follow_redirects=True)
    assert "x: a b &lt;i&gt;c&lt;/i&gt;" in shown.text
    back = await consent(browser.client, url, decision="deny")
    result = await browser.read(back.headers["location"])
    assert "Access was denied on the consent page of Egnyte" in result
    assert "<q>access_denied</q>" in result
    way = re.search(r'href="(/connect/continue/[\w-]+)"', result)[1]
    again = re.search(r'href="(/connect/again/[\w-]+)"', result)[1]
    form = await browser.read(again)
    assert 'value="Acme Legal"' in form
    assert "a signature key" not in form
    # The same connection, tried again.
    back = await consent(browser.client, read_url(await browser.read(way)))
    assert re.fullmatch(r"/instances/\d+", back.headers["location"])

    _, url = await begin(world, browser, **{"configuration.oauth.api.secret": "wrong-secret"})
    back = await consent(browser.client, url)
    result = await browser.read(back.headers["location"])
    assert "most often key or secret of the application are wrong" in result
    assert "invalid_client" in result
    assert "wrong-secret" not in result
    form = await browser.read(re.search(r'href="(/connect/again/[\w-]+)"', result)[1])
    sent = fill(world, form, name="Second")
    back = await consent(
        browser.client,
        read_url(await browser.read((await browser.client.post(NEW, data=sent)).headers["location"])),
    )
    assert re.fullmatch(r"/instances/\d+", back.headers["location"])


async def test_only_the_browser_that_went_comes_back_and_one_of_two_wins(world, browser):
    _, url = await begin(world, browser)
    other = await sign_in(world, "admin", "grace@example.com")
    answer = await consent(other.client, url)
    assert answer.status_code == 403
    assert "begun in another browser" in answer.text
    await other.client.aclose()
    tampered = await browser.client.get("/oauth/callback?code=x&state=abc")
    assert tampered.status_code == 400
    assert await world.pool.fetchval("SELECT count(*) FROM instance") == 0
    assert browser.client.cookies.get(CONSENT_COOKIE)
    answers = await asyncio.gather(*(consent(browser.client, url) for _ in range(3)))
    assert await world.pool.fetchval("SELECT count(*) FROM instance") == 1
    assert min(each.status_code for each in answers) == 303
    assert {each.status_code for each in answers} <= {303, 409}


async def test_what_has_expired_is_told(world, browser):
    way, url = await begin(world, browser)
    await world.pool.execute("UPDATE connection SET expires_at = now() - interval '1 minute'")
    answer = await consent(browser.client, url)
    assert answer.status_code == 409
    assert "has expired" in answer.text
    assert "more than an hour ago" in await browser.read(way, 400)


async def test_a_viewer_connects_nothing_and_a_form_needs_its_token(world, browser):
    viewer = await sign_in(world, "viewer", "vi@example.com")
    assert "needs the role operator" in await viewer.read(NEW, 403)
    instance = await world.connect()
    place = f"/instances/{instance['id']}"
    for action in (NEW, f"{place}/edit", f"{place}/authorise", "/connect/links/withdraw"):
        assert (await viewer.client.post(action, data={"do": "create"})).status_code == 403
        assert (await browser.client.post(action, data={"do": "create"})).status_code == 403
    await viewer.read(f"{place}/edit", 403)
    assert 'href="/instances/new' not in await viewer.read("/connectors")
    await viewer.client.aclose()


async def test_a_saved_application_is_used_without_being_shown(world, browser):
    _, url = await begin(world, browser, save_as="Main")
    assert await world.pool.fetchval("SELECT count(*) FROM application") == 0
    await consent(browser.client, url)
    number = await world.pool.fetchval("SELECT id FROM application WHERE name = 'Main'")
    page = await browser.read(NEW)
    assert f'value="{number}" selected' in page
    own = {"configuration.oauth.api.key": "", "configuration.oauth.api.secret": "", "name": "Second"}
    _, url = await begin(world, browser, **own)
    back = await consent(browser.client, url)
    assert re.fullmatch(r"/instances/\d+", back.headers["location"])
    answer = await browser.client.post(NEW, data=fill(world, page, application="", save_as="Main"))
    assert "of that name is saved already" in answer.text
    answer = await browser.client.post(NEW, data=fill(world, page, application="99"))
    assert "it was deleted meanwhile" in answer.text


async def test_real_events_are_looked_at_before_anything_is_made(world, browser):
    await world.change(5)
    _, url = await begin(world, browser, begin="look", do="create")
    back = await consent(browser.client, url)
    assert back.headers["location"].startswith("/connect/again/")
    assert await world.pool.fetchval("SELECT count(*) FROM instance") == 0
    page = await browser.read(back.headers["location"])
    assert "Real events" in page
    assert (
        page.count("<td>CREATED</td>") + page.count("<td>UPDATED</td>") + page.count("<td>DELETED</td>") >= 5
    )
    empty = dict.fromkeys(("configuration.oauth.api.key", "configuration.oauth.api.secret"), "")
    sent = fill(world, page, do="preview", **empty, **{"resource.2": "true"})
    again = await browser.client.post(NEW, data=sent)
    assert again.status_code == 200, again.text
    assert "<h3>users" in again.text
    made = await browser.client.post(NEW, data=fill(world, again.text, **empty))
    assert re.fullmatch(r"/instances/\d+", made.headers["location"])
    assert await world.pool.fetchval("SELECT count(*) FROM resource_poll") == 2
