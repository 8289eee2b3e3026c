"""Clients that send slowly, or nothing: whoever asks besides is answered."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from signalpost.api import reading, waiting
from signalpost.api.waiting import MOST_WAITING
from tests.support import PATIENCE_SECONDS, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

HALF = "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Type: {}\r\nContent-Length: 900\r\n\r\n{{"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
API, SIGN_IN = "/elements/api-v2/instances", "/sign-in"


def write_half(world, path):
    """Write the beginning of a request of somebody who may ask: nobody else's body is waited for by the API."""
    return HALF.format(path, world.client.headers["Authorization"], JSON if path == API else FORM)


@asynccontextmanager
async def open_many(url, request, number):
    """Have many clients send the beginning of a request, and nothing more."""
    place = urlsplit(url)
    clients = []
    try:
        for _ in range(number):
            client = socket.socket()
            client.setblocking(False)
            clients.append(client)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, (place.hostname, place.port))
            await loop.sock_sendall(client, request.encode())
        yield clients
    finally:
        for client in clients:
            client.close()


@pytest.mark.parametrize("path", [API, SIGN_IN])
async def test_clients_that_send_nothing_are_in_nobodys_way(still, log_lines, path):
    async with open_many(still.url, write_half(still, path), MOST_WAITING + 20):
        await asyncio.sleep(0.2)
        assert (await still.client.get("/instances")).status_code == 200
        assert (await still.outside.get(f"{still.url}{SIGN_IN}")).status_code == 200

    # Those that went away have left their places, and nobody is told of them.
    async def are_gone():
        return (await still.client.patch("/instances/1", json={"name": "x"})).status_code == 404

    assert await until(are_gone)
    assert "failed" not in "".join(line["event"] for line in log_lines())


@pytest.mark.parametrize("path", [API, SIGN_IN])
async def test_a_body_that_does_not_come_is_waited_for_only_so_long(still, monkeypatch, path):
    monkeypatch.setattr(waiting, "BODY_SECONDS", 0.1)
    place = urlsplit(still.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(write_half(still, path).encode())
    answer = await reader.read()  # to the end: the connection is closed
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"the body is not whole after 0.1 s" in answer


async def test_while_many_bodies_are_on_their_way_no_more_are_taken_and_all_else_is(still):
    async with open_many(still.url, write_half(still, API), MOST_WAITING):

        async def is_full():
            answer = await still.client.patch("/instances/1", json={"name": "x"})
            return answer.status_code == 503

        assert await until(is_full)
        assert (await still.client.get("/instances")).status_code == 200


async def test_the_time_for_a_body_begins_when_it_is_waited_for(still, monkeypatch):
    monkeypatch.setattr(waiting, "BODY_SECONDS", 0)  # what began already would be over
    find = reading.find_caller

    async def find_slowly(*given):
        found = await find(*given)
        monkeypatch.setattr(waiting, "BODY_SECONDS", PATIENCE_SECONDS)
        return found

    monkeypatch.setattr(reading, "find_caller", find_slowly)
    answer = await still.client.patch("/instances/1", json={"name": "x" * 900_000})
    assert answer.status_code == 404, answer.text
