"""A form that is sent when its session has ended: nothing is done, and nothing that was typed is lost or shown."""

from __future__ import annotations

import re
from html import unescape

import pytest

from signalpost.web import held
from signalpost.web.visits import SESSION_COOKIE
from tests.web.conftest import sign_in
from tests.web.consent import NEW, fill
from tests.web.test_accounts import PASSWORD, make_account

OWN = {"sec-fetch-site": "same-origin"}
INVITE = "/organization/invitations"


def read_form(page: str) -> tuple[str, dict[str, str]]:
    """Give where the only form of a page goes to, and its fields."""
    assert page.count("<form") == 1 + page.count('class="search"'), page
    action, body = re.search(
        r'<form[^>]*method="post" action="([^"]+)"[^>]*>(.*?)</form>', page, re.DOTALL
    ).groups()
    fields = dict(re.findall(r'name="(\w+)"(?: value="([^"]*)")?', body))
    return unescape(action), {name: unescape(value) for name, value in fields.items()}


async def sign_in_on(browser, answer, password=PASSWORD):
    """Sign in by the form of an answer."""
    action, fields = read_form(answer.text)
    sent = fields | {"email": "ada@example.com", "password": password}
    return await browser.client.post(action, data=sent, headers=OWN)


async def count(world, table):
    return await world.pool.fetchval(f"SELECT count(*) FROM {table}")


async def test_what_was_typed_before_the_session_ended_is_sent_after_signing_in(world, browser):
    form = fill(world, await browser.read(NEW), **{"configuration.oauth.api.secret": "a-typed-secret"})
    await make_account(world)  # and end all sessions
    page = {"referer": world.url + NEW}
    answer = await browser.client.post(NEW, data=form, headers=OWN | page)
    assert answer.status_code == 401
    assert "nothing was done yet" in answer.text
    wrong = await sign_in_on(browser, answer, "another password")
    assert wrong.status_code == 400
    right = await sign_in_on(browser, wrong)
    assert right.status_code == 200
    assert SESSION_COOKIE in right.headers["set-cookie"]
    assert f'href="{NEW}">Leave it' in right.text
    for each in (answer, wrong, right):
        assert not {"a-typed-secret", PASSWORD} & set(re.findall(r"[\w -]+", each.text))
        assert each.headers["cache-control"] == "no-store"
    assert await count(world, "connection") == 0
    action, fields = read_form(right.text)
    sent = await browser.client.post(action, data=fields, headers=OWN)
    assert sent.headers["location"].startswith("/connect/continue/")
    number = sent.headers["location"].rsplit("/", 1)[1]
    again = await browser.read(f"/connect/again/{number}")
    assert 'value="Acme Legal"' in again


async def test_what_was_typed_before_signing_in_anew_is_sent_when_that_is_said_again(quiet, enter):
    browser = await enter(quiet)
    await browser.read("/organization")
    old = re.search(r'name="csrf" value="(\w+)"', await browser.read("/organization"))[1]
    browser.client.cookies.update((await enter(quiet)).client.cookies)
    form = {"csrf": old, "email": "grace@example.com", "role": "viewer"}
    # Of what may be another site's, or brings nothing of a page of ours, nothing is held.
    for sent, headers in ((form, {}), (form, {"origin": "null"}), (form | {"csrf": ""}, OWN)):
        answer = await browser.client.post(INVITE, data=sent, headers=headers)
        assert answer.status_code == 403
        assert "held" not in answer.text
    answer = await browser.client.post(INVITE, data=form, headers=OWN)
    assert answer.status_code == 403
    assert await count(quiet, "invitation") == 0
    action, fields = read_form(answer.text)
    assert action == INVITE
    # It is good for what it was sent to, and for who may do that.
    elsewhere = await browser.client.post("/organization/secrets", data=fields, headers=OWN)
    assert elsewhere.status_code == 400
    assert (await browser.client.post(INVITE, data=fields | {"held": "gAAAAA"})).status_code == 400
    assert (await browser.client.post(INVITE, data=fields | {"csrf": ""})).status_code == 403
    made = await browser.client.post(action, data=fields, headers=OWN)
    assert "/invitation/" in made.text
    assert await quiet.pool.fetchval("SELECT email FROM invitation") == "grace@example.com"


@pytest.mark.parametrize("headers", [{}, {"origin": "null"}])
async def test_what_was_held_for_somebody_else_is_not_put_behind_a_button_by_another_site(
    quiet, enter, arrive, headers
):
    """Without TLS browsers name no site, and a page can have them name no origin."""
    stranger, browser = arrive(), await enter(quiet)
    form = {"csrf": "worn", "email": "mallory@example.com", "role": "admin"}
    _, fields = read_form((await stranger.client.post(INVITE, data=form, headers=OWN)).text)
    assert fields["typed"]
    for victim, status in ((browser, 403), (arrive(), 303)):
        sent = {"csrf": "worn", "held": fields["typed"]}
        answer = await victim.client.post(INVITE, data=sent, headers=headers)
        assert answer.status_code == status
        assert fields["typed"] not in answer.text


async def test_what_is_held_is_good_for_an_hour(quiet, enter, monkeypatch):
    browser = await enter(quiet)
    form = {"csrf": "worn", "email": "grace@example.com", "role": "viewer"}
    action, fields = read_form((await browser.client.post(INVITE, data=form, headers=OWN)).text)
    monkeypatch.setattr(held, "HELD_SECONDS", -1)
    answer = await browser.client.post(action, data=fields, headers=OWN)
    assert answer.status_code == 400
    assert "fill the form in anew" in answer.text
    assert await count(quiet, "invitation") == 0


async def test_who_signs_in_in_another_window_meanwhile_sends_it_from_the_page_left_open(quiet, arrive):
    await make_account(quiet)
    browser = arrive()
    form = {"csrf": "worn", "email": "grace@example.com", "role": "viewer"}
    asked = await browser.client.post(INVITE, data=form, headers=OWN)
    browser.client.cookies.clear()
    browser.client.cookies.update((await sign_in(quiet)).client.cookies)
    for _ in range(2):  # also of what is held already
        asked = await sign_in_on(browser, asked) if "password" in asked.text else asked
    action, fields = read_form(asked.text)
    browser.client.cookies.update((await sign_in(quiet)).client.cookies)
    asked = await browser.client.post(action, data=fields, headers=OWN)
    assert asked.status_code == 403
    action, fields = read_form(asked.text)
    assert "/invitation/" in (await browser.client.post(action, data=fields, headers=OWN)).text


@pytest.mark.parametrize("characters", [600_000, 900_000])
async def test_a_long_form_is_held_where_it_can_be_sent_again(quiet, enter, characters):
    browser = await enter(quiet)
    form = {"csrf": "worn", "email": "e" * characters, "role": "viewer"}
    answer = await browser.client.post(INVITE, data=form, headers=OWN)
    assert answer.status_code == 403
    if characters < held.MOST_HELD * 3 // 4:
        action, fields = read_form(answer.text)
        told = await browser.client.post(action, data=fields, headers=OWN)
        assert "must look like ada@example.com" in told.text
    else:
        assert 'name="held"' not in answer.text
        assert "open it again and send again" in answer.text
