"""Failed sign-ins: counted for each e-mail address and network address, so that passwords cannot be tried at will."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg

SWEPT = 100
"""At most so many old failures are removed at once."""

COUNT = """
SELECT count(*) AS failures, min(failed_at) AS first_at FROM sign_in_failure WHERE subject = $1 AND failed_at > $2
"""

SWEEP = """
DELETE FROM sign_in_failure WHERE ctid IN (
    SELECT ctid FROM sign_in_failure WHERE failed_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


class SignInFailures:
    """Counts attempts. Each is taken for a failure before it is tried: attempts at once cannot pass the limit."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def add(
        self, subjects: Sequence[tuple[bytes, int]], now: datetime, *, window_seconds: float
    ) -> datetime | None:
        """Write an attempt of ``subjects`` (each with its limit), unless one of them has reached its limit.

        Gives None, or when the window of the refused subject opens again; then nothing is written. Cost: as many
        rows of an index as the limits allow.
        """
        window = timedelta(seconds=window_seconds)
        async with self._pool.acquire() as connection, connection.transaction():
            # In one order, so that two attempts never wait for one another.
            for subject, _ in sorted(subjects):
                await connection.execute(
                    "SELECT pg_advisory_xact_lock($1)", int.from_bytes(subject[:8], signed=True)
                )
            for subject, limit in subjects:
                row: Any = await connection.fetchrow(COUNT, subject, now - window)
                if row["failures"] >= limit:
                    opens_at: datetime = row["first_at"] + window
                    return opens_at
            for subject, _ in subjects:
                await connection.execute(
                    "INSERT INTO sign_in_failure (subject, failed_at) VALUES ($1, $2)", subject, now
                )
        return None

    async def clear(self, subject: bytes) -> None:
        """Forget all failures of a subject: it has signed in."""
        await self._pool.execute("DELETE FROM sign_in_failure WHERE subject = $1", subject)

    async def take_back(self, subject: bytes, at: datetime) -> None:
        """Forget the one attempt written at ``at``: it was none."""
        await self._pool.execute(
            "DELETE FROM sign_in_failure WHERE subject = $1 AND failed_at = $2", subject, at
        )

    async def sweep(self, before: datetime) -> None:
        """Remove old failures, a bounded number at once. The table is small: limits bound how fast it grows."""
        await self._pool.execute(SWEEP, before, SWEPT)
