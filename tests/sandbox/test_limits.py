"""Quotas, their headers, and what a caller beyond them is told (egnyte-api.md section 6)."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import MIDNIGHT, Egnyte, open_egnyte

USER = "/pubapi/v1/userinfo"


def quota(headers: dict[str, str]) -> dict[str, str]:
    start = "X-AccessToken-"
    return {name.removeprefix(start): value for name, value in headers.items() if name.startswith(start)}


async def test_every_api_answer_tells_the_quota_and_a_request_id(egnyte: Egnyte) -> None:
    replies = [await egnyte.get(path) for path in (USER, "/pubapi/v2/events?id=x", "/pubapi/v1/nothing")]
    assert [reply.status for reply in replies] == [200, 400, 404]
    for number, reply in enumerate(replies, start=1):
        assert quota(reply.headers) == {
            "QPS-Allotted": "1000",
            "QPS-Current": str(number),
            "Quota-Allotted": "10000000",
            "Quota-Current": str(number),
        }
        assert reply.headers["X-Quota-Reset"] == "Fri, 29 May 2026 00:00:00 GMT"
    assert len({reply.headers["X-Egnyte-Request-Id"] for reply in replies}) == 3


async def test_calls_beyond_the_second_are_refused_until_the_next(egnyte: Egnyte) -> None:
    await egnyte.control("PATCH", "settings", {"qps": 2})
    assert [(await egnyte.get(USER)).status for _ in range(3)] == [200, 200, 403]
    refused = await egnyte.get(USER)
    assert refused.headers["X-Mashery-Error-Code"] == "ERR_403_DEVELOPER_OVER_QPS"
    assert refused.headers["X-Error-Detail-Header"] == "Account Over Queries Per Second Limit"
    assert refused.headers["Retry-After"] == "1"
    assert refused.text == "<h1>Developer Over Qps</h1>"
    assert quota(refused.headers)["Quota-Current"] == "2"
    egnyte.clock.now += 1
    assert (await egnyte.get(USER)).status == 200


async def test_calls_beyond_the_day_are_refused_until_midnight(egnyte: Egnyte) -> None:
    await egnyte.control("PATCH", "settings", {"quota_per_day": 1})
    egnyte.clock.now = MIDNIGHT + 86_400 - 7
    assert (await egnyte.get(USER)).status == 200
    refused = await egnyte.get(USER)
    assert refused.status == 403
    assert refused.headers["X-Mashery-Error-Code"] == "ERR_403_DEVELOPER_OVER_RATE"
    assert refused.headers["X-Error-Detail-Header"] == "Account Over Rate Limit"
    assert refused.headers["Retry-After"] == "7"
    assert refused.text == "<h1>Developer Over Rate</h1>"
    egnyte.clock.now += 7
    assert (await egnyte.get(USER)).status == 200


async def test_each_token_has_its_own_quota(egnyte: Egnyte) -> None:
    await egnyte.control("PATCH", "settings", {"quota_per_day": 1})
    assert [(await egnyte.get(USER)).status for _ in range(2)] == [200, 403]
    await egnyte.connect()
    assert (await egnyte.get(USER)).status == 200


@pytest.mark.parametrize("limit", ["qps", "quota_per_day"])
async def test_newer_style_is_a_plain_429(egnyte: Egnyte, limit: str) -> None:
    await egnyte.control("PATCH", "settings", {limit: 1, "throttle_status": 429})
    await egnyte.get(USER)
    refused = await egnyte.get(USER)
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert "X-Mashery-Error-Code" not in refused.headers


async def test_realistic_limits_are_egnytes_own() -> None:
    async with open_egnyte(realistic=True) as egnyte:
        await egnyte.connect()
        reply = await egnyte.get(USER)
        assert quota(reply.headers)["QPS-Allotted"] == "2"
        assert quota(reply.headers)["Quota-Allotted"] == "1000"
