"""The events where Egnyte knows more than it tells: what our user may not see, a cursor behind, a busy domain."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from signalpost.connectors.egnyte.feeds import EventFeed
from signalpost.connectors.egnyte.values import format_timestamp
from signalpost.model.errors import MissingError, RetryLaterError, WatermarkLostError
from signalpost.model.event import Gap
from signalpost.outbound import Answer
from signalpost.polling.strategies.ahead import Room
from signalpost.polling.strategies.feed import MOST_GAPS, read_feed
from tests.unit.connectors.egnyte_calls import NOW, open_answers, open_calls


@pytest.fixture
async def quiet():
    """An account that sees little, in a busy domain."""
    async with open_calls() as (egnyte, calls):
        await egnyte.control("PATCH", "settings", {"permission_filtering": True, "retention": 80})
        calls.token = (await egnyte.connect(username="standard"))["access_token"]
        yield egnyte, calls


async def test_an_account_that_sees_little_keeps_its_place_in_a_busy_domain(quiet):
    egnyte, calls = quiet
    await egnyte.make_changes(3, folder="/Shared")
    feed, watermark = calls.feed("events"), {"id": 0}
    seen = 0
    for hour in range(12):
        egnyte.clock.now += 3600
        await egnyte.make_changes(20, folder="/Private/admin")
        if hour == 8:
            await egnyte.make_changes(2, "create", folder="/Private/standard")
        page = await feed.read(calls, watermark, verify=True)
        watermark, seen = page.watermark, seen + len(page.changes)
        again = await feed.read(calls, watermark, verify=False)
        assert again.watermark == watermark  # between these looks nothing moves
    assert seen == 5
    assert (watermark["id"], watermark["newest"]) == (3 + 11 * 20 + 2, 3 + 12 * 20 + 2)


@pytest.mark.parametrize("suppress", ["", "app"])
@pytest.mark.parametrize("looks", [1, 2, 5])
async def test_what_comes_into_the_list_later_than_the_cursor_says_is_not_passed_over(suppress, looks):
    """However often it is looked meanwhile: polls can be asked for, and follow each other at once after a long one."""
    row = {"id": 9, "timestamp": "2026-05-28T00:00:00.000Z"}
    cursor = {"latest_event_id": 9, "oldest_event_id": 1}
    watermark = {"id": 8}
    async with open_answers(*[204, cursor] * looks, {"events": [row]}) as calls:
        feed = calls.feed("events", suppress=suppress)
        for _ in range(looks):
            page = await feed.read(calls, watermark, verify=True)
            watermark = page.watermark
            assert watermark == {"id": 8, "newest": 9, "at": format_timestamp(NOW)}
        page = await feed.read(calls, watermark, verify=True)
    assert [change.change_id for change in page.changes] == ["9@2026-05-28T00:00:00.000Z"]
    assert page.watermark == {"id": 9}


LONG_AGO, TO_COME = ({"at": format_timestamp(NOW + timedelta(hours=hours))} for hours in (-1, 1))


@pytest.mark.parametrize(
    ("noted", "expected"),
    [
        ({"newest": 600} | LONG_AGO, 100),  # the domain has not reached it
        ({"newest": 200} | LONG_AGO, 200),
        ({"newest": 200} | TO_COME, 100),  # by a clock that was ahead
        ({"newest": 200}, 100),  # by an older release
        ({}, 100),
    ],
)
async def test_only_what_was_the_newest_long_ago_is_passed_over(noted, expected):
    async with open_answers(204, {"latest_event_id": 300, "oldest_event_id": 1}) as calls:
        page = await calls.feed("events").read(calls, {"id": 100} | noted, verify=True)
    assert page.watermark == {"id": expected, "newest": 300, "at": format_timestamp(NOW)}


async def test_a_cursor_that_is_behind_the_list_does_not_count_anew():
    cursor = {"latest_event_id": 109, "oldest_event_id": 1}
    there = {"events": [{"id": 110, "timestamp": "2026-05-28T00:00:00.000Z"}]}
    async with open_answers(204, cursor, there) as calls:
        page = await calls.feed("events").read(calls, {"id": 110}, verify=True)
    assert page.watermark == {"id": 110}
    async with open_answers(cursor, there) as calls:
        with pytest.raises(RetryLaterError, match="an id that it still keeps"):
            await calls.feed("events").recover(calls, {"id": 110})


async def test_a_name_that_was_cut_in_a_character_stops_no_event():
    body = b"""{"events": [{"id": 1, "data": {"target_path": "/Shared/a\\ud83d"}}, {"id": 2}]}"""
    async with open_answers(body) as calls:
        page = await calls.feed("events").read(calls, {"id": 0}, verify=False)
    assert [change.object_id for change in page.changes] == ["/Shared/a\ufffd", "event-2"]


@pytest.mark.parametrize("repeated", [7, 8])
async def test_a_full_page_that_repeats_a_row_leads_to_the_next(repeated):
    """Whether it begins with the row asked after, or has one twice: what follows does not wait for the next poll."""
    rows = [{"id": repeated}, *({"id": number} for number in range(8, 107))]
    async with open_answers({"events": rows}, {"events": rows}, 204) as calls:
        feed, watermark = calls.feed("events"), {"id": 7}
        page = await feed.read(calls, watermark, verify=False)
        assert (page.watermark, len(page.changes), page.more) == ({"id": 106}, 99, True)
        page = await feed.read(calls, page.watermark, verify=False)  # the same again: there is an end to it
        assert (page.watermark, page.changes, page.more) == ({"id": 106}, (), False)


class BusySession:
    """A domain that lets go ``by_call`` of its oldest events from one call to the next."""

    def __init__(self, by_call: int) -> None:
        self.oldest, self.by_call = 1000, by_call

    async def get(self, path: str, parameters: Any) -> Answer:
        self.oldest += self.by_call
        if path.endswith("/cursor"):
            body: Any = {"oldest_event_id": self.oldest, "latest_event_id": 900_000}
        elif int(parameters["id"]) < self.oldest - 1:
            return self._refuse()
        else:
            body = {"events": [{"id": int(parameters["id"]) + 1}]}
        return Answer(200, {}, orjson.dumps(body), truncated=False, seconds=0.0)

    def _refuse(self) -> Any:
        raise MissingError("Invalid cursor")


async def read_through(session: BusySession) -> list[Any]:
    """Read as far as it goes; what stopped it stands last."""
    poll = SimpleNamespace(watermark={"id": 7})
    reading: Any = SimpleNamespace(poll=poll, session=session, start_at=None, room=Room())
    steps: list[Any] = []
    try:
        async for step in read_feed(reading, EventFeed({}, "", lambda: NOW), verify=False):
            steps.append(step)
    except WatermarkLostError as error:
        steps.append(error)
    return steps


@pytest.mark.parametrize("by_call", [0, 1, 3, 50])
async def test_a_domain_that_lets_go_its_oldest_before_it_is_read_is_read_all_the_same(by_call):
    *gaps, [page] = await read_through(BusySession(by_call))
    assert all(isinstance(each, Gap) for each in gaps)
    assert 1 <= len(gaps) <= 2
    # What was left out is told without a hole between the gaps.
    assert [each.from_watermark for each in gaps[1:]] == [each.to_watermark for each in gaps[:-1]]
    assert [change.change_id for change in page.changes] == [f"{gaps[-1].to_watermark['id'] + 1}@None"]


async def test_gaps_have_an_end_in_a_domain_that_keeps_nothing():
    class Vanishing(BusySession):
        async def get(self, path: str, parameters: Any) -> Answer:
            self.by_call *= 10
            return await super().get(path, parameters)

    *gaps, last = await read_through(Vanishing(1))
    assert len(gaps) == MOST_GAPS
    assert isinstance(last, WatermarkLostError)
