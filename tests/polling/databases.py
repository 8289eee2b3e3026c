"""A fresh, migrated database for tests that run their own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.databases import Server


@contextmanager
def make_database(postgres: Server) -> Iterator[dict[str, Any]]:
    arguments = asyncio.run(postgres.create())
    try:
        yield arguments
    finally:
        asyncio.run(postgres.drop(arguments))
