"""A consent counts once: whatever is sent twice, from two windows, by two people, or after the process was killed."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from html import unescape
from types import SimpleNamespace
from uuid import uuid4

import asyncpg
import httpx
import pytest
from structlog.testing import capture_logs

from signalpost.api.bodies import InstanceBody
from signalpost.model.errors import ConflictError
from signalpost.model.instance import Caller
from signalpost.store.connections import TAKE
from tests.web.consent import NEW, consent, fill, read_url

APPLICATION = ("configuration.oauth.api.key", "configuration.oauth.api.secret")


async def count_instances(world) -> int:
    return await world.pool.fetchval("SELECT count(*) FROM instance")


async def look(world, browser) -> tuple[str, dict[str, object]]:
    """Give the consent before anything is made; give the way to the form that is shown then, and the form."""
    page = await browser.read(NEW)
    answer = await browser.client.post(NEW, data=fill(world, page, begin="look"))
    back = await consent(browser.client, read_url(await browser.read(answer.headers["location"])))
    again = back.headers["location"]
    return again, fill(world, await browser.read(again), begin="look", **dict.fromkeys(APPLICATION, ""))


async def test_who_presses_the_button_twice_gets_one_instance(world, browser):
    again, form = await look(world, browser)
    answers = await asyncio.gather(*(browser.client.post(NEW, data=form) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409]
    assert await count_instances(world) == 1
    number = await world.pool.fetchval("SELECT id FROM instance")
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert "this consent is used already" in unescape(refused.text)
    # The tokens are gone with it, and the form of before leads to what was made.
    assert not await world.pool.fetchval("SELECT wish FROM connection")
    assert (await browser.client.get(again)).headers["location"] == f"/instances/{number}"
    # Who goes on from the form that was refused is asked for a consent again.
    form |= {"kept": re.search(r'name="kept" value="([^"]*)"', refused.text)[1]}
    assert (await browser.client.post(NEW, data=form)).headers["location"].startswith("/connect/continue/")
    assert await count_instances(world) == 1


async def test_a_form_whose_maker_may_no_longer_connect_makes_nothing(world, browser):
    _, form = await look(world, browser)
    await world.pool.execute("DELETE FROM connection")
    answer = await browser.client.post(NEW, data=form)
    assert answer.status_code == 409
    assert "withdrawn meanwhile" in answer.text
    assert await count_instances(world) == 0


async def test_a_link_used_by_two_people_at_once_makes_one_instance(world, browser):
    page = await browser.read(NEW)
    answer = await browser.client.post(NEW, data=fill(world, page, do="link"))
    link = unescape(re.search(r"<code>(http[^<]+/connect/[^<]+)</code>", answer.text)[1])
    async with httpx.AsyncClient() as one, httpx.AsyncClient() as two:
        ways = [(await each.get(f"{link}/go")).headers["location"] for each in (one, two)]
        backs = await asyncio.gather(consent(one, ways[0]), consent(two, ways[1]))
        assert sorted(back.status_code for back in backs) in ([303, 303], [303, 409])
        for each in (one, two):
            assert "You can close this page" in (await each.get(link)).text
    assert await count_instances(world) == 1
    assert await world.pool.fetchval("SELECT count(*) FROM audit WHERE action = 'instance.created'") == 1


async def test_what_is_killed_after_the_instance_was_made_leads_to_that_one(world, browser, monkeypatch):
    consents = world.service.app.console.state.parts.consents
    page = await browser.read(NEW)
    way = (await browser.client.post(NEW, data=fill(world, page, save_as="Main"))).headers["location"]
    url = read_url(await browser.read(way))

    async def die(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched, capture_logs():
        patched.setattr(consents, "_save_application", die)
        assert (await consent(browser.client, url)).status_code == 500
    assert await count_instances(world) == 1
    number = await world.pool.fetchval("SELECT id FROM instance")
    # By the way to the consent page, or from it: there is one, and no other is made.
    assert (await browser.client.get(way)).headers["location"] == f"/instances/{number}"
    assert (await consent(browser.client, url)).headers["location"] == f"/instances/{number}"
    assert await count_instances(world) == 1


async def test_what_is_killed_after_the_instance_was_authorised_has_its_consent_spent(
    world, browser, monkeypatch
):
    consents = world.service.app.console.state.parts.consents
    place = f"/instances/{(await world.connect())['id']}"
    csrf = re.search(r'name="csrf" value="([^"]+)"', await browser.read(place))[1]
    way = (await browser.client.post(f"{place}/authorise", data={"csrf": csrf})).headers["location"]
    url = read_url(await browser.read(way))

    async def die(*_: object, **__: object) -> None:
        raise RuntimeError

    version = await world.pool.fetchval("SELECT version FROM credential")
    with monkeypatch.context() as patched, capture_logs():
        patched.setattr(consents._audit, "add", die)
        assert (await consent(browser.client, url)).status_code == 500
    # Of the same transaction: it was not authorised, or the connection is done, and its secrets are gone.
    assert await world.pool.fetchval("SELECT version FROM credential") == version + 1
    assert not await world.pool.fetchval("SELECT wish FROM connection")
    assert (await consent(browser.client, url)).headers["location"] == place
    assert await world.pool.fetchval("SELECT version FROM credential") == version + 1


async def test_who_was_thought_killed_and_comes_late_changes_nothing(world):
    """Another has taken the connection since: its tokens are those that count."""
    api, taken = world.service.api, (uuid4(), datetime.now(UTC))
    made = (await world.connect())["id"]
    organization_id, user_id = await world.pool.fetchrow("SELECT organization_id, user_id FROM instance")
    instance = await api.instances.find(organization_id, made)
    before = await world.pool.fetch("SELECT * FROM credential")
    wish = InstanceBody.model_validate(await world.body()).to_wish()
    with pytest.raises(ConflictError, match="used meanwhile"):
        await api.lifecycle.create(Caller(organization_id, user_id), wish, taken=taken)
    wish = InstanceBody.model_validate(await world.body()).to_wish()
    with pytest.raises(ConflictError, match="used meanwhile"):
        await api.lifecycle.change(instance, wish, whole=False, taken=taken)
    assert await world.pool.fetch("SELECT * FROM credential") == before


async def test_a_connection_that_was_taken_as_the_database_was_lost_is_free_again(
    world, browser, monkeypatch
):
    connections = world.service.app.console.state.parts.connections
    page = await browser.read(NEW)
    way = (await browser.client.post(NEW, data=fill(world, page))).headers["location"]
    url = read_url(await browser.read(way))
    real = connections._pool.execute

    async def execute(statement: str, *arguments: object) -> str:
        done = await real(statement, *arguments)
        if statement == TAKE:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        return done

    with monkeypatch.context() as patched, capture_logs():
        patched.setattr(connections, "_pool", SimpleNamespace(execute=execute, fetchrow=world.pool.fetchrow))
        assert (await consent(browser.client, url)).status_code == 503
    assert await count_instances(world) == 0
    # Nobody has taken it: the same page, loaded again, makes the instance.
    assert (await consent(browser.client, url)).status_code == 303
    assert await count_instances(world) == 1


@pytest.mark.parametrize("meanwhile", ["denied in another window", "failed in another process"])
async def test_what_another_has_taken_stays_taken(world, browser, meanwhile):
    parts = world.service.app.console.state.parts
    page = await browser.read(NEW)
    answer = await browser.client.post(NEW, data=fill(world, page, do="link"))
    assert answer.status_code == 200
    number = await world.pool.fetchval("SELECT id FROM connection")
    before = await parts.connections.find(number)
    now = datetime.now(UTC)
    assert await parts.connections.take(number, now)
    if meanwhile == "denied in another window":
        await parts.consents.refuse(before, "access_denied", "")
    else:
        await parts.connections.give_back(number, "too late", taken_at=now.replace(year=2020))
    after = await parts.connections.find(number)
    assert (after.taken_at, after.failure) == (now, None)
    assert await parts.connections.withdraw(after.member.organization_id, number) is None
    assert not await parts.connections.take(number, now)


async def test_a_consent_whose_taker_was_killed_says_when_another_counts(world, browser):
    page = await browser.read(NEW)
    way = (await browser.client.post(NEW, data=fill(world, page))).headers["location"]
    url = read_url(await browser.read(way))
    await world.pool.execute("UPDATE connection SET taken_at = now()")
    answer = await consent(browser.client, url)
    assert answer.status_code == 409
    assert "If nothing comes of it within five minutes" in answer.text
    await world.pool.execute("UPDATE connection SET taken_at = now() - interval '301 seconds'")
    assert (await consent(browser.client, url)).headers["location"].startswith("/instances/")
    assert await count_instances(world) == 1


async def test_a_consent_that_ended_while_its_form_stood_open_is_asked_for_again(world, browser):
    _, form = await look(world, browser)
    await world.control("POST", "revoke", {})
    del form["begin"]  # the page does not ask it any more
    refused = await browser.client.post(NEW, data=form)
    assert refused.status_code == 400
    assert "the consent given is no longer good" in refused.text
    form = fill(world, refused.text, **dict.fromkeys(APPLICATION, ""))
    answer = await browser.client.post(NEW, data=form)
    back = await consent(browser.client, read_url(await browser.read(answer.headers["location"])))
    assert back.headers["location"].startswith("/instances/")
    assert await count_instances(world) == 1


async def test_what_is_sealed_is_good_for_its_member_and_its_purpose_alone(world, browser, enter):
    parts = world.service.app.console.state.parts
    _, form = await look(world, browser)
    number = await world.pool.fetchval("SELECT id FROM connection")
    # The number of a connection that is no link opens nothing as one, however well it is sealed.
    async with httpx.AsyncClient(base_url=world.url) as admin:
        for path in ("", "/go"):
            answer = await admin.get(f"/connect/{parts.consents.write_link(number)}{path}")
            assert answer.status_code == 404
    # Secrets and tokens that one member's form carries are nobody else's.
    other = await enter(world, "admin", "bea@example.com")
    form["csrf"] = re.search(r'name="csrf" value="(\w+)"', await other.read("/me"))[1]
    answer = await other.client.post(NEW, data=form)
    assert answer.status_code == 400
    assert "API Secret: it is missing" in unescape(answer.text)
    assert await count_instances(world) == 0
