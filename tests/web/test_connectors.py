"""The catalogue of connectors, and saved applications."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

from tests.web.conftest import sign_in


def parts_of(world):
    return world.service.app.console.state.parts


async def test_the_catalogue_says_what_a_connector_reads_and_how_its_application_is_registered(
    world, browser
):
    page = await browser.read("/connectors")
    assert "Files, folders and notes of an Egnyte domain" in page
    assert "no webhooks" in page
    assert "/connectors/egnyte" in await browser.read("/connectors?search=audit+EGNYTE")
    nothing = await browser.read("/connectors?search=<script>alert(1)</script>")
    assert "No connector matches" in nothing
    assert "<script>alert" not in nothing
    one = await browser.read("/connectors/egnyte")
    for words in (
        "2 calls a second, 1,000 a day",
        f"{world.url}/oauth/callback",
        "developers.egnyte.com",
        "snapshot",
        "/hubs/documents/audit",
        'href="/instances/new?connector=egnyte"',
    ):
        assert words in one, words
    await browser.read("/connectors/nothing", 404)
    viewer = await sign_in(world, "viewer", "vi@example.com")
    assert "/instances/new" not in await viewer.read("/connectors") + await viewer.read("/connectors/egnyte")
    await viewer.client.aclose()


async def test_applications_are_listed_without_their_secret_and_only_an_admin_deletes_them(world, browser):
    organization_id = await world.pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'")
    applications = parts_of(world).applications
    secrets = {"oauth.api.key": "a-key", "oauth.api.secret": "not-to-be-seen"}
    given = {"connector": "egnyte", "name": "<b>Main</b>", "secrets": secrets, "now": datetime.now(UTC)}
    assert await applications.save(organization_id, **given)
    assert not await applications.save(organization_id, **given)
    [saved] = await applications.list_applications(organization_id, "egnyte")
    assert await applications.load(organization_id, "egnyte", saved.id) == secrets
    assert await applications.load(organization_id + 1, "egnyte", saved.id) is None
    assert "not-to-be-seen" not in repr(await world.pool.fetchrow("SELECT * FROM application"))
    for path in ("/connectors/egnyte", "/organization"):
        page = await browser.read(path)
        assert "&lt;b&gt;Main&lt;/b&gt;" in page
        assert "not-to-be-seen" not in page
        assert "a-key" not in page
    path = f"/organization/applications/{saved.id}/delete"
    operator = await sign_in(world, "operator", "olu@example.com")
    assert path not in await operator.read("/organization")
    assert (await operator.send("/instances/new?connector=egnyte", path)).status_code == 403
    await operator.client.aclose()
    assert (await browser.client.post(path)).status_code == 403
    # In the list is a way to the page that says what is lost; nothing there deletes by one click.
    listed = await browser.read("/organization")
    assert f'href="{path}"' in listed
    assert f'action="{path}"' not in listed
    asked = await browser.read(path)
    assert "&lt;b&gt;Main&lt;/b&gt;" in asked
    assert "Instances made with it keep them" in asked
    assert await applications.find(organization_id, saved.id) == saved
    assert await applications.find(organization_id + 1, saved.id) is None
    assert (await browser.send(path, path)).status_code == 303
    assert "deleted" in await browser.read("/organization")
    await browser.read(path, 404)
    assert (await browser.send("/organization", path)).status_code == 404
    assert await world.pool.fetchval("SELECT count(*) FROM audit WHERE action = 'application.deleted'") == 1


async def test_all_open_links_are_listed_however_many_were_made_at_once(quiet, enter):
    browser = await enter(quiet)
    member = await quiet.pool.fetchrow(
        "SELECT id, organization_id FROM member WHERE email = 'ada@example.com'"
    )
    await quiet.pool.execute(
        "INSERT INTO connection (id, organization_id, member_id, connector, name, wish, by_link, created_at, expires_at)"
        " SELECT gen_random_uuid(), $2, $1, 'egnyte', 'Link ' || n, '', true, now(),"
        " date_trunc('minute', now()) + make_interval(days => 3, secs => n / 40) FROM generate_series(1, 120) AS n",
        *member,
    )
    names, path = [], "/connectors/egnyte"
    while path:
        page = await browser.read(path)
        assert ("To the newest" in page) == ("?" in path)
        listed = re.findall(r"<td>(Link \d+)", page)
        assert 0 < len(listed) <= 50
        names += listed
        # Who withdraws the last one of a page goes on behind it.
        await quiet.pool.execute("DELETE FROM connection WHERE name = $1", listed[-1])
        more = re.search(r'href="([^"]+)" rel="next"', page)
        path = more and unescape(more[1]).partition("#")[0]
    assert sorted(names) == sorted(f"Link {n}" for n in range(1, 121))
    assert "Link 120" in await browser.read("/connectors/egnyte?links=x_y")
    last = "/connectors/egnyte?links=20000101T000000.000000Z_00000000-0000-0000-0000-000000000000"
    assert "There is no older one." in await browser.read(last)
