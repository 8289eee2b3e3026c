"""Instances changed while they are polled: authorised again, disabled, moved to another domain or callback."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.api.answers import accepted, refused, with_token
from tests.support import REDIRECT, until


async def authorize_as(world, username):
    asked = {"client_id": "key", "redirect_uri": REDIRECT, "username": username}
    return (await world.control("POST", "authorize", asked))["code"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_authorising_again_as_the_same_account_keeps_the_watermark(world, method):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    first = await world.change(3)
    await until(lambda: len(world.delivered()) >= 3)
    path = f"/instances/{instance['id']}"
    accepted(await world.client.delete(f"{path}/enabled"))
    before = await world.watermark(instance["id"])
    second = await world.change(4)

    body = {**instance, "providerData": {"code": await world.authorize()}}
    changed = accepted(await world.client.request(method, path, json=body))
    assert changed == {**instance, "disabled": True}
    assert await world.watermark(instance["id"]) == before
    # The old tokens are of no use any more: what is read from here on is read with the new ones.
    tokens = list(world.sandbox.state.tokens._tokens.values())
    assert len(tokens) == 2
    tokens[0].is_revoked = True

    accepted(await world.client.put(f"{path}/enabled"))
    await until(lambda: len(world.delivered()) >= 7)
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in first + second]


async def test_authorising_again_as_another_account_is_refused_and_changes_nothing(world):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    path = f"/instances/{instance['id']}"
    for opened, headers in [(path, None), ("/instances", with_token(world, instance["token"]))]:
        for method in ["PUT", "PATCH"]:
            body = {"name": "Other", "providerData": {"code": await authorize_as(world, "power")}}
            answer = await world.client.request(method, opened, json=body, headers=headers)
            refused(answer, 409, f"'power' at {world.sandbox.url}", "'admin' at", "create another instance")
    assert accepted(await world.client.get(path)) == instance
    made = await world.change(2)
    await until(lambda: len(world.delivered()) >= 2)
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]


async def test_another_domain_is_another_account(make_world, sandbox):
    # The domain is all of the host's name here: "localhost" is this machine, and numbers are nobody's name.
    port = urlsplit(sandbox.url).port
    async with make_world(egnyte_url=f"http://{{subdomain}}:{port}", roles=frozenset()) as world:
        instance = await world.connect(subdomain="localhost")
        path = f"/instances/{instance['id']}"
        for method in ["PUT", "PATCH"]:
            body = {"name": "Moved", "configuration": {"subdomain": "2130706433"}}
            refused(
                await world.client.request(method, path, json=body),
                400,
                "2130706433",
                "another domain than http://localhost",
                "create another instance",
            )
            body["providerData"] = {"code": await world.authorize()}
            refused(await world.client.request(method, path, json=body), 400, "providerData.code")
        values = accepted(await world.client.get(f"{path}/configuration"))
        [field] = [each["id"] for each in values if each["key"] == "subdomain"]
        answer = await world.client.patch(f"{path}/configuration/{field}", json={"propertyValue": "other"})
        refused(answer, 400, "another domain")
        assert accepted(await world.client.get(path)) == instance
        body = {"configuration": {"subdomain": "LocalHost"}}  # the same domain in other letters
        assert (
            accepted(await world.client.patch(path, json=body))["configuration"]["subdomain"] == "LocalHost"
        )


async def test_a_refused_code_changes_nothing(world):
    instance = await world.connect()
    path = f"/instances/{instance['id']}"
    for method in ["PUT", "PATCH"]:
        body = {"name": "Other", "providerData": {"code": "no-such-code"}}
        body = refused(await world.client.request(method, path, json=body), 400, "providerData.code")
        assert "invalid_grant" in body["providerMessage"]
    assert accepted(await world.client.get(path)) == instance


async def test_a_disabled_instance_is_neither_polled_nor_lost(world):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    path = f"/instances/{instance['id']}/enabled"
    for _ in range(2):  # doing it twice changes nothing
        accepted(await world.client.delete(path))
    shown = accepted(await world.client.get(f"/instances/{instance['id']}"))
    assert shown == {**instance, "disabled": True}
    made = await world.change(3)
    other = await world.connect(**{"event.notification.callback.url": None})
    await world.wait_for_watermark(other["id"])  # others are polled meanwhile
    assert (
        await world.pool.fetchval("SELECT next_poll_at FROM instance WHERE id = $1", instance["id"]) is None
    )
    assert world.delivered() == []
    for _ in range(2):
        assert accepted(await world.client.put(path)) == instance
    await until(lambda: len(world.delivered()) >= 3)
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]


async def test_an_instance_disables_itself_by_its_token_but_does_not_enable_itself(world):
    instance = await world.connect()
    headers = with_token(world, instance["token"])
    assert accepted(await world.client.put("/instances/enabled", headers=headers)) == instance
    accepted(await world.client.delete("/instances/enabled", headers=headers))
    refused(await world.client.put("/instances/enabled", headers=headers), 403)
    assert accepted(await world.client.put(f"/instances/{instance['id']}/enabled")) == instance
