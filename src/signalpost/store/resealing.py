"""What is kept encrypted, encrypted anew: so that a key that is given up opens nothing any more."""

from __future__ import annotations

from typing import Any

import asyncpg

from signalpost.model.errors import ConfigurationError
from signalpost.store.vault import Vault

SEALED = (
    ("instance", ("id",), "secrets"),
    ("credential", ("instance_id",), "tokens"),
    ("application", ("id",), "secrets"),
    ("connection", ("id",), "wish"),
    ("kept_answer", ("member_id", "key_hash"), "answer"),
)
"""Every column that is encrypted: its table, the primary key, its name. Null and empty stand for nothing kept."""
BATCH = 500


async def find_sealed(pool: asyncpg.Pool) -> bool:
    """Say whether anything is kept encrypted."""
    any_of_them = " OR ".join(
        f"EXISTS (SELECT FROM {table} WHERE {column} <> '')" for table, _, column in SEALED
    )
    return bool(await pool.fetchval(f"SELECT {any_of_them}"))


async def reseal_all(pool: asyncpg.Pool, vault: Vault) -> int:
    """Encrypt with the first key what others encrypted; give how many values that were.

    The service may run: a value that it writes meanwhile is left as it writes it. Each batch is a transaction, so that
    whoever is killed here begins again, and finds the rest.

    Raises:
        ConfigurationError: none of the keys fits a value; names its table and row.
    """
    return sum([await _reseal(pool, vault, *each) for each in SEALED])


async def _reseal(pool: asyncpg.Pool, vault: Vault, table: str, keys: tuple[str, ...], column: str) -> int:
    names = ", ".join(keys)
    row_is = " AND ".join(f"{key} = ${place}" for place, key in enumerate(keys, start=3))
    read = f"SELECT {names}, {column} FROM {table} WHERE {column} <> ''"
    beyond = f" AND ({names}) > ({', '.join(f'${place}' for place, _ in enumerate(keys, start=1))})"
    write = f"UPDATE {table} SET {column} = $2 WHERE {column} = $1 AND {row_is}"
    # What somebody has in hand (tokens, while the provider renews them) comes by itself: a transaction of hundreds that
    # waited for it would keep all of them from others.
    together = (
        f"{write} AND EXISTS (SELECT FROM {table} WHERE {row_is} FOR UPDATE SKIP LOCKED) RETURNING {names}"
    )
    count, after = 0, ()
    while True:
        where = beyond if after else ""
        rows: list[Any] = await pool.fetch(f"{read}{where} ORDER BY {names} LIMIT {BATCH}", *after)
        changed = []
        for *key, sealed in rows:
            try:
                anew = vault.reseal(sealed)
            except ConfigurationError as error:
                shown = ", ".join(str(each) for each in key if not isinstance(each, bytes))
                message = f"{table} {shown}: {error}"
                raise ConfigurationError(message) from error
            if anew != sealed:
                changed.append((sealed, anew, *key))
        written = {tuple(row) for row in await pool.fetchmany(together, changed)}
        for each in changed:
            if each[2:] not in written:
                await pool.execute(write, *each)
        count += len(changed)
        if len(rows) < BATCH:
            return count
        after = tuple(rows[-1])[:-1]
