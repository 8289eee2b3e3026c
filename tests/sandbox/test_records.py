"""The control ``records``: what it makes, changes, refuses, and what it does to lists as they are paged."""

from __future__ import annotations

from typing import Any

import pytest

from signalpost.sandbox.egnyte.kinds import KINDS
from signalpost.sandbox.egnyte.record_control import ALL_KINDS
from tests.sandbox.conftest import Egnyte, open_egnyte


@pytest.mark.parametrize("kind", KINDS)
async def test_created_updated_and_deleted_records_are_the_whole_truth(egnyte: Egnyte, kind: str) -> None:
    before = await egnyte.list_records(kind)
    made = await egnyte.change_records(kind, create=[{}, {}, {}])
    assert len({record["id"] for record in made}) == 3
    assert await egnyte.list_records(kind) == before + made
    changed = await egnyte.change_records(kind, update=[{"id": made[0]["id"]}], delete=[made[1]["id"]])
    assert changed == [made[0]]
    assert await egnyte.list_records(kind) == [*before, made[0], made[2]]
    await egnyte.control("POST", "reset")
    assert len(await egnyte.list_records(kind)) == len(before)


@pytest.mark.parametrize("kind", ALL_KINDS)
async def test_same_seed_makes_the_same_records(kind: str) -> None:
    made = []
    for seed in (7, 7, 8):
        async with open_egnyte(seed=seed) as egnyte:
            await egnyte.make_changes(3, "update")
            made.append(await egnyte.change_records(kind, create=[{}, {}]))
    assert made[0] == made[1]
    assert kind == "audit" or made[0] != made[2]


@pytest.mark.parametrize(
    ("kind", "field", "written"),
    [
        ("users", "createdDate", "2020-02-29T23:30:00.000Z"),
        ("users", "lastActiveDate", "2020-02-29T23:30:00.000Z"),
        ("links", "creation_date", "2020-02-29T23:30:00+0000"),
        ("tasks", "creationDate", 1_583_019_000_000),
        ("tasks", "dueDate", "2020-02-29"),
        ("project-folders", "lastModifiedTime", "2020-02-29T23:30:00.000+0000"),
        ("notes", "creation_time", "2020-02-29T23:30:00Z"),
        ("audit", "date", 1_583_019_000_000),
    ],
)
async def test_any_date_is_written_as_the_provider_does(
    egnyte: Egnyte, kind: str, field: str, written: Any
) -> None:
    await egnyte.make_changes(1, "update")
    for given in ("2020-03-01T00:30:00+01:00", "2020-02-29T23:30:00", 1_583_019_000_000, "1583019000000"):
        [record] = await egnyte.change_records(kind, create=[{field: given}])
        assert record[field] == written
    for given in ("1752-09-14T00:00:00Z", "9999-12-30T00:00:00Z"):
        assert len(await egnyte.change_records(kind, create=[{field: given}])) == 1


async def test_update_moves_the_date_unless_it_gives_it(egnyte: Egnyte) -> None:
    egnyte.clock.now += 0.5
    [user] = await egnyte.change_records("users", update=[{"id": 7, "active": False}])
    assert (user["lastModificationDate"], user["active"]) == ("2026-05-28T12:00:00.500Z", False)
    [user] = await egnyte.change_records(
        "users", update=[{"id": 7, "lastModificationDate": "2020-01-01", "name": {"givenName": "Power"}}]
    )
    assert user["lastModificationDate"] == "2020-01-01T00:00:00.000Z"
    assert user["name"] == {"familyName": "Power", "givenName": "Power", "formatted": "Sandbox Power"}


async def test_what_was_told_can_be_given_again(egnyte: Egnyte) -> None:
    [link] = await egnyte.change_records("links", create=[{}])
    [project] = await egnyte.change_records("project-folders", create=[{}])
    await egnyte.change_records("links", delete=[link["id"]])
    await egnyte.change_records("project-folders", delete=[project["id"]])
    assert await egnyte.change_records("links", create=[link]) == [link]
    assert await egnyte.change_records("project-folders", create=[project]) == [project]


@pytest.mark.parametrize(
    ("kind", "wish", "named"),
    [
        ("robots", {}, "kind"),
        ("users", [], "object"),
        ("users", {"remove": [1]}, "remove"),
        ("users", {"create": {}}, "create"),
        ("users", {"create": [5]}, "create[0]"),
        ("users", {"create": [{}, {"colour": "red"}]}, "colour"),
        ("users", {"create": [{"id": "7"}]}, "create[0].id"),
        ("users", {"create": [{"id": 7}]}, "7"),
        ("users", {"create": [{"active": "yes"}]}, "create[0].active"),
        ("users", {"create": [{"userType": "guest"}]}, "userType"),
        ("users", {"create": [{"createdDate": "soon"}]}, "createdDate"),
        ("users", {"create": [{"createdDate": None}]}, "createdDate"),
        ("users", {"create": [{"createdDate": True}]}, "createdDate"),
        ("users", {"create": [{"createdDate": 1e300}]}, "createdDate"),
        ("users", {"create": [{"name": "Ada"}]}, "name"),
        ("users", {"create": [{"name": {"middleName": "X"}}]}, "middleName"),
        ("users", {"update": [{"active": False}]}, "update[0].id"),
        ("users", {"update": [{"id": 99}]}, "99"),
        ("users", {"delete": [99]}, "99"),
        ("users", {"delete": 7}, "delete"),
        ("users", {"delete": ["7"]}, "delete[0]"),
        ("groups", {"create": [{"members": ["admin"]}]}, "members"),
        ("links", {"create": [{"type": "door"}]}, "type"),
        ("links", {"create": [{"recipients": [1]}]}, "recipients"),
        ("tasks", {"create": [{"description": 5}]}, "description"),
        ("tasks", {"create": [{"file": {"path": ""}}]}, "file.path"),
        ("audit", {"delete": [1]}, "delete"),
        ("audit", {"create": [{"id": 1}]}, "id"),
        ("audit", {"create": [{"userId": 7}]}, "userId"),
    ],
)
async def test_bad_wish_is_refused_by_name_and_leaves_nothing(
    egnyte: Egnyte, kind: str, wish: Any, named: str
) -> None:
    before = await egnyte.list_records("users")
    assert named in (await egnyte.control("POST", f"records/{kind}", wish, status=400))["message"]
    assert await egnyte.list_records("users") == before


async def test_wish_is_granted_whole_or_not_at_all(egnyte: Egnyte) -> None:
    wish = {"create": [{}], "update": [{"id": 1, "active": False}], "delete": [7, 99]}
    await egnyte.control("POST", "records/users", wish, status=400)
    users = await egnyte.list_records("users")
    assert [(user["id"], user["active"]) for user in users] == [(1, True), (7, True), (12_824_215_695, True)]
