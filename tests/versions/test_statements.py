"""Every statement of the store is understood by each version of PostgreSQL that is found: some know less."""

from __future__ import annotations

import importlib
import pkgutil
import re

import asyncpg

import signalpost.store

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
FILLED_IN = re.compile(r"\{\w*\}")


def find_statements() -> dict[str, str]:
    """Find the statements that modules keep whole: not those of which parts are filled in, nor parts of others."""
    found = {}
    for module in pkgutil.walk_packages(signalpost.store.__path__, "signalpost.store."):
        if ".migrations." in module.name or module.name.endswith("embedded_launcher"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, str) and value.strip().startswith(VERBS) and not FILLED_IN.search(value):
                found[value] = f"{module.name.removeprefix('signalpost.store.')}.{name}"
    return {name: statement for statement, name in found.items()}


async def test_every_statement_is_understood(pool):
    statements = find_statements()
    assert len(statements) > 50
    refused = {}
    async with pool.acquire() as connection:
        for name, statement in statements.items():
            try:
                await connection.prepare(statement)
            except asyncpg.UndefinedTableError:
                pass  # columns, for statements that name their table
            except asyncpg.PostgresError as error:
                refused[name] = error
    assert refused == {}
