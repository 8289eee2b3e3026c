"""Events counted over the API: in all, by instance, by account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from tests.api.answers import accepted, refused, with_token
from tests.api.conftest import enter_organization
from tests.api.test_events_found import connect_past

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
ALL = {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}
PLACE = "/instances/events/analytics"
PLACES = [PLACE, f"{PLACE}/instances", f"{PLACE}/accounts"]


@pytest_asyncio.fixture(loop_scope="session")
async def pasts(still):
    """Two instances with events of two days, in several states; and somebody else's."""
    first, first_instance = await connect_past(still)
    second, _ = await connect_past(still)
    first.token = first_instance["token"]
    await first.end(await first.commit(NOON, ["a", "b"]))
    await first.end(await first.commit(NOON + timedelta(days=1), ["c"]), "dead")
    await second.end(await second.commit(NOON + timedelta(hours=1), ["d", "e", "f"]), "cancelled")
    await second.commit(NOON + timedelta(minutes=61), ["g"])
    async with enter_organization(still) as stranger:
        other, _ = await connect_past(stranger)
        await other.commit(NOON, ["x"])
        yield first, second, stranger, other


async def test_events_are_counted_by_interval(still, pasts):
    assert accepted(await still.client.get(PLACE, params=ALL)) == [
        {"count": 6, "timestamp": "2026-03-10T00:00:00Z"},
        {"count": 1, "timestamp": "2026-03-11T00:00:00Z"},
    ]
    hours = accepted(await still.client.get(PLACE, params={**ALL, "interval": "hour"}))
    assert [(each["count"], each["timestamp"][8:13]) for each in hours] == [
        (2, "10T12"),
        (4, "10T13"),
        (1, "11T12"),
    ]
    for interval, timestamp in [
        ("week", "2026-03-09"),
        ("month", "2026-03-01"),
        ("year", "2026-01-01"),
    ]:
        [whole] = accepted(await still.client.get(PLACE, params={**ALL, "interval": interval}))
        assert whole == {"count": 7, "timestamp": f"{timestamp}T00:00:00Z"}
    span = {"from": "2026-03-10T13:00:00Z", "to": "2026-03-10T13:01:00Z", "interval": "second"}
    assert accepted(await still.client.get(PLACE, params=span)) == [
        {"count": 3, "timestamp": "2026-03-10T13:00:00Z"}
    ]


async def test_counts_are_of_each_instance_and_of_what_became(still, pasts):
    first, second, _, _ = pasts
    by_instance = accepted(await still.client.get(f"{PLACE}/instances", params=ALL))
    assert by_instance == [
        {
            "timestamp": "2026-03-10T00:00:00Z",
            "total": 6,
            "records": [
                {"instanceId": first.instance_id, "count": 2, "success": 2, "failed": 0},
                {"instanceId": second.instance_id, "count": 4, "success": 0, "failed": 3},
            ],
        },
        {
            "timestamp": "2026-03-11T00:00:00Z",
            "total": 1,
            "records": [{"instanceId": first.instance_id, "count": 1, "success": 0, "failed": 1}],
        },
    ]
    by_account = accepted(await still.client.get(f"{PLACE}/accounts", params={**ALL, "interval": "month"}))
    records = [{"accountId": first.organization_id, "count": 7, "success": 2, "failed": 4}]
    assert by_account == [{"timestamp": "2026-03-01T00:00:00Z", "total": 7, "records": records}]


async def test_a_token_or_a_path_narrows_to_an_instance(still, pasts):
    first = pasts[0]
    wanted = [
        {"count": 2, "timestamp": "2026-03-10T00:00:00Z"},
        {"count": 1, "timestamp": "2026-03-11T00:00:00Z"},
    ]
    answer = await still.client.get(PLACE, params=ALL, headers=with_token(still, first.token))
    assert accepted(answer) == wanted
    path = f"/instances/{first.instance_id}/events/analytics"
    assert accepted(await still.client.get(path, params=ALL)) == wanted


async def test_nobody_counts_what_is_anothers(pasts):
    first, _, stranger, other = pasts
    assert accepted(await stranger.client.get(PLACE, params=ALL))[0]["count"] == 1
    [found] = accepted(await stranger.client.get(f"{PLACE}/instances", params=ALL))
    assert [each["instanceId"] for each in found["records"]] == [other.instance_id]
    for place in PLACES:
        query = {**ALL, "accountIds[]": [str(other.organization_id), str(first.organization_id)]}
        refused(await stranger.client.get(place, params=query), 403, "accountIds[]", "not your account")
        accepted(await stranger.client.get(place, params={**ALL, "accountIds[]": other.organization_id}))
    path = f"/instances/{first.instance_id}/events/analytics"
    refused(await stranger.client.get(path, params=ALL), 404)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"interval": "decade"}, ["interval: 'decade'", "second, minute, hour, day, week, month, year"]),
        ({"interval": "HOUR"}, ["interval: 'HOUR'"]),
        ({"interval": "second"}, ["interval: 'second'", "604,800", "10,000", "longer interval"]),
        ({"interval": "minute", **ALL}, ["interval: 'minute'", "44,640"]),
        ({"from": "0001-01-01T00:00:00Z"}, ["interval: 'day'"]),
        ({"accountIds[]": "x"}, ["accountIds[]: 'x'", "whole number"]),
    ],
)
async def test_what_cannot_be_counted_is_refused(still, place, query, words):
    refused(await still.client.get(place, params=query), 400, *words)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"to": "0001-01-02T00:00:00Z"},
        {"from": "9999-12-31T00:00:00Z"},
        {"interval": ""},
        {"accountIds[]": ""},
    ],
)
async def test_without_a_span_the_last_week_is_counted(still, query):
    assert accepted(await still.client.get(PLACE, params=query)) == []
