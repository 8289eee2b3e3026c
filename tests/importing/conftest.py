"""Fixtures: imports into the running service, as the command makes them."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from signalpost.instances.originals import read_original
from signalpost.sandbox.rest import run_sandbox
from signalpost.settings import Settings
from signalpost.store.organizations import Organizations
from signalpost.wiring.imports import open_importer
from tests.importing.originals import VALUES
from tests.support import write_url


@pytest.fixture
async def rest_api():
    async with run_sandbox() as running:
        yield running


@pytest.fixture
async def acme(pool):
    """Give the database of an organization; no service runs on it."""
    await Organizations(pool).create_credentials("Acme", "ada@example.com")
    return pool


@pytest.fixture
def open_import(database, sandbox):
    """Give a context manager that opens an importer on the world's database; keywords are settings."""

    @asynccontextmanager
    async def make(values=VALUES, email="ada@example.com", **given):
        settings = Settings(
            **{
                "database_url": write_url(database),
                "egnyte_url": sandbox.url,
                "allow_private_networks": True,
                "min_poll_interval_seconds": 0.1,
                "encryption_keys": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
                **given,
            }
        )
        async with open_importer(settings, "Acme", email, values) as importer:
            yield importer

    return make


@pytest.fixture
def run_import(open_import):
    """Give a function that imports instances of the original, and gives what came of each."""

    async def run(*originals, apply=True, **given):
        async with open_import(**given) as importer:
            read = [read_original(each) for each in originals]
            return [each async for each in importer.run(read, apply=apply)]

    return run
