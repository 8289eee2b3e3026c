"""Faults on order: each kind, for as many calls as asked, and for those calls alone."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.sandbox.conftest import Egnyte

USER = "/pubapi/v1/userinfo"
LIST = "/pubapi/v2/events"


async def order(egnyte: Egnyte, kind: str, **more: Any) -> None:
    await egnyte.control("POST", "faults", {"kind": kind, **more})


async def test_status_for_some_calls(egnyte: Egnyte) -> None:
    await order(egnyte, "status", status=503, times=2, headers={"Retry-After": "9"}, body={"a": 1})
    waiting = (await egnyte.control("GET", "faults"))["faults"]
    assert [(fault["kind"], fault["times"]) for fault in waiting] == [("status", 2)]
    replies = [await egnyte.get(USER) for _ in range(3)]
    assert [reply.status for reply in replies] == [503, 503, 200]
    assert (replies[0].headers["Retry-After"], replies[0].text) == ("9", '{"a":1}')
    assert "X-AccessToken-Quota-Current" in replies[0].headers
    assert await egnyte.control("GET", "faults") == {"faults": []}


async def test_faults_come_in_the_order_they_were_ordered(egnyte: Egnyte) -> None:
    await order(egnyte, "status", status=500)
    await order(egnyte, "status", status=502, body="<h1>Bad</h1>", headers={"Content-Type": "text/html"})
    assert [(await egnyte.get(USER)).status for _ in range(3)] == [500, 502, 200]


async def test_path_narrows_a_fault(egnyte: Egnyte) -> None:
    await order(egnyte, "status", status=500, path="/puboauth/token")
    assert (await egnyte.get(USER)).status == 200
    assert (await egnyte.ask_token("password")).status == 500
    assert (await egnyte.ask_token("password")).status == 400


async def test_ordered_faults_can_be_forgotten(egnyte: Egnyte) -> None:
    await order(egnyte, "status", status=500)
    assert await egnyte.control("DELETE", "faults") == {"faults": []}
    assert (await egnyte.get(USER)).status == 200


async def test_latency_delays_and_goes_with_another_fault(egnyte: Egnyte) -> None:
    await order(egnyte, "latency", seconds=30, times=2)
    await order(egnyte, "status", status=500)
    assert [(await egnyte.get(USER)).status for _ in range(3)] == [500, 200, 200]
    assert egnyte.slept == [30, 30]


async def test_reset_breaks_the_connection(egnyte: Egnyte) -> None:
    await order(egnyte, "reset")
    with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
        await egnyte.call("POST", "/pubapi/v1/nothing")
    assert (await egnyte.control("GET", "calls"))["paths"]["/pubapi/v1/nothing"] == {"0": 1}
    assert (await egnyte.get(USER)).status == 200


async def test_truncate_cuts_the_next_answer_that_has_a_body(egnyte: Egnyte) -> None:
    await order(egnyte, "truncate")
    assert (await egnyte.get(LIST, id=0)).status == 204
    await egnyte.make_changes(3)
    cut = await egnyte.get(LIST, id=0)
    whole = await egnyte.get(LIST, id=0)
    assert (cut.status, cut.json) == (200, None)
    assert cut.text
    assert whole.text.startswith(cut.text)


@pytest.mark.parametrize("kind", ["over_qps", "over_rate"])
async def test_limits(egnyte: Egnyte, kind: str) -> None:
    await order(egnyte, kind)
    refused = await egnyte.get(USER)
    assert refused.headers["X-Mashery-Error-Code"] == f"ERR_403_DEVELOPER_{kind.upper()}"
    assert (await egnyte.get(USER)).status == 200
    await egnyte.control("PATCH", "settings", {"throttle_status": 429})
    await order(egnyte, kind)
    assert (await egnyte.get(USER)).status == 429


async def test_expired_token_can_be_refreshed_and_revoked_one_cannot(egnyte: Egnyte) -> None:
    for kind, refreshed in (("expired_token", 200), ("revoked_token", 400)):
        token = await egnyte.connect()
        await order(egnyte, kind)
        assert [(await egnyte.get(USER)).status for _ in range(2)] == [401, 401]
        reply = await egnyte.ask_token("refresh_token", refresh_token=token["refresh_token"])
        assert reply.status == refreshed


async def test_token_faults_leave_strangers_alone(egnyte: Egnyte) -> None:
    await order(egnyte, "expired_token")
    assert (await egnyte.call("GET", USER, token="garbage")).status == 403
    assert (await egnyte.get(USER)).status == 200


async def test_lost_cursor_meets_lists_of_events_alone(egnyte: Egnyte) -> None:
    await order(egnyte, "lost_cursor")
    assert (await egnyte.get("/pubapi/v1/events/cursor")).status == 200
    assert (await egnyte.get(LIST, id=0)).json == {"message": "Invalid cursor"}
    assert (await egnyte.get(LIST, id=0)).status == 204


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "kind"),
        ({"kind": "fire"}, "fire"),
        ({"kind": "status"}, "status"),
        ({"kind": "status", "status": 99}, "99"),
        ({"kind": "status", "status": 500, "headers": {"A": 1}}, "headers"),
        ({"kind": "status", "status": 500, "headers": {"A": "b\r\nC: d"}}, "headers"),
        ({"kind": "latency"}, "seconds"),
        ({"kind": "latency", "seconds": -1}, "-1"),
        ({"kind": "reset", "times": 0}, "times"),
        ({"kind": "reset", "times": True}, "times"),
        ({"kind": "reset", "status": 500}, "status"),
        ({"kind": "reset", "path": 5}, "path"),
        ({"kind": "reset", "when": "now"}, "when"),
        ([], "object"),
    ],
)
async def test_bad_fault_is_refused_by_name(fresh_egnyte: Egnyte, body: Any, named: str) -> None:
    assert named in (await fresh_egnyte.control("POST", "faults", body, status=400))["message"]
    assert await fresh_egnyte.control("GET", "faults") == {"faults": []}
