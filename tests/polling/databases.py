"""A fresh, migrated database for tests that run their own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import asyncpg

from tests.support import AS_USED


@contextmanager
def make_database(postgres: Any) -> Iterator[dict[str, Any]]:
    name = f"test_{uuid4().hex}"

    async def execute(statement: str) -> None:
        connection = await asyncpg.connect(**postgres.connect_arguments)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(execute(f"CREATE DATABASE {name} {AS_USED}"))
    try:
        yield {**postgres.connect_arguments, "database": name}
    finally:
        asyncio.run(execute(f"DROP DATABASE {name} WITH (FORCE)"))
