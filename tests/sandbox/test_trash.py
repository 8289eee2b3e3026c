"""The trash: what the changes deleted and did not restore (egnyte-api.md section 5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Egnyte

V1 = "/pubapi/v1/fs/trash"
V2 = "/pubapi/v2/fs/trash"


def paths(reply: Any) -> list[str]:
    assert reply.status == 200, reply.text
    return [item["path"] for item in reply.json["items"]]


async def test_deleted_things_lie_in_the_trash(egnyte: Egnyte) -> None:
    [row] = await egnyte.make_changes(1, "delete", username="power")
    reply = (await egnyte.get(V1)).json
    [item] = reply.pop("items")
    assert reply == {"count": 1, "offset": 0, "total_count": 1, "has_more": False}
    assert item.pop("id")
    assert item.pop("size") > 0
    path = row["data"]["target_path"]
    assert item == {
        "type": "file",
        "path": path,
        "name": path.rpartition("/")[2],
        "deleted_by": "Sandbox Power",
        "delete_date": "2026-05-28T12:00:00Z",
    }


async def test_trash_follows_deletes_and_restores_and_pages_to_the_end(egnyte: Egnyte) -> None:
    deleted: list[str] = []
    for _ in range(3):
        for row in await egnyte.make_changes(20, "delete"):
            deleted.append(row["data"]["target_path"])
        egnyte.clock.now += 1
    seen: list[str] = []
    has_more = True
    while has_more:
        reply = await egnyte.get(V1, offset=len(seen), count=25)
        seen += paths(reply)
        has_more = reply.json["has_more"]
    assert sorted(seen) == sorted(deleted)
    dates = [item["delete_date"] for item in (await egnyte.get(V2)).json["items"]]
    assert dates == sorted(dates)
    await egnyte.make_changes(10, "restore")
    assert (await egnyte.get(V1)).json["total_count"] == 50


async def test_v2_is_filtered_by_person_and_date_together(egnyte: Egnyte) -> None:
    [mine] = await egnyte.make_changes(1, "delete", username="admin")
    await egnyte.make_changes(1, "delete", username="power")
    query = {"deletedBy": "admin", "startDate": "2026-05-28", "endDate": "2026-05-29"}
    reply = await egnyte.get(V2, **query)
    assert paths(reply) == [mine["data"]["target_path"]]
    assert "total_count" not in reply.json
    assert paths(await egnyte.get(V2, **query | {"startDate": "2026-05-29"})) == []
    assert len(paths(await egnyte.get(V2))) == 2


@pytest.mark.parametrize(
    "query", [{"deletedBy": "admin"}, {"startDate": "2026-05-28"}, {"endDate": "x"}, {"offset": "-1"}]
)
async def test_bad_query_is_refused(egnyte: Egnyte, query: dict[str, str]) -> None:
    reply = await egnyte.get(V2, **query)
    assert (reply.status, next(iter(query)) in reply.json["errorMessage"]) == (400, True)
