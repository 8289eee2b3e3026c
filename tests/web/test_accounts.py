"""Accounts: the first one, signing in and out, invitations, one's own page."""

from __future__ import annotations

import asyncio
import re
import sys
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from signalpost.accounts.rules import FormError
from signalpost.model.errors import NotFoundError
from signalpost.web.visits import SESSION_COOKIE, VISITOR_COOKIE
from tests.processes import environment
from tests.support import write_url
from tests.web.conftest import sign_in

PASSWORD = "four words in a row"


async def make_account(world, email="ada@example.com", role="admin", password=PASSWORD) -> None:
    """Give a member a real password, without a page."""
    browser = await sign_in(world, role, email)
    await browser.client.aclose()
    accounts = world.service.accounts
    hashed = await accounts.joining._passwords.hash(password)
    await world.pool.execute("UPDATE member SET password_hash = $2 WHERE email = $1", email, hashed)
    await world.pool.execute("DELETE FROM session")


async def sign_in_by_form(browser, email="ada@example.com", password=PASSWORD, **fields):
    return await browser.send("/sign-in", "/sign-in", email=email, password=password, **fields)


async def test_the_first_account_is_made_by_a_link_that_is_good_once(world, arrive):
    joining = world.service.accounts.joining
    older = await joining.make_set_up()
    token = await joining.make_set_up()
    first, second = arrive(), arrive()
    assert "This link is no longer good" in await first.read(f"/setup/{older}", 404)
    page = f"/setup/{token}"
    assert 'value="Acme"' in await first.read(page)  # the only organization there is
    answer = await first.send(page, page, organization="Acme", email="<b>@x", password="short")
    assert answer.status_code == 400
    assert "12 characters or more" in answer.text
    assert "&lt;b&gt;@x" in answer.text
    assert "<b>@x" not in answer.text
    fields = {"organization": "Acme", "email": "ADA@example.com", "password": PASSWORD}
    await second.read(page)
    answers = await asyncio.gather(
        first.send(page, page, **fields),
        second.send(page, page, **{**fields, "email": "eve@example.com"}),
        return_exceptions=True,
    )
    statuses = sorted(a.status_code for a in answers if isinstance(a, httpx.Response))
    assert 303 in statuses
    assert statuses.count(303) == 1
    assert await world.pool.fetchval("SELECT count(*) FROM member WHERE password_hash IS NOT NULL") == 1
    assert await world.pool.fetchval("SELECT count(*) FROM organization") == 1
    assert await joining.make_set_up() is None
    winner = first if SESSION_COOKIE in first.client.cookies else second
    assert "Your account is made, in Acme" in await winner.read("/")
    assert "member.joined" in await winner.read("/organization/audit")


async def test_who_has_api_secrets_already_gets_the_password_and_keeps_them(world, arrive):
    token = await world.service.accounts.joining.make_set_up()
    browser = arrive()
    page = f"/setup/{token}"
    answer = await browser.send(page, page, organization="Acme", email="ADA@example.com", password=PASSWORD)
    assert answer.status_code == 303
    rows = await world.pool.fetch("SELECT email FROM member")
    assert [row["email"] for row in rows] == ["ada@example.com"]
    assert (await world.client.get("/instances")).status_code == 200


