"""The organization's pages: members, invitations, secrets of the API, the audit trail."""

from __future__ import annotations

import asyncio
import html
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from signalpost.model.errors import ForbiddenError
from signalpost.web.visits import SESSION_COOKIE
from tests.support import authorize
from tests.web.conftest import sign_in

PASSWORD = "four words in a row"


async def invite(browser, **fields) -> str:
    answer = await browser.send("/organization", "/organization/invitations", **fields)
    assert answer.status_code == 200, answer.text
    return re.search(r"http://[^/]+(/invitation/[\w-]+)", answer.text)[1]


async def member_id(world, email) -> int:
    return await world.pool.fetchval("SELECT id FROM member WHERE email = $1", email)


async def test_somebody_is_invited_by_a_link_that_is_good_once(world, browser, arrive):
    link = await invite(browser, email="", role="operator")
    token = link.rsplit("/", 1)[1]
    listed = await browser.read("/organization")
    assert "whoever has the link" in listed
    assert token not in listed
    one, two = arrive(), arrive()
    text = await one.read(link)
    assert "ada@example.com invites you into Acme, with the role operator" in text
    await two.read(link)
    answers = await asyncio.gather(
        *[
            somebody.send(link, link, email=f"{name}@example.com", password=PASSWORD)
            for somebody, name in [(one, "bea"), (two, "cem")]
        ],
        return_exceptions=True,
    )
    done = [a.status_code for a in answers if isinstance(a, httpx.Response)]
    assert done.count(303) == 1
    assert await world.pool.fetchval("SELECT count(*) FROM member WHERE role = 'operator'") == 1
    assert "This link is no longer good" in await arrive().read(link, 404)
    joined = one if "signalpost_session" in one.client.cookies else two
    assert "An admin invites others" in await joined.read("/organization")
    await joined.read("/organization/secrets", 403)
    for path in ("/organization/invitations", "/organization/secrets"):
        assert (await joined.send("/me", path, role="admin")).status_code == 403


async def test_an_invitation_for_an_address_is_for_that_one(world, browser, arrive):
    link = await invite(browser, email="dan@example.com", role="viewer")
    guest = arrive()
    answer = await guest.send(link, link, email="eve@example.com", password="short")
    assert (answer.status_code, "12 characters" in answer.text) == (400, True)
    assert (await guest.send(link, link, email="eve@example.com", password=PASSWORD)).status_code == 303
    assert await member_id(world, "dan@example.com")
    assert await member_id(world, "eve@example.com") is None
    again = await browser.send(
        "/organization", "/organization/invitations", email="DAN@example.com", role="viewer"
    )
    assert (again.status_code, "dan@example.com is a member already" in again.text) == (400, True)
    odd = await browser.send("/organization", "/organization/invitations", email="<script>@@", role="emperor")
    assert odd.status_code == 400
    assert "&lt;script&gt;@@" in odd.text
    assert "<script>@@" not in odd.text


@pytest.mark.parametrize("how", ["withdrawn", "old"])
async def test_an_invitation_ends(world, browser, how, arrive):
    link = await invite(browser, role="admin")
    if how == "withdrawn":
        path = re.search(r"/organization/invitations/\d+/withdraw", await browser.read("/organization"))[0]
        assert (await browser.send("/organization", path)).status_code == 303
        assert (await browser.send("/organization", path)).status_code == 404
    else:
        await world.pool.execute("UPDATE invitation SET expires_at = $1", datetime.now(UTC) - timedelta(1))
    assert "Invitations that wait" not in await browser.read("/organization")
    guest = arrive()
    await guest.read(link, 404)
    answer = await guest.send("/sign-in", link, email="eve@example.com", password=PASSWORD)
    assert answer.status_code == 404
    assert await member_id(world, "eve@example.com") is None


async def test_a_link_without_an_address_makes_nobody_into_a_member_there_is(world, browser, arrive):
    await world.service.organizations.create_credentials("Acme", "ops@example.com")
    link = await invite(browser, role="admin")
    guest = arrive()
    for email in ("ops@example.com", "ADA@example.com"):
        answer = await guest.send(link, link, email=email, password=PASSWORD)
        assert (answer.status_code, "already" in answer.text) == (400, True)
    named = await browser.send(
        "/organization", "/organization/invitations", email="ops@example.com", role="viewer"
    )
    assert "with the role admin: invite with that role" in named.text
    link = await invite(browser, email="ops@example.com", role="admin")
    assert (await guest.send(link, link, password=PASSWORD)).status_code == 303
    assert await world.pool.fetchval("SELECT count(*) FROM member WHERE email = 'ops@example.com'") == 1


