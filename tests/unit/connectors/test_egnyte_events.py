"""The events, read from a running sandbox: where reading starts, what a page gives, how a lost cursor is told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.connectors.egnyte.feeds import EventFeed
from signalpost.connectors.egnyte.values import format_timestamp
from signalpost.model.configuration import OLDEST
from signalpost.model.errors import ConnectorError, MissingError, RetryLaterError, WatermarkLostError
from signalpost.outbound import Answer
from tests.unit.connectors.egnyte_calls import NOW, open_answers, open_calls, read_all, read_feed

CURSOR = "/pubapi/v2/events/cursor"
FIRST_AT = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
async def opened():
    async with open_calls() as (egnyte, calls):
        yield egnyte, calls


async def append_hourly(egnyte, count, *, step=1):
    """Append events an hour apart; their ids ``step`` apart."""
    rows = [
        {
            "id": number * step,
            "timestamp": (FIRST_AT + timedelta(hours=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "actor": 1,
            "type": "file_system",
            "action": "create",
            "data": {"target_path": f"/Shared/{number}", "target_group_id": f"g{number}", "is_folder": False},
        }
        for number in range(1, count + 1)
    ]
    await egnyte.control("POST", "events", rows)


async def test_all_is_read_in_order_and_once(opened):
    egnyte, calls = opened
    made = await egnyte.make_changes(250)
    records, changes, watermark = await read_feed(calls, calls.feed("events"), {"id": 0})
    added = ("event_object_id", "event_object_type", "event_type", "event_date")
    given = [{k: v for k, v in each.items() if k not in (*added, "object_detail")} for each in records]
    assert given == [{k: v for k, v in each.items() if k != "object_detail"} for each in made]
    assert [change.record_index for change in changes[:100]] == list(range(100))
    assert watermark == {"id": 250}
    assert len(calls.made) == 3


async def test_numbers_as_texts_are_read(opened):
    egnyte, calls = opened
    await egnyte.control("PATCH", "settings", {"numbers_as_strings": True})
    await egnyte.make_changes(3)
    assert await calls.feed("events").find_start(calls, None) == {"id": 3}
    _, changes, watermark = await read_feed(calls, calls.feed("events"), {"id": 0})
    assert len(changes) == 3
    assert watermark == {"id": 3}


@pytest.mark.parametrize("step", [1, 7])
async def test_the_start_is_found_by_bisection(opened, step):
    egnyte, calls = opened
    await egnyte.control("PATCH", "settings", {"retention": 60})
    await append_hourly(egnyte, 100, step=step)
    feed = calls.feed("events")
    for number, expected in [(1, 41), (41, 41), (42, 42), (70, 70), (100, 100), (101, 101)]:
        calls.made.clear()
        start = await feed.find_start(calls, FIRST_AT + timedelta(hours=number))
        assert len(calls.made) <= 12
        _, changes, _ = await read_feed(calls, feed, start)
        assert [each.object_id for each in changes[:1]] == [f"g{expected}"][: 101 - expected]


async def test_the_start_without_a_search(opened):
    egnyte, calls = opened
    feed = calls.feed("events")
    assert await feed.find_start(calls, OLDEST) == {"id": 0}
    assert await feed.find_start(calls, FIRST_AT) == {"id": 0}
    await egnyte.control("PATCH", "settings", {"retention": 60})
    await append_hourly(egnyte, 100)
    calls.made.clear()
    assert await feed.find_start(calls, OLDEST) == {"id": 40}
    assert await feed.find_start(calls, None) == {"id": 100}
    assert calls.made == [(CURSOR, {})] * 2


async def test_the_search_goes_higher_where_events_were_let_go_meanwhile():
    row = {"id": 90, "timestamp": "2026-05-28T00:00:00.000Z"}
    async with open_answers(
        {"latest_event_id": 100, "oldest_event_id": 1}, 404, {"events": [row]}, 204
    ) as calls:
        start = await calls.feed("events").find_start(calls, datetime(2026, 5, 29, tzinfo=UTC))
    assert start == {"id": 90}


@pytest.mark.parametrize("status", [404, 400])
async def test_a_lost_cursor_is_told_and_reading_goes_on_with_the_oldest(opened, status):
    egnyte, calls = opened
    await egnyte.control("PATCH", "settings", {"retention": 60, "lost_cursor_status": status})
    await append_hourly(egnyte, 100)
    feed = calls.feed("events")
    with pytest.raises(WatermarkLostError, match="no longer keeps the events after 7"):
        await feed.read(calls, {"id": 7}, verify=False)
    gap = await feed.recover(calls, {"id": 7})
    assert gap.to_watermark == {"id": 40}
    assert "no longer keeps" in gap.reason
    _, changes, _ = await read_feed(calls, feed, gap.to_watermark)
    assert len(changes) == 60


@pytest.mark.parametrize("after_id", [41, 60, 100])
async def test_a_refusal_of_an_id_that_is_kept_loses_nothing(opened, after_id):
    egnyte, calls = opened
    await egnyte.control("PATCH", "settings", {"retention": 60})
    await append_hourly(egnyte, 100)
    with pytest.raises(
        RetryLaterError, match=f"refused the events after {after_id}, an id that it still keeps"
    ):
        await calls.feed("events").recover(calls, {"id": after_id})


async def test_the_oldest_is_given_up_only_if_what_is_before_it_is_refused_twice(opened):
    egnyte, calls = opened
    await egnyte.control("PATCH", "settings", {"retention": 60})
    await append_hourly(egnyte, 100)
    feed = calls.feed("events")
    with pytest.raises(RetryLaterError):  # it is given now: it was refused in passing
        await feed.recover(calls, {"id": 40})
    await egnyte.control("POST", "faults", {"kind": "lost_cursor", "times": 1, "path": "/pubapi/v2/events"})
    gap = await feed.recover(calls, {"id": 40})
    assert gap.to_watermark == {"id": 41}


@pytest.mark.parametrize("after_id", [0, 7])
async def test_a_refusal_by_a_domain_without_events_moves_nothing(opened, after_id):
    _, calls = opened
    with pytest.raises(RetryLaterError):
        await calls.feed("events").recover(calls, {"id": after_id})


@given(st.integers(0, 50), st.integers(1, 50), st.integers(0, 50))
def test_no_recovery_goes_back_unless_egnyte_counts_anew(after_id, oldest, kept):
    class Session:
        async def get(self, path, parameters):
            if path != CURSOR:
                raise MissingError("refused")
            body = orjson.dumps({"oldest_event_id": oldest, "latest_event_id": oldest + kept})
            return Answer(200, {}, body, truncated=False, seconds=0.0)

    try:
        gap = asyncio.run(EventFeed({}, "id", lambda: NOW).recover(Session(), {"id": after_id}))
    except RetryLaterError:
        assert oldest <= after_id <= oldest + kept
        return
    assert gap.to_watermark["id"] > after_id or after_id > oldest + kept


async def test_an_event_without_a_readable_time_is_told_and_remarked():
    rows = [
        {"id": 1, "type": "note"},
        {"id": 2, "timestamp": "soon"},
        {"id": 3, "timestamp": "2026-05-28T00:00:00Z"},
    ]
    async with open_answers({"events": rows}) as calls:
        page = await calls.feed("events").read(calls, {"id": 0}, verify=False)
        chosen = await calls.feed("events", type="note").read(calls, {"id": 0}, verify=False)
    assert [each.occurred_at == NOW for each in page.changes] == [True, True, False]
    assert page.remark == "rows of Egnyte without a readable timestamp, told as of now: 2"
    assert chosen.remark.endswith("told as of now: 1")


async def test_a_search_that_meets_a_time_it_cannot_read_starts_rather_too_early():
    cursor = {"latest_event_id": 100, "oldest_event_id": 1}
    async with open_answers(cursor, {"events": [{"id": 51, "timestamp": "?"}]}, 204) as calls:
        start = await calls.feed("events").find_start(calls, datetime(2026, 5, 29, tzinfo=UTC))
    assert start["id"] < 50


async def test_ids_that_count_anew_are_found_when_asked_to(opened):
    egnyte, calls = opened
    await append_hourly(egnyte, 5)
    feed = calls.feed("events")
    page = await feed.read(calls, {"id": 900}, verify=False)
    assert page.watermark == {"id": 900}
    with pytest.raises(WatermarkLostError, match="counts its events anew: the newest is 5"):
        await feed.read(calls, {"id": 900}, verify=True)
    gap = await feed.recover(calls, {"id": 900})
    assert "counts its events anew" in gap.reason
    assert gap.to_watermark == {"id": 0}
    page = await feed.read(calls, {"id": 5}, verify=True)
    assert page.watermark == {"id": 5}


async def test_verifying_costs_a_call_only_when_nothing_came(opened):
    egnyte, calls = opened
    await append_hourly(egnyte, 5)
    await calls.feed("events").read(calls, {"id": 2}, verify=True)
    assert len(calls.made) == 1


async def test_a_domain_that_has_no_events_is_not_one_that_counts_anew(opened):
    _, calls = opened
    page = await calls.feed("events").read(calls, {"id": 7}, verify=True)
    assert page.watermark == {"id": 7}


async def test_types_and_folders_are_chosen_here_and_the_watermark_moves_all_the_same(opened):
    egnyte, calls = opened
    await egnyte.make_changes(30, folder="/Shared/Legal")
    await egnyte.make_changes(30, folder="/Shared/Other")
    records, _, watermark = await read_feed(
        calls, calls.feed("events", folder="/shared/legal/", type="note|file_system"), {"id": 0}
    )
    truth = (await egnyte.control("GET", "events?after=0"))["events"]
    assert [each["id"] for each in records] == [
        each["id"]
        for each in truth
        if each["type"] != "permission_change" and each["data"]["target_path"].startswith("/Shared/Legal")
    ]
    assert watermark == {"id": 60}
    assert calls.made == [("/pubapi/v2/events", {"id": "0", "count": "100"})]


async def test_suppressed_events_do_not_hold_the_watermark_back(opened):
    egnyte, calls = opened
    await egnyte.make_changes(40, client_id="key")
    feed = calls.feed("events", suppress="app")
    page = await feed.read(calls, {"id": 0}, verify=True)
    assert page.records == ()
    assert page.watermark == {"id": 0, "newest": 40, "at": format_timestamp(NOW)}
    assert [path for path, _ in calls.made] == ["/pubapi/v2/events", CURSOR]
    egnyte.clock.now += 3600
    page = await feed.read(calls, page.watermark, verify=True)
    assert page.watermark == {"id": 40}
    await egnyte.make_changes(3)
    await egnyte.make_changes(9, client_id="key")
    page = await feed.read(calls, page.watermark, verify=True)
    assert len(page.records) == 3
    assert page.watermark == {"id": 43}
    for passed in (43, 52):
        page = await feed.read(calls, page.watermark, verify=True)
        assert page.watermark["id"] == passed
        egnyte.clock.now += 3600


async def test_a_suppressed_page_that_egnyte_cut_short_loses_nothing():
    row = {"id": 7, "timestamp": "2026-05-28T00:00:00.000Z"}
    async with open_answers({"events": [row]}) as calls:
        page = await calls.feed("events", suppress="user").read(calls, {"id": 3}, verify=True)
    assert page.watermark == {"id": 7}


BROKEN = [
    b"",
    b"<html>Sign in</html>",
    b'{"events": [{"id": 1, "timest',
    [1, 2],
    {"latest_id": 3},
    {"events": {"id": 1}},
    {"events": ["x"]},
    {"events": [{"id": "one", "timestamp": "2026-05-28T00:00:00Z"}]},
]


@pytest.mark.parametrize("body", BROKEN)
async def test_an_answer_that_holds_no_events_is_told(body):
    async with open_answers(body) as calls:
        with pytest.raises(ConnectorError, match="Egnyte"):
            await calls.feed("events").read(calls, {"id": 0}, verify=False)


@pytest.mark.parametrize("cursor", [b"", [], {"latest_event_id": "newest"}])
async def test_a_cursor_that_is_none_is_told(cursor):
    async with open_answers(cursor) as calls:
        with pytest.raises(ConnectorError, match="Egnyte"):
            await calls.feed("events").find_start(calls, None)


async def test_events_as_a_list(opened):
    egnyte, calls = opened
    await egnyte.control("PATCH", "settings", {"retention": 60})
    await append_hourly(egnyte, 100)
    listing = calls.list("events")
    page = await listing.read(calls, None, 20)
    assert (page.records[0]["id"], len(page.records), page.next) == (41, 20, "60")
    assert page.records[0]["event_object_id"] == "g41"
    for size in (None, 7, 5000):
        assert [each["id"] for each in await read_all(calls, listing, size)] == list(range(41, 101))
    chosen = calls.list("events", folder="/Shared/99")
    assert [each["id"] for each in await read_all(calls, chosen, 10)] == [99]
