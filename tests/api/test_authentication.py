"""Who may ask: the Authorization header, tried as clients send it."""

from __future__ import annotations

import re

import pytest

from signalpost.store.organizations import Organizations
from tests.api.answers import accepted, refused, with_token
from tests.api.conftest import enter_organization

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def ask(world, header, path="/instances"):
    headers = {} if header is None else {"Authorization": header}
    return await world.outside.get(f"{world.url}/elements/api-v2{path}", headers=headers)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic dXNlcjpwYXNz",
        "Bearer {user}",
        "User",
        "User {user}",
        "Organization {organization}",
        "User {user} Organization {organization}",
        "User {user}; Organization {organization}",
        "User {user},, Organization {organization}",
        "User {user}, Organization {organization},",
        "User {user}, User {user}, Organization {organization}",
        "User {user}, Organization {organization}, Organization {organization}",
        "User {user}, Organization {organization}, Account 5",
        "User{user}, Organization{organization}",
        "User {user}, Element",
        "Element {user}, Organization {organization}",
    ],
)
async def test_a_missing_or_malformed_header_is_refused_and_says_what_to_send(still, header):
    user, organization = still.secrets["userSecret"], still.secrets["organizationSecret"]
    sent = header and header.format(user=user, organization=organization)
    body = refused(await ask(still, sent), 401, "User <user secret>, Organization <organization secret>")
    assert user not in str(body)
    assert organization not in str(body)


@pytest.mark.parametrize(
    "header",
    [
        "User wrong, Organization {organization}",
        "User {user}, Organization wrong",
        "User {organization}, Organization {user}",
        "User {user}x, Organization {organization}",
        "User {user}, Organization {organization}, Element wrong",
        "User {user}, Element wrong",
        "User {user}, Element {user}",
        "User caf\xe9, Organization {organization}",
    ],
)
async def test_wrong_secrets_are_refused(still, header):
    user, organization = still.secrets["userSecret"], still.secrets["organizationSecret"]
    sent = header.format(user=user, organization=organization).encode("latin-1")
    body = refused(await ask(still, sent), 401)
    assert user not in str(body)
    assert organization not in str(body)


async def test_secrets_are_told_apart_by_letter_case(still):
    user, organization = still.secrets["userSecret"], still.secrets["organizationSecret"]
    refused(await ask(still, f"User {user.swapcase()}, Organization {organization}"), 401)


@pytest.mark.parametrize(
    "header",
    [
        "User {user}, Organization {organization}",
        "Organization {organization}, User {user}",
        "user {user},organization {organization}",
        "USER   {user} ,  ORGANIZATION  {organization}",
        "Element {token}, Organization {organization}, User {user}",
        "User {user}, Element {token}",
        "eLeMeNt {token}, uSeR {user}",
    ],
)
async def test_parts_come_in_any_order_and_letter_case(still, header):
    token = (await still.connect())["token"]
    user, organization = still.secrets["userSecret"], still.secrets["organizationSecret"]
    accepted(await ask(still, header.format(user=user, organization=organization, token=token)))


async def test_secrets_of_two_organizations_do_not_go_together(still):
    token = (await still.connect())["token"]
    async with enter_organization(still) as other:
        user, organization = other.secrets["userSecret"], other.secrets["organizationSecret"]
        own_user, own_organization = still.secrets["userSecret"], still.secrets["organizationSecret"]
        for header in [
            f"User {user}, Organization {own_organization}",
            f"User {own_user}, Organization {organization}",
            f"User {user}, Element {token}",
            f"User {user}, Organization {organization}, Element {token}",
        ]:
            refused(await ask(still, header), 401)


async def test_without_the_organizations_secret_a_token_opens_its_own_instance_alone(still):
    own, other = await still.connect(), await still.connect()
    bound = with_token(still, own["token"])
    whole = {"Authorization": f"{still.client.headers['Authorization']}, Element {own['token']}"}
    body = await still.body()
    paths = accepted(await still.client.get("/openapi.json"))["paths"]
    named = [
        (method.upper(), path.removeprefix("/elements/api-v2"))
        for path, operations in paths.items()
        for method in operations
        if path.startswith("/elements/api-v2/instances/{instance_id}")
    ]
    assert len(named) > 30
    for method, path in named:
        filled = re.sub(r"\{.*?\}", "1", path.replace("{instance_id}", str(other["id"])))
        answer = await still.client.request(method, filled, headers=bound, json={})
        refused(answer, 403, f"instance {own['id']}", "Organization <organization secret>")
    for search in ("searchText=Test", "tags[]=Test", "pageSize=1&nextPage=x"):
        answer = await still.client.get(f"/instances?{search}", headers=bound)
        assert answer.status_code in {400, 403}, answer.text
    refused(await still.client.post("/instances", json=body, headers=bound), 403, "Organization")
    for path in (
        "/instances",
        f"/instances/{own['id']}",
        f"/instances/{own['id']}/polling",
        "/instances/events",
    ):
        accepted(await still.client.get(path, headers=bound))
    accepted(await still.client.patch("/instances", json={"name": "New"}, headers=bound))
    accepted(await still.client.get(f"/instances/{other['id']}", headers=whole))
    assert len(accepted(await still.client.get("/instances?tags[]=Test", headers=whole))) == 2
    assert accepted(await still.client.get(f"/instances/{other['id']}"))["name"] == other["name"]


