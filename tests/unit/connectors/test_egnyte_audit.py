"""The audit log, read from a running sandbox, and from answers that break its contract."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest

from signalpost.connectors.egnyte.audit import AuditFeed
from signalpost.model.configuration import OLDEST
from signalpost.model.errors import (
    AccessRefusedError,
    ConnectorError,
    InvalidRequestError,
    RejectedError,
    RetryLaterError,
    WatermarkLostError,
)
from tests.unit.connectors.egnyte_calls import NOW, open_answers, open_calls, read_all, read_feed

STREAM = "/pubapi/v2/audit/stream"


@pytest.fixture
async def opened():
    async with open_calls() as (egnyte, calls):
        yield egnyte, calls


async def append(egnyte, *ages_minutes, **fields):
    rows = [
        {"date": (NOW - timedelta(minutes=age)).isoformat(), "sourcePath": f"/Shared/{age}", **fields}
        for age in ages_minutes
    ]
    await egnyte.change_records("audit", create=rows)


async def test_all_is_read_through_empty_pages_and_then_by_cursor(opened):
    egnyte, calls = opened
    await append(egnyte, 5000, 4000, 3000, 30, 1, action="Upload", auditSource="FILE_AUDIT")
    feed = calls.feed("audit")
    start = await feed.find_start(calls, OLDEST)
    records, changes, watermark = await read_feed(calls, feed, start)
    assert [each.object_id for each in changes] == [f"/Shared/{age}" for age in (5000, 4000, 3000, 30, 1)]
    assert records[0]["event_type"] == "CREATED"
    assert list(watermark) == ["cursor", "at"]
    assert watermark["at"] == (NOW - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert len(calls.made) > 300
    assert all(len(query) == 1 for _, query in calls.made)
    egnyte.clock.now += 60
    await append(egnyte, -1)
    _, changes, _ = await read_feed(calls, feed, watermark)
    assert [each.object_id for each in changes] == ["/Shared/-1"]


async def test_what_was_changed_in_the_sandbox_is_in_it(opened):
    egnyte, calls = opened
    feed = calls.feed("audit")
    start = await feed.find_start(calls, None)
    await egnyte.make_changes(20, "create", "delete", "move")
    _, changes, _ = await read_feed(calls, feed, start)
    assert [each.event_type.value for each in changes[:3]] == ["CREATED", "DELETED", "MOVED"]
    assert {each.object_type for each in changes} == {"file"}


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (None, timedelta(0)),
        (timedelta(days=2), timedelta(days=2)),
        (timedelta(days=9), timedelta(days=7, hours=-1)),
        (timedelta(days=-2), timedelta(0)),
    ],
)
async def test_the_start(opened, age, expected):
    _, calls = opened
    start = await calls.feed("audit").find_start(calls, None if age is None else NOW - age)
    assert start == {"start": (NOW - expected).strftime("%Y-%m-%dT%H:%M:%S.000Z")}
    assert calls.made == []


async def test_kinds_of_rows_are_chosen_here(opened):
    egnyte, calls = opened
    await append(egnyte, 9, auditSource="FILE_AUDIT")
    await append(egnyte, 8, auditSource="LOGIN_AUDIT")
    await append(egnyte, 7, auditSource="USER_AUDIT")
    start = {"start": (NOW - timedelta(minutes=20)).isoformat()}
    for types, expected in [
        ("FILE_AUDIT", ["file"]),
        ("user_audit|LOGIN_AUDIT", ["login", "user"]),
        ("FILE_AUDIT, USER_AUDIT", ["file", "user"]),
        ("ANY", ["file", "login", "user"]),
    ]:
        _, changes, _ = await read_feed(calls, calls.feed("audit", auditType=types), start)
        assert [each.object_type for each in changes] == expected


@pytest.mark.parametrize("given", [{"auditType": "FILE AUDIT"}, {"auditType": "1"}])
def test_wrong_kinds_are_refused(given):
    with pytest.raises(InvalidRequestError, match=r"^auditType: "):
        AuditFeed(given, "event_object_id", lambda: NOW)


async def test_a_cursor_that_expired_is_a_gap(opened):
    egnyte, calls = opened
    feed = calls.feed("audit")
    _, _, watermark = await read_feed(calls, feed, await feed.find_start(calls, None))
    old_start = await feed.find_start(calls, None)
    egnyte.clock.now += 8 * 86_400
    for lost in (watermark, old_start, {"cursor": watermark["cursor"]}):
        with pytest.raises(WatermarkLostError, match="no longer goes back"):
            await feed.read(calls, lost, verify=False)
    gap = await feed.recover(calls, watermark)
    assert gap.to_watermark == {"start": "2026-05-29T13:00:00.000Z"}
    assert "goes 7 days back" in gap.reason
    await feed.read(calls, gap.to_watermark, verify=False)


async def refuse_once(egnyte):
    await egnyte.control("POST", "faults", {"kind": "status", "status": 400, "times": 1, "path": STREAM})


async def test_a_cursor_that_is_refused_within_reach_loses_nothing_and_tells_nothing_anew(opened):
    egnyte, calls = opened
    await append(egnyte, 200, 90, 40, 10)
    _, told, watermark = await read_feed(calls, calls.feed("audit"), await start_back(calls, hours=4))
    assert len(told) == 4
    egnyte.clock.now += 6 * 86_400
    await append(egnyte, -2000)
    await refuse_once(egnyte)
    calls.made.clear()
    _, changes, after = await read_feed(calls, calls.feed("audit"), watermark)
    assert calls.made[1] == (STREAM, {"startDate": "2026-05-28T10:50:00.000Z"})
    assert [each.object_id for each in changes] == ["/Shared/40", "/Shared/10", "/Shared/-2000"]
    assert [each.change_id for each in changes[:2]] == [each.change_id for each in told[2:]]
    assert after["at"] == "2026-06-02T12:00:00.000Z"


async def start_back(calls, **age):
    return await calls.feed("audit").find_start(calls, NOW - timedelta(**age))


@pytest.mark.parametrize(
    ("age", "start"),
    [
        (timedelta(minutes=5), timedelta(hours=1, minutes=5)),
        (timedelta(days=6, hours=22, minutes=30), timedelta(days=6, hours=23)),
        (timedelta(days=6, hours=23, minutes=30), timedelta(days=6, hours=23, minutes=30)),
    ],
)
async def test_a_log_that_is_read_on_by_date_keeps_how_far_it_was_read(age, start):
    at = (NOW - age).isoformat()
    page = {"moreEvents": True, "nextCursor": "d", "events": []}
    async with open_answers(400, page, 400) as calls:
        feed = calls.feed("audit")
        read = await feed.read(calls, {"cursor": "c", "at": at}, verify=False)
        assert calls.made[1][1] == {"startDate": (NOW - start).strftime("%Y-%m-%dT%H:%M:%S.000Z")}
        assert read.more
        assert read.watermark == {"cursor": "d", "at": (NOW - age).strftime("%Y-%m-%dT%H:%M:%S.000Z")}
        # A new cursor that is refused as well is told: by dates it would be the same again and again.
        with pytest.raises(RejectedError):
            await feed.read(calls, read.watermark, verify=False)
        assert len(calls.made) == 3


async def test_a_quiet_log_that_was_read_to_its_end_does_not_grow_old():
    answers = {"moreEvents": False, "events": []}, 400, {"moreEvents": False, "events": []}
    async with open_answers(*answers) as calls:
        feed = calls.feed("audit")
        page = await feed.read(
            calls, {"cursor": "c", "at": (NOW - timedelta(days=9)).isoformat()}, verify=False
        )
        assert page.watermark == {"cursor": "c", "at": "2026-05-27T12:00:00.000Z"}
        page = await feed.read(calls, page.watermark, verify=False)
    assert page.watermark == {"start": "2026-05-27T12:00:00.000Z"}


async def test_a_log_that_never_gives_a_cursor_does_not_grow_old_and_loses_nothing():
    async with open_answers({"moreEvents": False, "events": []}) as calls:
        feed, now = calls.feed("audit"), NOW
        feed._clock = lambda: now
        watermark = await feed.find_start(calls, None)
        for _ in range(10):
            watermark = (await feed.read(calls, watermark, verify=False)).watermark
            now += timedelta(days=1)
    starts = [made[1]["startDate"] for made in calls.made]
    assert starts[:4] == [f"2026-05-{day}T12:00:00.000Z" for day in (28, 28, 28, 29)]  # a day is read again
    assert watermark == {"start": "2026-06-05T12:00:00.000Z"}


async def test_a_date_to_come_is_not_how_far_the_log_was_read():
    answer = {"moreEvents": True, "nextCursor": "d", "events": [{**ROW, "date": "2099-01-01T00:00:00Z"}]}
    async with open_answers(answer) as calls:
        page = await calls.feed("audit").read(calls, {"start": "2026-05-25T12:00:00.000Z"}, verify=False)
    assert page.watermark == {"cursor": "d", "at": "2026-05-25T12:00:00.000Z"}


async def test_a_start_that_is_refused_though_it_is_recent_is_no_gap():
    async with open_answers(400) as calls:
        with pytest.raises(RejectedError):
            await calls.feed("audit").read(calls, {"start": NOW.isoformat()}, verify=False)


async def test_the_limit_of_its_own_is_waited_for(opened):
    egnyte, calls = opened
    await egnyte.control("PATCH", "settings", {"audit_calls_per_minute": 1})
    feed = calls.feed("audit")
    start = await feed.find_start(calls, None)
    await feed.read(calls, start, verify=False)
    with pytest.raises(RetryLaterError) as refused:
        await feed.read(calls, start, verify=False)
    assert refused.value.after_seconds


async def test_the_scope_is_needed(opened):
    egnyte, calls = opened
    calls.token = (await egnyte.connect(scope="Egnyte.filesystem"))["access_token"]
    with pytest.raises(AccessRefusedError, match=r"Egnyte\.audit"):
        await calls.feed("audit").read(calls, {"start": NOW.isoformat()}, verify=False)


ROW = {"date": 1779968523000, "action": "Upload", "auditSource": "FILE_AUDIT"}


async def test_more_without_a_way_on_is_told_and_never_read_for_ever():
    for answer in (
        {"moreEvents": True, "nextCursor": "same", "events": []},
        {"moreEvents": "true", "events": []},
    ):
        async with open_answers(answer) as calls:
            with pytest.raises(ConnectorError, match="no new nextCursor"):
                await calls.feed("audit").read(calls, {"cursor": "same"}, verify=False)
    async with open_answers({"moreEvents": True, "nextCursor": "same", "events": [ROW]}) as calls:
        page = await calls.feed("audit").read(calls, {"cursor": "same"}, verify=False)
    assert len(page.changes) == 1
    assert page.more is False
    assert "no new nextCursor" in page.remark


async def test_no_cursor_at_the_end_keeps_the_watermark():
    async with open_answers({"moreEvents": False, "events": [ROW]}) as calls:
        page = await calls.feed("audit").read(calls, {"cursor": "c"}, verify=False)
    assert page.watermark == {"cursor": "c", "at": "2026-05-28T11:42:03.000Z"}
    assert page.remark is None


async def test_rows_without_a_date_are_remarked():
    answer = {"moreEvents": False, "nextCursor": "d", "events": [ROW, {**ROW, "date": "soon"}]}
    async with open_answers(answer) as calls:
        page = await calls.feed("audit").read(calls, {"cursor": "c"}, verify=False)
    assert [each.occurred_at == NOW for each in page.changes] == [False, True]
    assert page.remark.endswith("told as of now: 1")


@pytest.mark.parametrize("body", [b"<html>", [], {"moreEvents": False}, {"events": 3}, {"events": [3]}])
async def test_an_answer_that_holds_no_rows_is_told(body):
    async with open_answers(body) as calls:
        with pytest.raises(ConnectorError, match="Egnyte"):
            await calls.feed("audit").read(calls, {"cursor": "c"}, verify=False)


async def test_the_audit_log_as_a_list(opened):
    egnyte, calls = opened
    await append(egnyte, 3000, 600, 500, 499, 498, auditSource="FILE_AUDIT")
    expected = ["/Shared/600", "/Shared/500", "/Shared/499", "/Shared/498"]
    for size in (None, 1, 2, 200):
        records = await read_all(calls, calls.list("audit"), size)
        assert [each["event_object_id"] for each in records] == expected
    since = calls.list("audit", startDate=(NOW - timedelta(days=3)).isoformat())
    assert len(await read_all(calls, since)) == 5


@pytest.mark.parametrize(
    "position", ["", "x", "5", "[]", "{}", '{"start":5}', '{"cursor":"a","start":"b"}', '{"end":"x"}']
)
async def test_a_position_of_another_list_is_refused(opened, position):
    _, calls = opened
    with pytest.raises(RejectedError, match="no position"):
        await calls.list("audit").read(calls, position, None)


async def test_a_cursor_that_egnyte_did_not_give_is_refused(opened):
    _, calls = opened
    with pytest.raises(RejectedError):
        await calls.list("audit").read(calls, orjson.dumps({"cursor": "x"}).decode(), None)


async def test_a_wrong_start_is_named(opened):
    _, calls = opened
    with pytest.raises(InvalidRequestError, match=r"^startDate: 'soon'"):
        calls.list("audit", startDate="soon")
