"""HEAD, as load balancers and uptime monitors ask: what GET answers, without its body."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.api.answers import accepted

pytestmark = pytest.mark.asyncio(loop_scope="session")

ONCE = {"date", "elements-request-id"}
"""Headers that no two answers share."""


def keep(answer):
    return answer.status_code, {name: value for name, value in answer.headers.items() if name not in ONCE}


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/readyz", "/elements/api-v2/elements", "/elements/api-v2/instances/1", "/nothing", "/"],
)
async def test_head_is_answered_as_get_without_its_body(still, path):
    headers = still.client.headers
    head = await still.outside.head(still.url + path, headers=headers)
    assert keep(head) == keep(await still.outside.get(still.url + path, headers=headers))
    assert head.content == b""


async def test_head_reads_what_is_there_and_asks_for_secrets_as_get_does(still):
    instance = accepted(await still.client.post("/instances", json=await still.body()))
    assert (await still.client.head(f"/instances/{instance['id']}")).status_code == 200
    assert (await still.client.head("/instances")).headers["Elements-Returned-Count"] == "1"
    assert (await still.outside.head(f"{still.url}/elements/api-v2/instances")).status_code == 401
    assert (
        await still.outside.head(f"{still.url}/metrics", headers={"X-Forwarded-For": "::1"})
    ).status_code == 403


async def test_head_of_what_cannot_be_read_is_refused(still):
    answer = await still.client.head("/instances/test-callback")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


async def test_nothing_of_a_body_stands_before_the_next_answer(still):
    address = urlsplit(still.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    for method, more in (("HEAD", ""), ("GET", "Connection: close\r\n")):
        writer.write(f"{method} /healthz HTTP/1.1\r\nHost: here\r\n{more}\r\n".encode())
    first, second, body = (await reader.read()).split(b"\r\n\r\n")
    writer.close()
    assert first.startswith(b"HTTP/1.1 200")
    assert second.startswith(b"HTTP/1.1 200")
    assert f"content-length: {len(body)}".encode() in first.lower()
