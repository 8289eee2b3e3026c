"""Links: whole ones in v2, ids in v1 (egnyte-api.md section 5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Egnyte

V1 = "/pubapi/v1/links"
V2 = "/pubapi/v2/links"
DAYS = ("2026-05-01T08:00:00Z", "2026-05-02T08:00:00+02:00", "2026-05-03T08:00:00Z")


async def make_three(egnyte: Egnyte) -> list[str]:
    made = await egnyte.change_records("links", create=[{"creation_date": day} for day in DAYS])
    return [link["id"] for link in made]


def ids(reply: Any) -> list[str]:
    assert reply.status == 200, reply.text
    return [link["id"] for link in reply.json["links"]]


async def test_link_has_the_shape_of_the_reference(egnyte: Egnyte) -> None:
    [row] = await egnyte.make_changes(1, "update")
    [link] = await egnyte.change_records("links", create=[{}])
    reply = (await egnyte.get(V2)).json
    assert reply == {"links": [link], "count": 1, "offset": 0}
    assert link["creation_date"] == "2026-05-28T12:00:00+0000"
    assert (link["path"], link["resource_id"]) == (row["data"]["target_path"], row["data"]["target_group_id"])
    assert link["url"] == f"https://acme.egnyte.com/dl/{link['id']}"
    assert {"type", "accessibility", "notify", "link_to_current", "created_by", "protection"} < set(link)
    assert (await egnyte.get(f"{V2}/{link['id']}")).json == link
    assert (await egnyte.get(f"{V1}/{link['id']}")).json == link | {"creation_date": "2026-05-28"}
    assert (await egnyte.get(f"{V1}/none")).status == 404


async def test_pages_end_with_a_short_one_and_v1_tells_the_total(egnyte: Egnyte) -> None:
    made = await egnyte.change_records("links", create=[{}] * 1_010)
    expected = [link["id"] for link in made]
    pages = [await egnyte.get(V2, offset=offset, count=900) for offset in (0, 500, 1_000)]
    assert [page.json["count"] for page in pages] == [500, 500, 10]
    assert [link_id for page in pages for link_id in ids(page)] == expected
    first = (await egnyte.get(V1, count=3)).json
    assert first == {"ids": expected[:3], "offset": 0, "count": 3, "total_count": 1_010}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"created_after": "2026-05-02T06:00:00Z"}, [2]),
        ({"created_after": "2026-05-02T05:59:59Z"}, [1, 2]),
        ({"created_before": "2026-05-02"}, [0]),
        ({"created_after": "2026-05-01T08:00:00+0000", "created_before": "2026-05-03T08:00:00Z"}, [1]),
        ({"created_after": "1777629600000"}, [1, 2]),
    ],
)
async def test_links_are_filtered_by_date(egnyte: Egnyte, query: dict[str, str], found: list[int]) -> None:
    made = await make_three(egnyte)
    assert ids(await egnyte.get(V2, **query)) == [made[place] for place in found]
    assert (await egnyte.get(V1, **query)).json["ids"] == [made[place] for place in found]


async def test_plus_that_is_not_encoded_is_no_date(egnyte: Egnyte) -> None:
    reply = await egnyte.call("GET", f"{V2}?created_after=2026-05-02T06:00:00+0000")
    assert (reply.status, "created_after" in reply.json["errorMessage"]) == (400, True)


async def test_other_filters(egnyte: Egnyte) -> None:
    given = [{"type": "upload"}, {"accessibility": "domain"}, {"created_by": "power"}, {"path": "/Shared/x"}]
    made = [link["id"] for link in await egnyte.change_records("links", create=given)]
    for place, item in enumerate(given):
        [(name, value)] = item.items()
        query = {"username" if name == "created_by" else name: value}
        assert ids(await egnyte.call("GET", V2, params=query)) == [made[place]]


async def test_others_than_administrators_see_their_own(fresh_egnyte: Egnyte) -> None:
    await fresh_egnyte.connect(username="power")
    foreign, own = await fresh_egnyte.change_records("links", create=[{}, {"created_by": "power"}])
    assert ids(await fresh_egnyte.get(V2)) == [own["id"]]
    assert (await fresh_egnyte.get(f"{V2}/{foreign['id']}")).status == 404
