"""Users and groups (egnyte-api.md section 5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Egnyte

USERS = "/pubapi/v2/users"
GROUPS = "/pubapi/v2/groups"


def names(reply: Any) -> list[str]:
    return [row.get("userName") or row["displayName"] for row in reply.json["resources"]]


async def test_fresh_domain_has_its_three_users_in_one_group(egnyte: Egnyte) -> None:
    reply = await egnyte.get(USERS)
    assert names(reply) == ["admin", "power", "standard"]
    assert [reply.json[name] for name in ("totalResults", "itemsPerPage", "startIndex")] == [3, 100, 1]
    first = reply.json["resources"][0]
    assert first["name"] == {"familyName": "Admin", "givenName": "Sandbox", "formatted": "Sandbox Admin"}
    assert (first["createdDate"], first["userType"]) == ("2025-01-09T10:00:00.000Z", "admin")
    [group] = (await egnyte.get(GROUPS)).json["resources"]
    assert set(group) == {"id", "displayName"}
    assert first["groups"] == [{"displayName": "Everybody", "value": group["id"]}]
    whole = (await egnyte.get(f"{GROUPS}/{group['id']}")).json
    assert [member["username"] for member in whole["members"]] == ["admin", "power", "standard"]
    assert whole["members"][0] == {"username": "admin", "value": 1, "display": "Sandbox Admin"}


async def test_scim_pages_begin_at_1_and_cover_the_list(egnyte: Egnyte) -> None:
    await egnyte.change_records("users", create=[{}] * 240)
    seen: list[int] = []
    while len(seen) < 243:
        reply = await egnyte.get(USERS, startIndex=len(seen) + 1, count=500)
        assert reply.json["totalResults"] == 243
        seen += [row["id"] for row in reply.json["resources"]]
    assert seen == [user["id"] for user in await egnyte.list_records("users")]
    assert (await egnyte.get(USERS, startIndex=244)).json["resources"] == []
    assert all(user_id > 2**32 for user_id in seen[3:])


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ('userName eq "power"', ["power"]),
        ('USERNAME eq "Power"', ["power"]),
        ('email eq "admin@example.com"', ["admin"]),
        ('externalId eq "S-1"', ["clerk"]),
        ('userName eq "nobody"', []),
    ],
)
async def test_users_are_filtered(egnyte: Egnyte, condition: str, found: list[str]) -> None:
    await egnyte.change_records("users", create=[{"userName": "clerk", "externalId": "S-1"}])
    reply = await egnyte.get(USERS, filter=condition)
    assert (names(reply), reply.json["totalResults"]) == (found, len(found))


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ('displayName eq "legal"', ["Legal"]),
        ('displayName sw "leg"', ["Legal", "Legal EU"]),
        ('displayName co "EU"', ["Legal EU"]),
    ],
)
async def test_groups_are_filtered(egnyte: Egnyte, condition: str, found: list[str]) -> None:
    await egnyte.change_records("groups", create=[{"displayName": "Legal"}, {"displayName": "Legal EU"}])
    assert names(await egnyte.get(GROUPS, filter=condition)) == found


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (USERS, {"startIndex": "0"}),
        (USERS, {"startIndex": "x"}),
        (USERS, {"count": "0"}),
        (USERS, {"count": "-1"}),
        (USERS, {"filter": 'userName co "a"'}),
        (USERS, {"filter": 'active eq "true"'}),
        (USERS, {"filter": "userName eq power"}),
        (GROUPS, {"filter": 'id eq "1"'}),
    ],
)
async def test_bad_query_is_refused_by_name(egnyte: Egnyte, path: str, query: dict[str, str]) -> None:
    reply = await egnyte.get(path, **query)
    assert reply.status == 400
    assert next(iter(query)) in reply.json["errorMessage"]


async def test_single_user_and_what_is_not_there(egnyte: Egnyte) -> None:
    assert (await egnyte.get(f"{USERS}/12824215695")).json["userName"] == "standard"
    assert (await egnyte.get(f"{USERS}/2")).status == 404
    assert (await egnyte.get(f"{USERS}/admin")).status == 400
    assert (await egnyte.get(f"{GROUPS}/none")).status == 404
    assert (await egnyte.call("POST", f"{USERS}/1")).status == 405


async def test_deleted_user_vanishes_from_its_groups(egnyte: Egnyte) -> None:
    [group] = await egnyte.change_records("groups", create=[{"members": [7, 1]}])
    assert [member["value"] for member in group["members"]] == [7, 1]
    await egnyte.change_records("users", delete=[7])
    whole = (await egnyte.get(f"{GROUPS}/{group['id']}")).json
    assert [member["value"] for member in whole["members"]] == [1]
