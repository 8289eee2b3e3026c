"""Connect links, authorising again, and changing an instance."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

import httpx

from tests.support import EVENTS_CONFIGURATION
from tests.web.conftest import sign_in
from tests.web.consent import NEW, consent, fields_of, fill, read_url


async def make_link(browser, action: str, data: dict[str, object]) -> str:
    answer = await browser.client.post(action, data=data)
    assert answer.status_code == 200, answer.text
    return unescape(re.search(r"<code>(http[^<]+/connect/[^<]+)</code>", answer.text)[1])


async def read_csrf(browser) -> str:
    return re.search(r'name="csrf" value="(\w+)"', await browser.read(NEW))[1]


async def test_a_customers_admin_gives_the_consent_without_an_account(world, browser):
    page = await browser.read(NEW)
    link = await make_link(browser, NEW, fill(world, page, do="link", name="<b>Acme</b> Legal", begin="look"))
    listed = await browser.read("/connectors/egnyte")
    assert "Acme Legal" in listed
    assert link not in listed
    async with httpx.AsyncClient() as admin:
        asked = (await admin.get(link)).text
        assert "Acme asks to read" in asked
        assert "events: What happened to files" in asked
        assert "ada@example.com" in asked
        assert "a signature key" not in asked
        go = await admin.get(f"{link}/go")
        assert go.status_code == 303
        denied = await consent(admin, go.headers["location"], decision="deny")
        told = (await admin.get(world.url + denied.headers["location"])).text
        assert "Access was denied on the consent page of Egnyte" in told
        assert "<q>access_denied</q>" in told
        # Another browser cannot finish what this one began.
        async with httpx.AsyncClient() as other:
            assert (await consent(other, go.headers["location"])).status_code == 403
        back = await consent(admin, go.headers["location"])
        done = (await admin.get(world.url + back.headers["location"])).text
        assert "You can close this page" in done
        # Once; and when the instance is gone, no more.
        assert "You can close this page" in (await admin.get(link)).text
        assert (await admin.get(f"{link}/go")).headers["location"].startswith("/connect/")
    row = await world.pool.fetchrow("SELECT id, name, user_id FROM instance")
    assert row["name"] == "Acme Legal"
    await world.client.delete(f"/instances/{row['id']}")
    async with httpx.AsyncClient() as admin:
        assert "This link is not good any more" in (await admin.get(link)).text
        assert (await admin.get(f"{link}/go")).headers["location"].startswith("/connect/")
    audit = await world.pool.fetch("SELECT action, detail FROM audit ORDER BY id")
    assert [each["action"] for each in audit] == ["connect_link.made", "instance.created"]
    assert audit[1]["detail"].endswith("by a connect link")
    assert "None. A connect link" in await browser.read("/connectors/egnyte")


async def test_a_connect_link_ends_when_it_is_withdrawn_too_old_or_its_maker_is_gone(world, browser):
    page = await browser.read(NEW)
    csrf = await read_csrf(browser)
    links = [
        await make_link(browser, NEW, fill(world, page, do="link", name=name)) for name in ("One", "Two")
    ]
    first = await world.pool.fetchval("SELECT id FROM connection WHERE name = 'One'")
    outsider = await sign_in(world, "viewer", "vi@example.com")
    assert "Withdraw" not in await outsider.read("/connectors/egnyte")
    await outsider.client.aclose()
    answer = await browser.client.post("/connect/links/withdraw", data={"csrf": csrf, "id": str(first)})
    assert answer.status_code == 303
    async with httpx.AsyncClient() as admin:
        gone = await admin.get(links[0])
        assert gone.status_code == 404
        assert "this connect link is not good any more" in gone.text
        assert (await admin.get(links[1][:-3])).status_code == 404
        await world.pool.execute("UPDATE connection SET expires_at = now() - interval '1 minute'")
        assert "This link is not good any more" in (await admin.get(links[1])).text
        await world.pool.execute("UPDATE connection SET expires_at = now() + interval '1 day'")
        assert (await admin.get(links[1])).status_code == 200
        await world.pool.execute("UPDATE member SET role = 'viewer' WHERE email = 'ada@example.com'")
        assert (await admin.get(links[1])).status_code == 404
        gone = "UPDATE member SET role = 'admin', removed_at = now() WHERE email = 'ada@example.com'"
        await world.pool.execute(gone)
        assert (await admin.get(links[1])).status_code == 404
    # What opens nothing is not listed as if it did.
    other = await sign_in(world, "admin", "bea@example.com")
    assert "Two" not in await other.read("/connectors/egnyte")
    await other.client.aclose()


async def test_an_instance_is_authorised_again_as_the_same_account_only(world, browser):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    place = f"/instances/{instance['id']}"
    await world.pool.execute("UPDATE instance SET valid = false")
    csrf = await read_csrf(browser)

    async def begin_again():
        return (await browser.client.post(f"{place}/authorise", data={"csrf": csrf})).headers["location"]

    way = await begin_again()
    url = read_url(await browser.read(way))
    back = await consent(browser.client, url, username="power")
    result = await browser.read(back.headers["location"])
    assert "The consent is for" in result
    assert "create another instance for another account" in result
    assert not await world.pool.fetchval("SELECT valid FROM instance")
    back = await consent(browser.client, read_url(await browser.read(way)), username="admin")
    assert back.headers["location"] == place
    assert await world.pool.fetchval("SELECT valid FROM instance")
    assert "It goes on from its watermark." in await browser.read(place)
    await world.pool.execute("UPDATE instance SET disabled = true")
    back = await consent(browser.client, read_url(await browser.read(await begin_again())), username="admin")
    assert "It goes on from its watermark once it is resumed" in await browser.read(back.headers["location"])
    await world.pool.execute("UPDATE instance SET disabled = false")
    # By a link, too.
    assert "Make a link to authorise again" in await browser.read(f"{place}/edit")
    link = await make_link(browser, f"{place}/authorise", {"csrf": csrf, "do": "link"})
    async with httpx.AsyncClient() as admin:
        assert "API_Polling" in (await admin.get(link)).text
        go = await admin.get(f"{link}/go")
        back = await consent(admin, go.headers["location"], username="admin")
        assert "You can close this page" in (await admin.get(world.url + back.headers["location"])).text
    audit = await world.pool.fetch(
        "SELECT action FROM audit WHERE instance_id = $1 ORDER BY id", instance["id"]
    )
    assert [each["action"] for each in audit] == [
        "instance.authorised",
        "instance.authorised",
        "connect_link.made",
        "instance.authorised",
    ]


async def test_an_instance_is_changed_and_its_watermark_and_secrets_stay(world, browser):
    instance = await world.connect(**{"event.notification.failure.policy": "skip", "x.own": "kept"})
    watermark = await world.wait_for_watermark(instance["id"])
    place = f"/instances/{instance['id']}"
    page = await browser.read(f"{place}/edit")
    assert "Watermarks stay" in page
    assert "a signature key" not in page
    assert 'value="skip" selected' in page
    empty = {
        "configuration.oauth.api.key": "",
        "configuration.oauth.api.secret": "",
        "configuration.event.notification.signature.key": "",
    }
    sent = fill(world, page, name="Renamed", **empty)
    sent["resource.2"] = "true"
    answer = await browser.client.post(f"{place}/edit", data=sent)
    assert answer.headers.get("location") == place, re.findall(r'<p class="error".*', answer.text)
    row = await world.pool.fetchrow("SELECT name, configuration, secrets FROM instance")
    assert row["name"] == "Renamed"
    assert row["configuration"]["x.own"] == "kept"
    secrets = world.service.app.console.state.parts.vault.unseal(row["secrets"])["configuration"]
    assert secrets["event.notification.signature.key"] == "a signature key"
    assert secrets["oauth.api.secret"] == "secret"
    polls = await world.pool.fetch("SELECT resource, watermark FROM resource_poll ORDER BY resource")
    assert [each["resource"] for each in polls] == ["events", "users"]
    assert polls[0]["watermark"]["id"] >= watermark["id"]
    detail = await world.pool.fetchval("SELECT detail FROM audit WHERE action = 'instance.changed'")
    assert detail == "changed Renamed: event.poller.configuration, event.poller.refresh_interval"
    # A kept secret is removed on purpose alone; a preview reads with what the instance has.
    page = await browser.read(f"{place}/edit")
    sent = fill(world, page, **empty, forget="event.notification.signature.key", name="Renamed")
    assert (await browser.client.post(f"{place}/edit", data=sent)).status_code == 303
    secrets = await world.pool.fetchval("SELECT secrets FROM instance")
    assert (
        "event.notification.signature.key"
        not in (world.service.app.console.state.parts.vault.unseal(secrets)["configuration"])
    )
    await world.change(2)
    looked = await browser.client.post(f"{place}/edit", data=fill(world, page, **empty, do="preview"))
    assert "Real events" in looked.text
    wrong = fill(world, page, **empty, **{"configuration.event.poller.refresh_interval": "often"})
    answer = await browser.client.post(f"{place}/edit", data=wrong)
    assert answer.status_code == 400
    assert "is not a number of minutes" in answer.text


async def test_names_of_the_provider_that_lie_are_shown_as_they_are(world, browser):
    """In a preview, with the raw record, in what is told after an action, and in the audit trail."""
    row = {
        "type": "file_system",
        "action": "create",
        "actor": 1,
        "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000Z",
        "action_source": "WebUI",
        "data": {
            "target_path": "/Shared/invoice\u202egpj.exe",
            "target_id": "00000000-0000-4000-8000-000000000001",
            "target_group_id": "00000000-0000-4000-8000-000000000001",
            "is_folder": False,
        },
    }
    instance = await world.connect()
    await world.control("POST", "events", [row])
    place = f"/instances/{instance['id']}"
    empty = {"configuration.oauth.api.key": "", "configuration.oauth.api.secret": ""}
    form = fill(world, await browser.read(f"{place}/edit"), **empty, do="preview")
    pages = [(await browser.client.post(f"{place}/edit", data=form)).text]
    await world.pool.execute("UPDATE instance SET name = $1", "invoice\u202egpj.exe")
    await browser.send("/me", f"{place}/poll")
    pages += [await browser.read("/me"), await browser.read("/organization/audit")]
    for page in pages:
        assert "\\u202egpj.exe" in page
        assert "\u202e" not in page


async def test_an_instance_of_many_resources_is_changed(world, browser):
    folders = {
        f"folder-{number}": {
            "url": f"/hubs/documents/folders/contents?path=/Shared/{number}",
            "strategy": "snapshot",
        }
        for number in range(300)
    }
    instance = await world.connect(
        **{"event.poller.configuration": folders, "event.poller.refresh_interval": "600"}
    )
    place = f"/instances/{instance['id']}"
    form = fields_of(await browser.read(f"{place}/edit")) | {"do": "create", "name": "Renamed"}
    answer = await browser.client.post(f"{place}/edit", data=form)
    assert (answer.status_code, answer.headers.get("location")) == (303, place)
    assert await world.pool.fetchval("SELECT count(*) FROM resource_poll") == len(folders)


async def test_what_another_changed_meanwhile_stays(world, browser):
    """Two have the form open: each changes what they changed in it, and nothing else."""
    instance = await world.connect()
    place = f"/instances/{instance['id']}"
    url, interval = "event.notification.callback.url", "event.poller.refresh_interval"
    form = fields_of(await browser.read(f"{place}/edit")) | {"do": "create"}
    change = {
        "name": "Renamed",
        "tags": ["Moved"],
        "configuration": {
            interval: "7",
            "event.poller.configuration": {**EVENTS_CONFIGURATION, "users": {"url": "/hubs/documents/users"}},
        },
    }
    answer = await world.client.patch(f"/instances/{instance['id']}", json=change)
    assert answer.status_code == 200, answer.text
    # Also where it is refused first, and sent again as it was shown then.
    refused = await browser.client.post(f"{place}/edit", data=form | {f"configuration.{url}": "nowhere"})
    assert refused.status_code == 400
    form = fields_of(refused.text) | {"do": "create", f"configuration.{url}": f"{world.listener.url}/other"}
    answer = await browser.client.post(f"{place}/edit", data=form)
    assert answer.status_code == 303, re.findall(r'<p class="error".*', answer.text)
    row = await world.pool.fetchrow("SELECT name, tags, configuration FROM instance")
    assert (row["name"], row["tags"], row["configuration"][interval]) == ("Renamed", ["Moved"], "7")
    assert row["configuration"][url] == f"{world.listener.url}/other"
    polled = await world.pool.fetch("SELECT resource FROM resource_poll ORDER BY resource")
    assert [each["resource"] for each in polled] == ["events", "users"]
    # What both change is as the later one wishes.
    form = fields_of(await browser.read(f"{place}/edit")) | {"do": "create", "name": "Mine"}
    await world.client.patch(f"/instances/{instance['id']}", json={"name": "Theirs"})
    assert (await browser.client.post(f"{place}/edit", data=form)).status_code == 303
    assert await world.pool.fetchval("SELECT name FROM instance") == "Mine"


async def test_another_scope_needs_a_new_consent(world, browser):
    instance = await world.connect()
    place = f"/instances/{instance['id']}"
    page = await browser.read(f"{place}/edit")
    empty = {"configuration.oauth.api.key": "", "configuration.oauth.api.secret": ""}
    sent = fill(world, page, **empty, **{"configuration.oauth.scope": "Egnyte.filesystem Egnyte.audit"})
    answer = await browser.client.post(f"{place}/edit", data=sent)
    way = answer.headers.get("location") or re.findall(r'<p class="error".*', answer.text)
    assert way.startswith("/connect/continue/")
    url = read_url(await browser.read(way))
    assert "Egnyte.audit" in url
    assert "name" not in (await world.pool.fetchval("SELECT configuration FROM instance"))
    assert (await consent(browser.client, url, username="admin")).headers["location"] == place
    configuration = await world.pool.fetchval("SELECT configuration FROM instance")
    assert configuration["oauth.scope"] == "Egnyte.filesystem Egnyte.audit"
