"""The events calls (egnyte-api.md section 2 and section 9)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Egnyte

LIST = "/pubapi/v2/events"
CURSOR = "/pubapi/v1/events/cursor"


def ids(reply: Any) -> list[int]:
    return [event["id"] for event in reply.json["events"]] if reply.status == 200 else []


async def test_new_domain_has_no_events(egnyte: Egnyte) -> None:
    cursor = {"timestamp": None, "latest_event_id": 0, "oldest_event_id": 0}
    assert (await egnyte.get(CURSOR)).json == cursor
    assert (await egnyte.get("/pubapi/v2/events/cursor")).json == cursor
    reply = await egnyte.get(LIST, id=0)
    assert (reply.status, reply.text) == (204, "")


@pytest.mark.parametrize(
    ("scheme", "status"), [("Bearer ", 200), ("bearer ", 200), ("BEARER  ", 200), ("", 403), ("Basic ", 403)]
)
async def test_the_token_comes_as_a_bearer_in_any_letter_case(
    egnyte: Egnyte, scheme: str, status: int
) -> None:
    headers = {"authorization": f"{scheme}{egnyte.token}"}
    async with egnyte.session.get(egnyte.sandbox.url + CURSOR, headers=headers) as response:
        assert response.status == status


async def test_id_is_exclusive_and_pages_are_ascending(egnyte: Egnyte) -> None:
    made = await egnyte.make_changes(5)
    reply = await egnyte.get(LIST, id=2, count=2)
    assert reply.json == {"latest_id": 4, "oldest_id": 3, "count": 2, "events": made[2:4]}
    assert (await egnyte.get(LIST, id=5)).status == 204
    cursor = {"timestamp": "2026-05-28T12:00:00.000Z", "latest_event_id": 5, "oldest_event_id": 1}
    assert (await egnyte.get(CURSOR)).json == cursor


async def test_count_is_20_unless_told_and_at_most_100(egnyte: Egnyte) -> None:
    await egnyte.make_changes(120)
    assert len(ids(await egnyte.get(LIST, id=0))) == 20
    assert len(ids(await egnyte.get(LIST, id=0, count=500))) == 100
    await egnyte.control("PATCH", "settings", {"over_max_count": "400"})
    assert (await egnyte.get(LIST, id=0, count=101)).status == 400
    assert len(ids(await egnyte.get(LIST, id=0, count=100))) == 100


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"id": ""},
        {"id": "x"},
        {"id": "1.5"},
        {"id": "\u0661"},
        {"id": "9" * 20},
        {"id": "0", "count": "0"},
        {"id": "0", "count": "many"},
        {"id": "0", "folder": "Shared"},
        {"id": "0", "suppress": "all"},
    ],
)
async def test_bad_query_is_refused(egnyte: Egnyte, query: dict[str, str]) -> None:
    reply = await egnyte.get(LIST, **query)
    assert reply.status == 400
    assert (list(query)[-1] if query else "id") in reply.json["errorMessage"]


async def test_reverse_gives_the_newest_first(egnyte: Egnyte) -> None:
    await egnyte.make_changes(5)
    reply = await egnyte.get(LIST, id=1, count=3, reverse=1)
    assert ids(reply) == [5, 4, 3]
    assert (reply.json["latest_id"], reply.json["oldest_id"]) == (5, 3)


async def test_type_filter_and_permission_changes_in_v2_alone(egnyte: Egnyte) -> None:
    await egnyte.make_changes(6, "create", "permission_change", "note")
    assert ids(await egnyte.get("/pubapi/v2/events", id=0)) == [1, 2, 3, 4, 5, 6]
    assert ids(await egnyte.get("/pubapi/v1/events", id=0)) == [1, 3, 4, 6]
    assert ids(await egnyte.get("/pubapi/v1/events", id=0, count=2)) == [1, 3]
    assert ids(await egnyte.get("/pubapi/v1/events", id=0, type="permission_change")) == []
    assert ids(await egnyte.get(LIST, id=0, type="permission_change")) == [2, 5]
    assert ids(await egnyte.get(LIST, id=0, type="file_system|note")) == [1, 3, 4, 6]
    assert (await egnyte.get("/pubapi/v1/events", id=4, type="file_system")).status == 204


async def test_folder_filter_takes_descendants_and_what_left(egnyte: Egnyte) -> None:
    rows = [
        {"id": 1, "data": {"target_path": "/Shared/A/x"}},
        {"id": 2, "data": {"target_path": "/Shared/AB/x"}},
        {"id": 3, "data": {"target_path": "/Shared/B/y", "source_path": "/Shared/A/y"}},
        {"id": 4, "data": {"target_path": "/Shared/A"}},
        {"id": 5},
    ]
    await egnyte.control("POST", "events", rows)
    assert ids(await egnyte.get(LIST, id=0, folder="/Shared/A")) == [1, 3, 4]
    assert ids(await egnyte.get(LIST, id=0, folder="/Shared/A/")) == [1, 3, 4]
    assert ids(await egnyte.get(LIST, id=0, folder="/shared/a")) == [1, 3, 4]
    assert ids(await egnyte.get(LIST, id=0, folder="/")) == [1, 2, 3, 4]


async def test_suppress_drops_own_changes(egnyte: Egnyte) -> None:
    await egnyte.make_changes(1, client_id="key", username="admin")
    await egnyte.make_changes(1, client_id="key", username="power")
    await egnyte.make_changes(1, username="admin")
    assert ids(await egnyte.get(LIST, id=0, suppress="app")) == [3]
    assert ids(await egnyte.get(LIST, id=0, suppress="user")) == [2, 3]
    assert ids(await egnyte.get(LIST, id=0)) == [1, 2, 3]


@pytest.mark.parametrize("status", [404, 400])
async def test_retention_by_count_makes_old_cursors_lost(egnyte: Egnyte, status: int) -> None:
    await egnyte.control("PATCH", "settings", {"retention": 3, "lost_cursor_status": status})
    made = await egnyte.make_changes(10)
    cursor = (await egnyte.get(CURSOR)).json
    assert (cursor["oldest_event_id"], cursor["latest_event_id"]) == (8, 10)
    lost = await egnyte.get(LIST, id=6)
    assert (lost.status, lost.json) == (status, {"message": "Invalid cursor"})
    assert ids(await egnyte.get(LIST, id=7)) == [8, 9, 10]
    assert (await egnyte.control("GET", "events?after=0"))["events"] == made


@pytest.mark.parametrize("narrow", [{"retention": 3}, {"retention_seconds": 60}], ids=["by count", "by age"])
async def test_what_was_let_go_stays_gone_though_nobody_read_before_more_was_kept_again(
    egnyte: Egnyte, narrow: dict[str, Any]
) -> None:
    wide = await egnyte.control("GET", "settings")
    await egnyte.control("PATCH", "settings", narrow)
    await egnyte.make_changes(8)
    egnyte.clock.now += 100
    await egnyte.control("PATCH", "settings", {name: wide[name] for name in narrow})
    assert (await egnyte.get(LIST, id=1)).status == 404


async def test_retention_by_age(egnyte: Egnyte) -> None:
    await egnyte.make_changes(2)
    egnyte.clock.now += 29 * 86_400
    await egnyte.make_changes(1)
    assert ids(await egnyte.get(LIST, id=0)) == [1, 2, 3]
    egnyte.clock.now += 86_401
    await egnyte.connect()
    assert (await egnyte.get(LIST, id=0)).status == 404
    assert (await egnyte.get(CURSOR)).json["oldest_event_id"] == 3
    egnyte.clock.now += 40 * 86_400
    await egnyte.connect()
    cursor = (await egnyte.get(CURSOR)).json
    assert (cursor["oldest_event_id"], cursor["latest_event_id"]) == (3, 3)
    assert (await egnyte.get(LIST, id=3)).status == 204
    assert (await egnyte.get(LIST, id=2)).status == 404


@pytest.mark.parametrize("status", [204, 404, 400])
async def test_cursor_from_the_future(egnyte: Egnyte, status: int) -> None:
    await egnyte.make_changes(1)
    await egnyte.control("PATCH", "settings", {"future_cursor": status})
    assert (await egnyte.get(LIST, id=2)).status == status
    assert (await egnyte.get(LIST, id=1)).status == 204


async def test_lag_hides_new_events_for_a_while(egnyte: Egnyte) -> None:
    await egnyte.control("PATCH", "settings", {"lag_seconds": 5})
    await egnyte.make_changes(1)
    egnyte.clock.now += 3
    await egnyte.make_changes(1)
    assert (await egnyte.get(CURSOR)).json["latest_event_id"] == 0
    assert (await egnyte.get(LIST, id=0)).status == 204
    egnyte.clock.now += 2
    assert (await egnyte.get(CURSOR)).json["latest_event_id"] == 1
    assert ids(await egnyte.get(LIST, id=0)) == [1]
    egnyte.clock.now += 3
    assert ids(await egnyte.get(LIST, id=1)) == [2]


async def test_numbers_as_strings(egnyte: Egnyte) -> None:
    await egnyte.make_changes(1, "delete", username="power")
    await egnyte.control("PATCH", "settings", {"numbers_as_strings": True})
    reply = (await egnyte.get(LIST, id=0)).json
    event = reply["events"][0]
    assert [reply[name] for name in ("latest_id", "oldest_id", "count")] == ["1", "1", "1"]
    assert (event["id"], event["actor"]) == ("1", "7")
    assert (await egnyte.get(CURSOR)).json["latest_event_id"] == "1"
    assert (await egnyte.get("/pubapi/v1/userinfo")).json["id"] == "1"
    assert (await egnyte.connect())["expires_in"] == "2592000"


async def test_links_use_the_address_that_was_called(egnyte: Egnyte) -> None:
    await egnyte.make_changes(1, "create")
    url = f"{egnyte.sandbox.url}{LIST}?id=0"
    headers = {"Authorization": f"Bearer {egnyte.token}", "Host": "other.egnyte.test:99"}
    async with egnyte.session.get(url, headers=headers) as response:
        event = (await response.json())["events"][0]
    assert event["object_detail"].startswith("http://other.egnyte.test:99/pubapi/v1/fs/Shared/")


async def test_rows_are_given_exactly_as_they_were_posted(egnyte: Egnyte) -> None:
    row = {"id": 2**60, "type": "new_kind", "timestamp": "2026-05-28T11:41:12.000Z", "data": None, "x": [1]}
    await egnyte.control("POST", "events", [row])
    assert (await egnyte.get(LIST, id=2**60 - 1)).json["events"] == [row]
    await egnyte.control("POST", "events", [{"id": 2**60 - 5}, {"type": "late"}])
    assert ids(await egnyte.get(LIST, id=2**60 - 6)) == [2**60 - 5, 2**60, 2**60 + 1]


async def test_unknown_paths_and_methods(egnyte: Egnyte) -> None:
    assert (await egnyte.get("/pubapi/v1/nothing")).status == 404
    assert (await egnyte.call("POST", LIST)).status == 405


async def test_others_than_administrators_see_what_is_theirs_where_permissions_count(egnyte: Egnyte) -> None:
    shared = await egnyte.make_changes(1, "create", folder="/Shared")
    await egnyte.make_changes(1, "create", folder="/Private/admin")
    own = await egnyte.make_changes(1, "create", folder="/Private/standard")
    [note] = (await egnyte.control("POST", "events", [{"type": "note", "data": {"note_id": "n"}}]))["events"]
    token = (await egnyte.connect(username="standard"))["access_token"]
    await egnyte.control("PATCH", "settings", {"permission_filtering": True})
    expected = [shared[0]["id"], own[0]["id"], note["id"]]
    assert ids(await egnyte.get(LIST, id=0)) == expected
    assert (await egnyte.get(CURSOR)).json["latest_event_id"] == note["id"]
    await egnyte.connect()
    assert len(ids(await egnyte.get(LIST, id=0))) == 4
    await egnyte.control("PATCH", "settings", {"permission_filtering": False})
    assert len(ids(await egnyte.call("GET", LIST, token=token, params={"id": 0}))) == 4
