"""Runs the migrations of the tables, by Alembic."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

NEWEST = "head"


async def upgrade(connect: Callable[[], Awaitable[asyncpg.Connection]], migrations: Path) -> None:
    """Bring the tables to the newest of the ``migrations``, on a connection that ``connect`` makes."""
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_upgrade, migrations)
        await connection.commit()
    await engine.dispose()


def _upgrade(connection: Connection, migrations: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, NEWEST)
