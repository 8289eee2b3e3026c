"""Somebody who is signed in, and pages read as text."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import httpx
import pytest_asyncio

from signalpost.web.visits import SESSION_COOKIE


class Browser:
    """A client that keeps cookies and sends forms with what the page they stand on says."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url = url
        self.client = client

    async def read(self, path: str, status: int = 200) -> str:
        answer = await self.client.get(path)
        assert answer.status_code == status, (
            answer.status_code,
            answer.headers.get("location"),
            answer.text[-2000:],
        )
        return answer.text

    async def send(self, page: str, action: str, **fields: object) -> httpx.Response:
        """POST a form that stands on ``page``; a list is sent as the same field several times."""
        found = re.search(r'name="csrf" value="(\w+)"', await self.read(page))
        assert found, f"no form on {page}"
        return await self.client.post(action, data={"csrf": found[1], **fields})


async def sign_in(world, role: str = "admin", email: str = "ada@example.com") -> Browser:
    """Sign a member of the world's organization in, without its password."""
    row = await world.pool.fetchrow(
        "INSERT INTO member (organization_id, email, role, password_hash)"
        " SELECT id, $1, $2, 'none' FROM organization WHERE name = 'Acme'"
        " ON CONFLICT (organization_id, email) DO UPDATE SET role = $2, password_hash = 'none' RETURNING id",
        email,
        role,
    )
    sessions = world.service.app.console.state.parts.sessions
    token = await sessions.open(row["id"], datetime.now(UTC), agent="test", address="127.0.0.1")
    client = httpx.AsyncClient(
        base_url=world.url, cookies={SESSION_COOKIE: token}, headers={"Accept": "text/html"}
    )
    return Browser(world.url, client)


@pytest_asyncio.fixture
async def browser(world):
    signed_in = await sign_in(world)
    yield signed_in
    await signed_in.client.aclose()


@pytest_asyncio.fixture
async def arrive(world):
    """Give a function that gives browsers of people who are not signed in."""
    clients = []

    def open_browser() -> Browser:
        client = httpx.AsyncClient(base_url=world.url, headers={"Accept": "text/html"})
        clients.append(client)
        return Browser(world.url, client)

    yield open_browser
    for client in clients:
        await client.aclose()


@pytest_asyncio.fixture
async def enter():
    """Give ``sign_in`` for any world; the browsers are closed at the end."""
    browsers = []

    async def sign(world, role: str = "admin", email: str = "ada@example.com") -> Browser:
        browsers.append(await sign_in(world, role, email))
        return browsers[-1]

    yield sign
    for browser in browsers:
        await browser.client.aclose()


@pytest_asyncio.fixture
async def quiet(make_world):
    """A world in which nothing is polled and nothing is sent: what stands in its log was put there."""
    async with make_world(roles=frozenset()) as world:
        yield world