async def test_the_token_of_a_deleted_instance_opens_nothing(still):
    instance = await still.connect()
    headers = with_token(still, instance["token"])
    accepted(await still.client.get("/instances", headers=headers))
    accepted(await still.client.delete(f"/instances/{instance['id']}"))
    for path in ["/instances", "/instances/configuration", "/instances/events", "/elements"]:
        refused(await still.client.get(path, headers=headers), 401, "token", "deleted")


async def test_the_token_of_a_disabled_instance_opens_nothing_until_it_is_enabled(still):
    instance = await still.connect()
    path = f"/instances/{instance['id']}"
    accepted(await still.client.delete(f"{path}/enabled"))
    own = still.client.headers["Authorization"]
    for header in [
        with_token(still, instance["token"])["Authorization"],
        f"{own}, Element {instance['token']}",
    ]:
        for method, opened, body in [
            ("GET", "/instances", None),
            ("PUT", "/instances", {"name": "New"}),
            ("PATCH", "/instances", {"name": "New"}),
            ("DELETE", "/instances", None),
            ("DELETE", "/instances/enabled", None),
            ("GET", "/instances/configuration", None),
            ("GET", "/instances/events", None),
            ("GET", "/instances/events/7e57d004-2b97-5e7a-b45f-5387367791cd", None),
        ]:
            answer = await still.client.request(method, opened, json=body, headers={"Authorization": header})
            refused(answer, 403, str(instance["id"]), "disabled")
    shown = accepted(await still.client.get(path))
    assert shown["disabled"] is True
    assert shown["name"] == instance["name"]
    by_token = with_token(still, instance["token"])
    refused(await still.client.put("/instances/enabled", headers=by_token), 403, "disabled")
    every = {"Authorization": f"{own}, Element {instance['token']}"}
    for enabled in (f"{path}/enabled", "/instances/enabled"):
        assert accepted(await still.client.put(enabled, headers=every))["disabled"] is False
        accepted(await still.client.delete(f"{path}/enabled"))
    tagged = {**every, "If-Match": '"of-before"'}
    refused(await still.client.put("/instances/enabled", headers=tagged), 412)
    accepted(await still.client.put("/instances/enabled", headers=every))
    accepted(await still.client.get("/instances", headers=with_token(still, instance["token"])))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/instances"),
        ("PATCH", "/instances"),
        ("DELETE", "/instances"),
        ("PUT", "/instances/enabled"),
        ("DELETE", "/instances/enabled"),
        ("GET", "/instances/configuration"),
    ],
)
async def test_calls_without_an_id_need_an_instance_token(still, method, path):
    body = {} if method in {"PUT", "PATCH"} else None
    refused(await still.client.request(method, path, json=body), 401, "Element <instance token>")


@pytest.mark.parametrize("body", [b'{"name": ', b"[", b"x" * 2_000])
async def test_who_is_not_known_learns_nothing_of_the_body(still, body):
    answer = await still.client.post(
        "/instances", content=body, headers={"Authorization": "User a, Organization b"}
    )
    refused(answer, 401)


async def test_who_asks_is_looked_up_once_for_each_request_and_never_kept_for_the_next(still, monkeypatch):
    find, looked = Organizations.find_user, []

    async def find_and_count(*given):
        looked.append(given)
        return await find(*given)

    monkeypatch.setattr(Organizations, "find_user", find_and_count)
    accepted(await still.client.post("/instances", json=await still.body(), headers={"Idempotency-Key": "a"}))
    assert len(looked) == 1
    # By the same connection, and the same request again: another asks.
    async with enter_organization(still) as other:
        headers = {"Authorization": other.client.headers["Authorization"]}
        assert accepted(await still.client.get("/instances", headers=headers)) == []
    headers = {"Authorization": "User wrong, Organization wrong", "Idempotency-Key": "a"}
    refused(await still.client.post("/instances", json=await still.body(), headers=headers), 401)
    assert len(looked) == 3