async def test_signing_in_opens_a_new_session_and_leads_on(world, arrive):
    await make_account(world)
    browser = arrive()
    for path, led in [
        ("/organization?x=1", "/organization?x=1"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\t/evil.example", "/"),
    ]:
        browser.client.cookies.set(SESSION_COOKIE, "planted by somebody")
        answer = await sign_in_by_form(browser, email="ADA@Example.com ", next=path)
        assert (answer.status_code, answer.headers["location"]) == (303, led)
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        token = re.search(rf"{SESSION_COOKIE}=([\w-]+)", cookie)[1]
        assert token != "planted by somebody"
        browser.client.cookies.clear()
        browser.client.cookies.set(SESSION_COOKIE, token)
        assert (await browser.client.get("/sign-in?next=/me")).headers["location"] == "/me"
        # Signing in anew ends the session that this browser had.
        assert await world.pool.fetchval("SELECT count(*) FROM session") == 1
        await browser.send("/me", "/sign-out")
        assert await world.pool.fetchval("SELECT count(*) FROM session") == 0
        browser.client.cookies.clear()


async def test_who_signs_in_anew_or_is_removed_leaves_no_session_behind(quiet, arrive):
    await make_account(quiet)
    browser, other = arrive(), arrive()
    await sign_in_by_form(browser)
    assert VISITOR_COOKIE not in browser.client.cookies
    before = browser.client.cookies[SESSION_COOKIE]
    csrf = re.search(r'name="csrf" value="(\w+)"', await browser.read("/me"))[1]
    # As from a sign-in page that was opened before, in another window.
    given = {"csrf": csrf, "email": "ada@example.com", "password": PASSWORD}
    assert (await browser.client.post("/sign-in", data=given)).status_code == 303
    assert browser.client.cookies[SESSION_COOKIE] != before
    other.client.cookies.set(SESSION_COOKIE, before)
    assert (await other.client.get("/me")).status_code == 303
    for gone in ("removed_at = now()", "password_hash = NULL"):
        await browser.read("/me")
        await quiet.pool.execute(f"UPDATE member SET {gone}")
        assert (await browser.client.get("/me")).status_code == 303
        await quiet.pool.execute("UPDATE member SET removed_at = NULL")


async def test_a_form_without_its_token_or_from_another_site_is_refused(world, arrive):
    await make_account(world)
    browser = arrive()
    await browser.read("/sign-in")
    fields = {"email": "ada@example.com", "password": PASSWORD}
    assert (await browser.client.post("/sign-in", data=fields)).status_code == 403
    found = re.search(r'name="csrf" value="(\w+)"', await browser.read("/sign-in"))
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = await browser.client.post("/sign-in", data={**fields, "csrf": found[1]}, headers=headers)
        assert answer.status_code == 403
    assert await world.pool.fetchval("SELECT count(*) FROM session") == 0


async def test_who_signed_in_in_another_window_goes_on_from_a_sign_in_page_left_open(world, arrive):
    await make_account(world)
    browser = arrive()
    path = "/sign-in?next=%2Fevents"
    found = re.search(r'name="csrf" value="(\w+)"', await browser.read(path))
    fields = {"email": "ada@example.com", "password": PASSWORD, "csrf": found[1], "next": "/events"}
    left_open = dict(fields)
    assert (await browser.client.post("/sign-in", data=fields)).headers["location"] == "/events"
    page = {"referer": world.url + path}
    answer = await browser.client.post("/sign-in", data=left_open, headers=page)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert (await browser.client.get(path)).headers["location"] == "/events"
    assert "You are signed in already" in await browser.read("/events")
    assert await world.pool.fetchval("SELECT count(*) FROM session") == 1


async def test_a_session_ends_when_it_is_old_and_is_swept(world, arrive):
    await make_account(world)
    browser = arrive()
    await sign_in_by_form(browser)
    await browser.read("/me")
    await world.pool.execute("UPDATE session SET expires_at = $1", datetime.now(UTC) - timedelta(seconds=1))
    assert (await browser.client.get("/me")).status_code == 303
    assert (await sign_in_by_form(browser)).status_code == 303  # with the old cookie still there
    assert await world.pool.fetchval("SELECT count(*) FROM session") == 1


async def test_ones_own_page_sessions_password_and_appearance(world, arrive):
    await make_account(world)
    here, there = arrive(), arrive()
    there.client.headers["user-agent"] = "Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0 <script>"
    await sign_in_by_form(here)
    await sign_in_by_form(there)
    text = await here.read("/me")
    assert "this one" in text
    assert "Firefox on Linux" in text
    session_id = re.search(r"/me/sessions/(\d+)/end", text)[1]
    other = await sign_in(world, "viewer", "bea@example.com")
    answer = await other.send("/me", f"/me/sessions/{session_id}/end")
    assert answer.status_code == 404  # somebody else's
    assert (await here.send("/me", f"/me/sessions/{session_id}/end")).status_code == 303
    assert (await there.client.get("/me")).status_code == 303

    await sign_in_by_form(there)
    new = "another five words in a row"
    wrong = await here.send("/me", "/me/password", old_password="no", new_password=new)
    assert (wrong.status_code, "not your present password" in wrong.text) == (400, True)
    same = await here.send("/me", "/me/password", old_password=PASSWORD, new_password="ada@example.com")
    assert "another one than the e-mail address" in same.text
    done = await here.send("/me", "/me/password", old_password=PASSWORD, new_password=new)
    assert done.status_code == 303
    assert "your other sessions have ended" in await here.read("/me")
    assert (await there.client.get("/me")).status_code == 303
    assert (await sign_in_by_form(there)).status_code == 400
    assert (await sign_in_by_form(there, password=new)).status_code == 303

    await here.send("/me", "/me/appearance", appearance="dark")
    assert 'data-appearance="dark"' in await here.read("/me")
    assert (await here.send("/me", "/me/sign-out-everywhere")).headers["location"] == "/sign-in"
    assert 'data-appearance="dark"' in await here.read("/sign-in")
    assert (await there.client.get("/me")).status_code == 303
    away = await here.send("/sign-in", "/me/appearance", appearance="light", next="/sign-in")
    assert away.headers["location"] == "/sign-in"
    assert 'data-appearance="light"' in await here.read("/sign-in")
    await other.client.aclose()


async def test_a_password_hashed_by_older_parameters_is_hashed_anew(world, arrive):
    from argon2 import PasswordHasher

    await make_account(world)
    old = PasswordHasher(time_cost=1, memory_cost=512).hash(PASSWORD)
    await world.pool.execute("UPDATE member SET password_hash = $1", old)
    browser = arrive()
    assert (await sign_in_by_form(browser)).status_code == 303
    assert "m=1024," in await world.pool.fetchval("SELECT password_hash FROM member")
    await browser.read("/me")


@pytest.mark.parametrize(
    ("composed", "decomposed"), [("caf\u00e9 caf\u00e9 caf\u00e9", "cafe\u0301 cafe\u0301 cafe\u0301")]
)
async def test_a_password_is_the_same_however_a_keyboard_composes_it(world, composed, decomposed, arrive):
    await make_account(world, password=composed)
    browser = arrive()
    assert (await sign_in_by_form(browser, password=decomposed)).status_code == 303


async def test_who_runs_the_machine_sets_another_password_and_all_sessions_end(world, database, arrive):
    await make_account(world)
    browser, other = arrive(), arrive()
    await sign_in_by_form(browser)
    settings = environment(database_url=write_url(database))

    async def reset(email, line):
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "signalpost", "credentials", "password", "--email", email],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=settings,
        )
        output, errors = await process.communicate(line)
        return process.returncode, output.decode(), errors.decode()

    signing = world.service.accounts.signing
    with pytest.raises(NotFoundError, match="no account has the e-mail address 'eve"):
        await signing.reset_password("eve@example.com", "four other words now")
    with pytest.raises(FormError, match="12 characters or more"):
        await signing.reset_password("ada@example.com", "short")
    await browser.read("/me")
    code, output, errors = await reset("ADA@example.com", b"four other words now\n")
    assert (code, output) == (0, "ada@example.com signs in with the new password from now on\n"), errors
    assert (await browser.client.get("/me")).headers["location"].startswith("/sign-in")
    assert (await sign_in_by_form(other)).status_code == 400
    assert (await sign_in_by_form(other, password="four other words now")).status_code == 303
