"""The audit stream: windows, cursors, and a limit of its own (egnyte-api.md 3.2)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sandbox.conftest import START, Egnyte, open_egnyte

STREAM = "/pubapi/v2/audit/stream"
DAY = 86_400


def write(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


async def drain(egnyte: Egnyte, **query: Any) -> tuple[list[dict[str, Any]], list[int], str]:
    """Read while there is more: give the rows, how many each page had, and the last cursor."""
    rows: list[dict[str, Any]] = []
    sizes: list[int] = []
    while True:
        reply = await egnyte.get(STREAM, **query)
        assert reply.status == 200, reply.text
        rows += reply.json["events"]
        sizes.append(len(reply.json["events"]))
        query = {"nextCursor": reply.json["nextCursor"]}
        if not reply.json["moreEvents"]:
            return rows, sizes, reply.json["nextCursor"]


async def test_change_of_a_file_is_a_row(egnyte: Egnyte) -> None:
    [row] = await egnyte.make_changes(1, "rename", username="power", client_id="key")
    reply = await egnyte.get(STREAM, startDate=write(START))
    assert reply.json["moreEvents"] is False
    assert reply.json["events"] == [
        {
            "date": START * 1000,
            "sourcePath": row["data"]["source_path"],
            "targetPath": row["data"]["target_path"],
            "user": "Sandbox Power (power@example.com)",
            "userId": "7",
            "action": "Rename",
            "access": "API",
            "ipAddress": "192.0.2.1",
            "actionInfo": "",
            "auditSource": "FILE_AUDIT",
        }
    ]


async def test_every_change_of_files_and_folders_is_audited_and_nothing_else(egnyte: Egnyte) -> None:
    made = [row for row in await egnyte.make_changes(200) if row["type"] == "file_system"]
    rows, _, _ = await drain(egnyte, startDate=write(START))
    paths = [row["targetPath"] or row["sourcePath"] for row in rows]
    assert paths == [row["data"]["target_path"] for row in made]
    assert {"Upload", "Create Folder", "Delete", "Move", "Copy"} <= {row["action"] for row in rows}


async def test_quiet_hours_are_empty_pages_with_more_to_come(egnyte: Egnyte) -> None:
    await egnyte.change_records("audit", create=[{"date": write(START - 3 * 3600)}])
    rows, sizes, cursor = await drain(egnyte, startDate=write(START - 4 * 3600))
    assert sizes == [0, 1, 0, 0, 0, 0, 0, 0]
    assert rows[0]["auditSource"] == "LOGIN_AUDIT"
    assert await drain(egnyte, nextCursor=cursor) == ([], [0], (await drain(egnyte, nextCursor=cursor))[2])
    egnyte.clock.now += 5
    await egnyte.make_changes(1, "create")
    later, _, _ = await drain(egnyte, nextCursor=cursor)
    assert len(later) == 1


async def test_pages_cut_rows_of_one_moment_without_loss(egnyte: Egnyte) -> None:
    await egnyte.control("PATCH", "settings", {"audit_page_size": 3, "audit_window_seconds": DAY})
    made = await egnyte.change_records("audit", create=[{"action": str(number)} for number in range(10)])
    rows, sizes, cursor = await drain(egnyte, startDate=write(START - 60))
    assert (rows, sizes) == (made, [3, 3, 3, 1])
    # The clock stands still: rows of the moment that was read last are still told, once.
    [late] = await egnyte.change_records("audit", create=[{"action": "late"}])
    assert (await drain(egnyte, nextCursor=cursor))[0] == [late]


async def test_end_and_types_narrow_and_stay_with_the_cursor(egnyte: Egnyte) -> None:
    sources = ("LOGIN_AUDIT", "USER_AUDIT", "GROUP_AUDIT")
    await egnyte.change_records(
        "audit",
        create=[
            {"date": write(START - hours * 3600), "auditSource": source}
            for hours in (5, 3, 1)
            for source in sources
        ],
    )
    query = {"startDate": write(START - 6 * 3600), "endDate": write(START - 2 * 3600)}
    assert len((await drain(egnyte, **query))[0]) == 6
    rows, _, _ = await drain(egnyte, **query, auditType="USER_AUDIT,GROUP_AUDIT")
    assert [row["auditSource"] for row in rows] == ["USER_AUDIT", "GROUP_AUDIT"] * 2
    again = [("startDate", query["startDate"]), ("auditType", "USER_AUDIT"), ("auditType[]", "LOGIN_AUDIT")]
    await egnyte.control("PATCH", "settings", {"audit_window_seconds": DAY})
    reply = await egnyte.call("GET", STREAM, params=again)
    assert len(reply.json["events"]) == 6
    body = {**query, "auditType": ["LOGIN_AUDIT"]}
    posted = (await egnyte.call("POST", STREAM, json=body)).json
    assert [row["auditSource"] for row in posted["events"]] == ["LOGIN_AUDIT"] * 2


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({}, "startDate"),
        ({"startDate": "yesterday"}, "startDate"),
        ({"startDate": write(START - 7 * DAY - 1)}, "startDate"),
        ({"startDate": write(START), "endDate": write(START - 1)}, "endDate"),
        ({"nextCursor": "none"}, "nextCursor"),
        ({"nextCursor": "bnVsbA=="}, "nextCursor"),
        ({"nextCursor": "\u00e9"}, "nextCursor"),
    ],
)
async def test_bad_query_is_refused_by_name(egnyte: Egnyte, query: dict[str, str], named: str) -> None:
    for reply in (await egnyte.get(STREAM, **query), await egnyte.call("POST", STREAM, json=query)):
        assert (reply.status, named in reply.json["errorMessage"]) == (400, True)


async def test_body_of_another_kind_is_refused(egnyte: Egnyte) -> None:
    for body in ("", "{", "[]", '{"since": 1}', '{"startDate": "2026-05-28", "auditType": "ANY"}'):
        assert (await egnyte.call("POST", STREAM, data=body)).status == 400


async def test_cursor_lives_a_week_and_goes_without_dates(egnyte: Egnyte) -> None:
    await egnyte.control("PATCH", "settings", {"audit_window_seconds": 30 * DAY})
    _, _, cursor = await drain(egnyte, startDate=write(START - 7 * DAY))
    reply = await egnyte.get(STREAM, nextCursor=cursor, startDate=write(START))
    assert (reply.status, "nextCursor" in reply.json["errorMessage"]) == (400, True)
    egnyte.clock.now += 7 * DAY
    assert (await egnyte.get(STREAM, nextCursor=cursor)).status == 200
    egnyte.clock.now += 1
    assert (await egnyte.get(STREAM, nextCursor=cursor)).status == 400


async def test_limit_of_its_own() -> None:
    async with open_egnyte(realistic=True, qps=1_000) as egnyte:
        await egnyte.connect()
        egnyte.clock.now += 20
        statuses = [(await egnyte.get(STREAM, startDate=write(START))).status for _ in range(11)]
        assert statuses == [200] * 10 + [429]
        refused = await egnyte.get(STREAM, startDate=write(START))
        assert refused.headers["Retry-After"] == "40"
        assert (await egnyte.get("/pubapi/v1/userinfo")).status == 200
        egnyte.clock.now += 40
        assert (await egnyte.get(STREAM, startDate=write(START))).status == 200
        await egnyte.control("PATCH", "settings", {"audit_calls_per_hour": 13})
        refused = await egnyte.get(STREAM, startDate=write(START))
        assert (refused.status, refused.headers["Retry-After"]) == (429, "3540")


@pytest.mark.parametrize(("username", "status"), [("admin", 200), ("power", 200), ("standard", 403)])
async def test_who_can_run_reports(fresh_egnyte: Egnyte, username: str, status: int) -> None:
    await fresh_egnyte.connect(username=username)
    assert (await fresh_egnyte.get(STREAM, startDate=write(START))).status == status
