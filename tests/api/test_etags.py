"""``ETag``, ``If-Match`` and ``If-None-Match`` of instances: no change is lost unseen, also of changes made at once."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from signalpost.model.errors import ChangedError
from tests.api.answers import accepted, refused, with_token

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def instance(still):
    return await still.connect()


async def tag_of(world, instance):
    return (await world.client.get(f"/instances/{instance['id']}")).headers["ETag"]


def find_id(configuration, key):
    return next(each["id"] for each in configuration if each["key"] == key)


async def test_the_tag_is_strong_stays_and_changes_with_each_change(still, instance):
    url = f"/instances/{instance['id']}"
    tags = [await tag_of(still, instance)]
    assert tags[0].startswith('"')
    assert await tag_of(still, instance) == tags[0]
    for change in (
        {"name": "other"},
        {"tags": ["x"]},
        {"configuration": {"event.notification.signature.key": "another key"}},  # masked, all the same
        {"configuration": {"subdomain": "acme", "mine": "1"}},
    ):
        answer = await still.client.patch(url, json=change)
        assert accepted(answer)
        tags.append(answer.headers["ETag"])
        assert await tag_of(still, instance) == tags[-1]
    await still.client.delete(f"{url}/enabled")
    tags.append(await tag_of(still, instance))
    tags.append((await still.client.put(f"{url}/enabled")).headers["ETag"])
    await still.client.put(f"{url}/signature-keys")
    tags.append(await tag_of(still, instance))
    await still.pool.execute("UPDATE instance SET valid = false WHERE id = $1", instance["id"])
    tags.append(await tag_of(still, instance))
    assert len(set(tags)) == len(tags)
    await still.pool.execute("UPDATE instance SET next_poll_at = now() WHERE id = $1", instance["id"])
    assert await tag_of(still, instance) == tags[-1]  # a poll changes nothing that is shown


async def test_what_is_known_already_is_not_sent_again(still, instance):
    token = with_token(still, instance["token"])
    key = find_id((await still.client.get(f"/instances/{instance['id']}/configuration")).json(), "subdomain")
    tag = await tag_of(still, instance)
    for url, headers in (
        (f"/instances/{instance['id']}", {}),
        ("/instances", token),
        (f"/instances/{instance['id']}/configuration", {}),
        ("/instances/configuration", token),
        (f"/instances/{instance['id']}/configuration/{key}", {}),
        (f"/instances/configuration/{key}", token),
    ):
        for known in (tag, f'"x", W/{tag}', "*"):
            answer = await still.client.get(url, headers=headers | {"If-None-Match": known})
            assert (answer.status_code, answer.content) == (304, b""), url
            assert answer.headers["ETag"] == tag
        other = await still.client.get(url, headers=headers | {"If-None-Match": '"x"'})
        assert accepted(other)
        assert other.headers["ETag"] == tag


async def test_a_change_of_what_was_changed_meanwhile_is_refused(still, instance):
    url, token = f"/instances/{instance['id']}", with_token(still, instance["token"])
    key = find_id((await still.client.get(f"{url}/configuration")).json(), "subdomain")
    old = {"If-Match": await tag_of(still, instance)}
    accepted(await still.client.patch(url, json={"name": "newer"}))
    for method, path, body, headers in (
        ("PUT", url, {"name": "x"}, {}),
        ("PATCH", url, {"name": "x"}, {}),
        ("DELETE", url, None, {}),
        ("PUT", f"{url}/enabled", None, {}),
        ("DELETE", f"{url}/enabled", None, {}),
        ("PATCH", f"{url}/configuration/{key}", {"propertyValue": "acme"}, {}),
        ("PUT", f"{url}/signature-keys", None, {}),
        ("PUT", "/instances", {"name": "x"}, token),
        ("PATCH", "/instances", {"name": "x"}, token),
        ("DELETE", "/instances", None, token),
        ("PUT", "/instances/enabled", None, token),
        ("DELETE", "/instances/enabled", None, token),
        ("PATCH", f"/instances/configuration/{key}", {"propertyValue": "acme"}, token),
        ("PUT", "/instances/signature-keys", None, token),
    ):
        answer = await still.client.request(method, path, json=body, headers=headers | old)
        refused(answer, 412, "If-Match", f"GET /instances/{instance['id']}")
    shown = await still.client.get(url)
    assert accepted(shown)["name"] == "newer"
    weak = {"If-Match": f"W/{shown.headers['ETag']}"}
    refused(await still.client.patch(url, json={"name": "x"}, headers=weak), 412)
    exact = {"If-Match": f'"x", {shown.headers["ETag"]}'}
    assert accepted(await still.client.patch(url, json={"name": "x"}, headers=exact))["name"] == "x"
    assert accepted(await still.client.patch(url, json={"name": "y"}, headers={"If-Match": "*"}))
    last = {"If-Match": await tag_of(still, instance)}
    accepted(await still.client.delete(url, headers=last))
    refused(await still.client.delete(url, headers=last), 404)


@pytest.mark.parametrize("tag", ["", "abc", '"', '"a" "b"', "W/", '"a",,"b"', '"' * 3000])
async def test_a_tag_that_is_none_is_refused(still, instance, tag):
    url = f"/instances/{instance['id']}"
    refused(await still.client.patch(url, json={}, headers={"If-Match": tag}), 400, "If-Match")
    refused(await still.client.get(url, headers={"If-None-Match": tag}), 400, "If-None-Match")


async def test_of_many_who_change_the_same_version_at_once_one_does(still, instance):
    url = f"/instances/{instance['id']}"
    tag = {"If-Match": await tag_of(still, instance)}
    answers = await asyncio.gather(
        *(still.client.patch(url, json={"name": f"n{number}"}, headers=tag) for number in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    [done] = [answer for answer in answers if answer.status_code == 200]
    assert accepted(await still.client.get(url))["name"] == done.json()["name"]


@pytest.mark.parametrize("method", ["change", "set_disabled", "delete", "rotate"])
async def test_the_condition_is_checked_with_the_change_not_before(still, instance, method, monkeypatch):
    """Somebody else's change comes between the look at the tag and the transaction."""
    url = f"/instances/{instance['id']}"
    tag = {"If-Match": await tag_of(still, instance)}
    instances = still.service.app.api.state.parts.instances
    lock = type(instances)._lock

    async def change_before(self, connection, found, **options):
        await still.pool.execute("UPDATE instance SET name = 'between' WHERE id = $1", found.id)
        return await lock(self, connection, found, **options)

    monkeypatch.setattr(type(instances), "_lock", change_before)
    asked = {
        "change": ("PATCH", url, {"name": "x"}),
        "set_disabled": ("DELETE", f"{url}/enabled", None),
        "delete": ("DELETE", url, None),
        "rotate": ("PUT", f"{url}/signature-keys", None),
    }[method]
    answer = await still.client.request(asked[0], asked[1], json=asked[2], headers=tag)
    refused(answer, ChangedError.status, "If-Match")
    monkeypatch.undo()
    shown = accepted(await still.client.get(url))
    assert (shown["name"], shown["disabled"]) == ("between", False)


async def test_changes_of_different_keys_at_once_all_survive(still, instance):
    url = f"/instances/{instance['id']}"
    wished = {f"own.{number}": str(number) for number in range(6)}
    answers = await asyncio.gather(
        *(still.client.patch(url, json={"configuration": {key: value}}) for key, value in wished.items()),
        still.client.patch(url, json={"name": "renamed"}),
        still.client.patch(url, json={"tags": ["tagged"]}),
    )
    assert {answer.status_code for answer in answers} == {200}
    shown = accepted(await still.client.get(url))
    assert wished.items() <= shown["configuration"].items()
    assert (shown["name"], shown["tags"]) == ("renamed", ["tagged"])
    configuration = (await still.client.get(f"{url}/configuration")).json()
    answers = await asyncio.gather(
        *(
            still.client.patch(
                f"{url}/configuration/{find_id(configuration, key)}", json={"propertyValue": f"{value}!"}
            )
            for key, value in wished.items()
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    shown = accepted(await still.client.get(url))
    assert {key: shown["configuration"][key] for key in wished} == {k: f"{v}!" for k, v in wished.items()}