async def test_a_role_is_changed_at_once_and_who_is_no_admin_loses_the_secrets(world, browser, arrive):
    bea = await sign_in(world, "admin", "bea@example.com")
    secrets = await world.service.organizations.create_credentials("Acme", "bea@example.com")
    headers = {"Authorization": authorize(secrets)}
    link = await invite(bea, role="admin")
    number = await member_id(world, "bea@example.com")
    page = f"/organization/members/{number}"
    assert "1 user secret of the API" in await browser.read(page)
    assert (await browser.send(page, f"{page}/role", role="emperor")).status_code == 400
    assert (await browser.send(page, f"{page}/role", role="viewer")).status_code == 303
    assert "bea@example.com has the role viewer now" in await browser.read("/organization")
    await bea.read(page, 403)
    assert (await bea.send("/me", f"{page}/role", role="admin")).status_code == 403
    assert (
        await world.outside.get(world.url + "/elements/api-v2/instances", headers=headers)
    ).status_code == 401
    await arrive().read(link, 404)
    assert "changed the role of bea@example.com from admin to viewer; 1 user secrets ended" in (
        await browser.read("/organization/audit")
    )
    await bea.client.aclose()


async def test_the_last_admin_stays_whatever_two_admins_do_at_once(world, browser):
    ada = await member_id(world, "ada@example.com")
    await world.service.organizations.create_credentials("Acme", "calls-the-api-only@example.com")
    page = f"/organization/members/{ada}"
    for action, fields in [("role", {"role": "viewer"}), ("remove", {})]:
        answer = await browser.send(page, f"{page}/{action}", **fields)
        assert answer.status_code == 409
        assert "the last admin who can sign in" in html.unescape(answer.text)
    bea = await sign_in(world, "admin", "bea@example.com")
    other = f"/organization/members/{await member_id(world, 'bea@example.com')}"
    answers = await asyncio.gather(
        browser.send(other, f"{other}/remove"), bea.send(page, f"{page}/remove"), return_exceptions=True
    )
    done = [answer for answer in answers if isinstance(answer, httpx.Response)]
    assert sum(answer.headers.get("location") == "/organization" for answer in done) == 1
    assert (
        await world.pool.fetchval(
            "SELECT count(*) FROM member WHERE role = 'admin' AND password_hash IS NOT NULL AND removed_at IS NULL"
        )
        == 1
    )
    await bea.client.aclose()


async def test_who_is_removed_is_out_at_once_and_can_be_invited_again(world, browser, arrive):
    waiting = await invite(browser, email="bea@example.com", role="operator")
    bea = await sign_in(world, "admin", "bea@example.com")
    secrets = await world.service.organizations.create_credentials("Acme", "bea@example.com")
    instance = await world.connect()
    headers = {"Authorization": authorize(secrets)}
    by_token = {"Authorization": f"User {secrets['userSecret']}, Element {instance['token']}"}
    api = world.url + "/elements/api-v2"
    assert (await world.outside.get(f"{api}/instances", headers=headers)).status_code == 200
    assert (await world.outside.get(f"{api}/instances", headers=by_token)).status_code == 200
    page = f"/organization/members/{await member_id(world, 'bea@example.com')}"
    assert (await browser.send(page, f"{page}/remove")).status_code == 303
    assert (await bea.client.get("/me")).headers["location"] == "/sign-in?next=%2Fme"
    await arrive().read(waiting, 404)
    for given in (headers, by_token):
        assert (await world.outside.get(f"{api}/instances", headers=given)).status_code == 401
    assert f'href="{page}"' not in await browser.read("/organization")
    await browser.read(page, 404)
    link = await invite(browser, email="bea@example.com", role="viewer")
    guest = arrive()
    assert (await guest.send(link, link, password=PASSWORD)).status_code == 303
    assert (await world.outside.get(f"{api}/instances", headers=headers)).status_code == 401
    assert f'href="{page}"' in await browser.read("/organization")
    # Who may run commands on the machine may take somebody in again as well.
    await browser.send(page, f"{page}/remove")
    secrets = await world.service.organizations.create_credentials("Acme", "bea@example.com")
    again = {"Authorization": authorize(secrets)}
    assert (await world.outside.get(f"{api}/instances", headers=again)).status_code == 200
    assert (await guest.client.get("/me")).status_code == 303  # secrets are no account
    await bea.client.aclose()


async def test_members_of_another_organization_are_out_of_reach(world, browser):
    await world.service.organizations.create_credentials("Other", "zoe@example.com")
    zoe = await member_id(world, "zoe@example.com")
    assert "zoe@example.com" not in await browser.read("/organization")
    await browser.read(f"/organization/members/{zoe}", 404)
    for action in ("role", "remove"):
        answer = await browser.send("/me", f"/organization/members/{zoe}/{action}", role="viewer")
        assert answer.status_code == 404
    other = await world.pool.fetchval("SELECT max(id) FROM organization_secret")
    answer = await browser.send("/me", f"/organization/secrets/organization/{other}/revoke")
    assert answer.status_code == 404


