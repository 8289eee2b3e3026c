"""Sessions of the console as rows: tokens are kept as hashes only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import asyncpg

from signalpost.model.ids import UserId
from signalpost.model.member import Session, SessionSummary
from signalpost.store.accounts.members import COLUMNS, read_member
from signalpost.store.vault import hash_secret, make_secret

SESSION_DAYS = 14
"""After so long without a request a session ends."""

SEEN_SECONDS = 60
"""A session's last request is written at most so often."""

SWEPT = 100
"""At most so many ended sessions are removed at once."""

FIND = f"""
SELECT session.id, session.created_at, session.expires_at, session.seen_at, {COLUMNS}
FROM session JOIN member ON member.id = session.member_id
JOIN organization ON organization.id = member.organization_id
WHERE session.token_hash = $1 AND session.expires_at > $2 AND member.removed_at IS NULL
  AND member.password_hash IS NOT NULL
"""

# The member is locked: who changes the password or removes the member meanwhile waits, and then sees this session.
OPEN = """
INSERT INTO session (token_hash, member_id, created_at, seen_at, expires_at, agent, address)
SELECT $1, id, $3, $3, $4, $5, $6 FROM member
WHERE id = $2 AND removed_at IS NULL AND ($7::text IS NULL OR password_hash = $7) FOR SHARE
RETURNING id
"""

# Those that somebody ends at this moment are left to that.
SWEEP = """
DELETE FROM session WHERE id IN (
    SELECT id FROM session WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
"""

LIST = """
SELECT id, agent, address, created_at, seen_at FROM session
WHERE member_id = $1 AND expires_at > $2 ORDER BY seen_at DESC, id DESC LIMIT $3
"""


async def insert_session(
    connection: Any,
    member_id: UserId,
    now: datetime,
    *,
    agent: str,
    address: str,
    password_hash: str | None = None,
) -> str | None:
    """Insert a session and give its token; None: the member was removed, or has another password meanwhile."""
    token = make_secret()
    made = await connection.fetchval(
        OPEN,
        hash_secret(token),
        member_id,
        now,
        now + timedelta(days=SESSION_DAYS),
        agent[:200],
        address[:100],
        password_hash,
    )
    return None if made is None else token


class Sessions:
    """Opens, finds, lists and ends sessions."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def open(
        self, member_id: UserId, now: datetime, *, agent: str, address: str, password_hash: str | None = None
    ) -> str | None:
        """Open a session and give its token, which is kept nowhere else; None as ``insert_session``."""
        return await insert_session(
            self._pool, member_id, now, agent=agent, address=address, password_hash=password_hash
        )

    async def find(self, token: str, now: datetime) -> Session | None:
        """Find the session of a token, if it is still good; it is prolonged. Cost: one look into an index."""
        row: Any = await self._pool.fetchrow(FIND, hash_secret(token), now)
        if row is None:
            return None
        if (now - row["seen_at"]).total_seconds() > SEEN_SECONDS:
            await self._pool.execute(
                "UPDATE session SET seen_at = $2, expires_at = $3 WHERE id = $1",
                row["id"],
                now,
                now + timedelta(days=SESSION_DAYS),
            )
        return Session(row["id"], read_member(row), row["created_at"], row["expires_at"])

    async def list_open(self, member_id: UserId, now: datetime, *, limit: int) -> list[SessionSummary]:
        """List a member's sessions, the last used first. Cost: one range of an index."""
        rows: Any = await self._pool.fetch(LIST, member_id, now, limit)
        return [SessionSummary(*row) for row in rows]

    async def end(self, member_id: UserId, session_id: int) -> bool:
        """End one session of the member; False: there is none of that number."""
        ended = await self._pool.fetchval(
            "DELETE FROM session WHERE id = $1 AND member_id = $2 RETURNING id", session_id, member_id
        )
        return ended is not None

    async def end_token(self, token: str) -> None:
        """End the session of a token, if there is one."""
        await self._pool.execute("DELETE FROM session WHERE token_hash = $1", hash_secret(token))

    async def end_all(self, member_id: UserId) -> int:
        """End all sessions of the member; gives how many there were."""
        rows: Any = await self._pool.fetch("DELETE FROM session WHERE member_id = $1 RETURNING id", member_id)
        return len(rows)

    async def sweep(self, now: datetime) -> None:
        """Remove sessions that ended by themselves, a bounded number at once."""
        await self._pool.execute(SWEEP, now, SWEPT)
