"""The databases of the tests: each test has one of its own, made from a template of its server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg

from signalpost.store.database import migrate, open_pool
from signalpost.store.partitions import Partitions


@dataclass(frozen=True)
class Server:
    """A PostgreSQL of the tests, with two templates: ``migrated``; and ``used``, which has partitions as well."""

    connect_arguments: Mapping[str, Any]

    async def make_templates(self) -> None:
        """Make the templates, once for each server."""
        connection = await asyncpg.connect(**self.connect_arguments)
        await connection.execute("CREATE DATABASE template_migrated")
        await migrate({**self.connect_arguments, "database": "template_migrated"})
        used = await self.create("template_used", like="migrated")
        # Each service would make them anew, which takes as long as all else of its start.
        async with await open_pool(used, size=1) as pool:
            await Partitions(pool, kept=timedelta(days=7)).make_ahead(datetime.now(UTC))
        await connection.close()

    async def create(self, name: str | None = None, like: str = "used") -> dict[str, Any]:
        """Make a database; give arguments for ``asyncpg.connect``."""
        name = name or f"test_{uuid4().hex}"
        connection = await asyncpg.connect(**self.connect_arguments)
        try:
            # To write the files to the log as well takes twice as long as to copy them.
            copied = "STRATEGY file_copy" if connection.get_server_version() >= (15,) else ""
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE template_{like} {copied}")
        finally:
            await connection.close()
        return {**self.connect_arguments, "database": name}

    async def drop(self, arguments: Mapping[str, Any]) -> None:
        """Drop a database, whoever uses it."""
        connection = await asyncpg.connect(**self.connect_arguments)
        await connection.execute(f"DROP DATABASE {arguments['database']} WITH (FORCE)")
        await connection.close()

    @asynccontextmanager
    async def open_database(self, like: str = "used") -> AsyncIterator[dict[str, Any]]:
        """Give arguments for ``asyncpg.connect`` to a fresh database, which is there while the context is open."""
        arguments = await self.create(like=like)
        try:
            yield arguments
        finally:
            await self.drop(arguments)