async def test_secrets_are_made_shown_once_and_revoked(world, browser):
    before = await browser.read("/organization/secrets")
    assert not any(secret in before for secret in world.secrets.values())
    made = await browser.send("/organization/secrets", "/organization/secrets")
    given = re.search(r"Authorization: (User [\w-]+, Organization [\w-]+)", made.text)[1]
    api = f"{world.url}/elements/api-v2/instances"
    assert (await world.outside.get(api, headers={"Authorization": given})).status_code == 200
    text = await browser.read("/organization/secrets")
    assert not any(secret in text for secret in re.findall(r"[\w-]{43}", given))
    oldest = re.findall(r"/organization/secrets/(organization|user)/(\d+)/revoke", text)
    old = min(int(number) for owner, number in oldest if owner == "organization")
    page = f"/organization/secrets/organization/{old}/revoke"
    assert "Calls with 1 other secret of the organization go on" in await browser.read(page)
    assert (await browser.send(page, page)).status_code == 303
    assert "There is no such secret" in await browser.read(page)
    assert (await world.client.get("/instances")).status_code == 401
    assert (await world.outside.get(api, headers={"Authorization": given})).status_code == 200
    trail = await browser.read("/organization/audit")
    assert "secrets.made" in trail
    assert "secret.revoked" in trail
    for role in ("viewer", "operator"):
        other = await sign_in(world, role, f"{role}@example.com")
        assert "API secrets" not in await other.read("/organization")
        await other.read("/organization/secrets", 403)
        assert (await other.send("/me", page)).status_code == 403
        await other.client.aclose()


async def test_the_audit_trail_is_paged_and_escaped(world, browser):
    await world.pool.execute(
        "INSERT INTO audit (organization_id, email, done_at, action, detail)"
        " SELECT organization_id, email, now(), 'instance.renamed', '<script>' || number"
        " FROM member, generate_series(1, 120) AS number WHERE email = 'ada@example.com'"
    )
    seen, path = [], "/organization/audit"
    while path:
        text = await browser.read(path)
        assert "<script>1" not in text
        seen += re.findall(r"&lt;script&gt;(\d+)", text)
        older = re.search(r'href="([^"]+)" rel="next"', text)
        path = older and html.unescape(older[1])
    assert [int(number) for number in seen] == list(range(120, 0, -1))
    await browser.read("/organization/audit?before=9999999999999999999999", 400)


@pytest.mark.parametrize("how", ["demoted", "removed"])
async def test_who_is_no_admin_any_more_at_that_moment_invites_nobody(world, browser, how):
    """The role is read before, and taken away meanwhile: such an invitation would outlive it."""
    parts = world.service.app.console.state.parts
    token = browser.client.cookies[SESSION_COOKIE]
    ada = (await parts.sessions.find(token, datetime.now(UTC))).member
    change = {"demoted": "role = 'operator'", "removed": "removed_at = now()"}[how]
    await world.pool.execute(f"UPDATE member SET {change} WHERE id = $1", ada.id)
    with pytest.raises(ForbiddenError):
        await parts.accounts.joining.invite(ada, "", "admin")
    assert not await world.pool.fetchval("SELECT count(*) FROM invitation")


async def walk(browser, path, rows, link) -> list[list[str]]:
    """Read a list of many pages, by what its rows and the link to the next page look like."""
    pages = []
    while path:
        page = await browser.read(path)
        pages.append(re.findall(rows, page))
        more = re.search(link, page)
        path = html.unescape(more[1]) if more else None
    return pages


async def test_all_members_and_secrets_are_listed_however_many(quiet, enter):
    browser = await enter(quiet)
    await quiet.pool.execute(
        "INSERT INTO member (organization_id, email, role)"
        " SELECT id, CASE WHEN n % 2 = 0 THEN 'M' ELSE 'm' END || n / 2 || '@example.com', 'viewer'"
        " FROM organization, generate_series(0, 119) AS n WHERE name = 'Acme'"
    )
    row, more = r'href="/organization/members/(\d+)"', r'href="(/organization\?after=\d+)" rel="next"'
    pages = await walk(browser, "/organization", row, more)
    assert sorted(int(each) for page in pages for each in page) == [
        each["id"] for each in await quiet.pool.fetch("SELECT id FROM member ORDER BY id")
    ]
    assert [len(page) for page in pages[:-1]] == [50, 50]
    await quiet.pool.execute(
        "INSERT INTO organization_secret (secret_hash, organization_id)"
        " SELECT sha256(n::text::bytea), id FROM organization, generate_series(1, 120) AS n WHERE name = 'Acme'"
    )
    row = r'href="/organization/secrets/organization/(\d+)/revoke"'
    more = r'href="(/organization/secrets\?organization=\d+)" rel="next"'
    pages = await walk(browser, "/organization/secrets", row, more)
    kept = [
        each["id"] for each in await quiet.pool.fetch("SELECT id FROM organization_secret ORDER BY id DESC")
    ]
    assert [int(each) for page in pages for each in page] == kept
    assert [len(page) for page in pages[:-1]] == [50, 50]
    asked = await browser.read(f"/organization/secrets/organization/{kept[-1]}/revoke")
    assert f"Calls with {len(kept) - 1} other secrets of the organization go on" in asked
    assert "Nobody stands behind" in await browser.read("/organization?after=99999999")
    await browser.read("/organization?after=x", 400)
