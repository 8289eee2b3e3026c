"""The service without its working roles, shared by the tests here: each gets an organization of its own."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from signalpost.observe import configure_logging
from signalpost.sandbox.egnyte import run_sandbox
from tests.support import World, authorize, open_world


@asynccontextmanager
async def enter_organization(world: World) -> AsyncIterator[World]:
    """Give the same service to a new organization."""
    name = uuid4().hex
    secrets = await world.service.organizations.create_credentials(name, f"{name}@example.com")
    headers = {"Authorization": authorize(secrets)}
    # No certificates are loaded for plain HTTP: that would take longer than a test.
    async with httpx.AsyncClient(base_url=world.client.base_url, headers=headers, verify=False) as client:
        yield replace(world, secrets=secrets, client=client)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(postgres) -> AsyncIterator[World]:
    async with (
        postgres.open_database() as database,
        run_sandbox() as sandbox,
        open_world(database, sandbox, roles=frozenset()) as world,
    ):
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def still(shared) -> AsyncIterator[World]:
    """The shared service, nothing polled and nothing delivered, for a new organization."""
    shared.sandbox.state.reset()
    async with enter_organization(shared) as world:
        yield world


@pytest.fixture
def log_lines() -> Callable[[], list[dict[str, Any]]]:
    """Have logs written as they are in service, JSON lines; give a function that reads them."""
    stream = io.StringIO()
    configure_logging(level="debug", json_lines=True, stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
