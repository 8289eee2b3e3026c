"""What the controls of the REST sandbox refuse: by field and value, and with nothing half-done."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest


@pytest.fixture
async def client():
    async with httpx.AsyncClient() as client:
        yield client


def refused(answer, *words):
    assert answer.status_code == 400, answer.text
    for word in words:
        assert word in answer.json()["message"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b'{"page_size": 0}', ["page_size is 0", "from 1 to 100000"]),
        (b'{"page_size": -5}', ["page_size is -5"]),
        (b'{"page_size": "5"}', ["page_size is '5'", "a whole number"]),
        (b'{"page_size": true}', ["page_size is True"]),
        (b'{"page_size": 1000000000}', ["page_size is 1000000000"]),
        (b'{"page_size": NaN}', ["not JSON"]),
        (b'{"token_seconds": -1}', ["token_seconds is -1", "of at least 0"]),
        (b'{"token_seconds": 1.5}', ["token_seconds is 1.5"]),
        (b'{"api_key": 5}', ["api_key is 5", "a text"]),
        (b'{"pages": 5}', ["no field 'pages'", "page_size"]),
        (b"[]", ["settings must be a JSON object"]),
        (b"", ["not JSON"]),
    ],
)
async def test_a_setting_that_cannot_be_is_refused_and_the_others_stay(api, client, given, words):
    before = replace(api.state.settings)
    also = given.replace(b"{", b'{"username": "other", ', 1)
    for body in {given, also}:
        refused(await client.patch(f"{api.url}/_sandbox/settings", content=body), *words)
    assert api.state.settings == before


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b"{}", ["kind is None", "one of html"]),
        (b'{"kind": ["html"]}', ["kind is ['html']"]),
        (b'{"kind": "html", "times": 0}', ["times is 0", "of at least 1"]),
        (b'{"kind": "html", "times": -2}', ["times is -2"]),
        (b'{"kind": "html", "times": "3"}', ["times is '3'"]),
        (b'{"kind": "status", "status": 99}', ["status is 99", "from 200 to 599"]),
        (b'{"kind": "status", "status": 1000}', ["status is 1000"]),
        (b'{"kind": "status", "retry_after": "1\\r\\nSet-Cookie: a"}', ["retry_after is", "line breaks"]),
        (b'{"kind": "status", "retry_after": -1}', ["retry_after is -1", "at least 0"]),
        (b'{"kind": "status", "retry_after": {}}', ["retry_after is {}"]),
        (b'{"kind": "status", "time": 3}', ["no field 'time'", "times"]),
        (b'{"kind": "%s"}' % (b"x" * 100_000), ["kind is 'xxx", "one of html"]),
    ],
)
async def test_a_fault_that_cannot_be_is_refused_and_none_waits(api, client, given, words):
    answer = await client.post(f"{api.url}/_sandbox/faults", content=given)
    refused(answer, *words)
    assert len(answer.text) < 500
    assert api.state.faults == []


async def test_a_fault_may_say_when_to_come_again_by_a_number_or_a_text(api, client):
    for given in (7, "7", "Wed, 21 Oct 2026 07:28:00 GMT"):
        body = {"kind": "status", "status": 429, "retry_after": given}
        assert (await client.post(f"{api.url}/_sandbox/faults", json=body)).json() == body
        answer = await client.get(f"{api.url}/none/all/tickets")
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(given))


async def test_records_that_cannot_be_given_back_are_refused_and_odd_ones_are_in_nobodys_way(api, client):
    deep = b"[" * 600 + b"]" * 600
    for method, body in (("POST", b'{"name": %s}' % deep), ("PUT", deep)):
        refused(
            await client.request(method, f"{api.url}/_sandbox/records/tickets", content=body), "too deeply"
        )
    refused(await client.post(f"{api.url}/_sandbox/records/tickets", content=b"[1]"), "a JSON object")
    refused(await client.put(f"{api.url}/_sandbox/records/tickets", content=b"{}"), "a JSON array")
    assert api.state.collections.get("tickets", []) == []
    await client.put(f"{api.url}/_sandbox/records/tickets", json=[1, None, {"id": 5}])
    refused(await client.delete(f"{api.url}/_sandbox/records/tickets/1"), "no record with the id '1'")
    assert (await client.delete(f"{api.url}/_sandbox/records/tickets/5")).status_code == 200
    assert api.state.collections["tickets"] == [1, None]
