"""Secrets of the API as rows: an admin lists, makes and revokes them; they are kept as hashes only."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import asyncpg

from signalpost.model.errors import ForbiddenError, NotFoundError
from signalpost.model.member import Member, SecretSummary
from signalpost.store.accounts.members import HOLD_ADMIN
from signalpost.store.vault import hash_secret, make_secret

Owner = Literal["organization", "user"]

LIST = {
    "organization": "SELECT id, created_at FROM organization_secret WHERE organization_id = $1"
    " AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $2",
    "user": "SELECT id, created_at FROM member_secret WHERE member_id = $1"
    " AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $2",
}
FIND = {
    "organization": "SELECT max(created_at) FILTER (WHERE id = $2), count(*) FILTER (WHERE id <> $2)"
    " FROM organization_secret WHERE organization_id = $1",
    "user": "SELECT max(created_at) FILTER (WHERE id = $2), count(*) FILTER (WHERE id <> $2)"
    " FROM member_secret WHERE member_id = $1",
}
REVOKE = {
    "organization": "DELETE FROM organization_secret WHERE organization_id = $1 AND id = $2 RETURNING id",
    "user": "DELETE FROM member_secret WHERE member_id = $1 AND id = $2 RETURNING id",
}


class Secrets:
    """Lists, makes and revokes the secrets of an organization and of one of its members."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def list_secrets(
        self, member: Member, owner: Owner, *, before_id: int | None, limit: int
    ) -> list[SecretSummary]:
        """List the secrets of the member's organization, or the member's own, the newest first; those before one."""
        rows: Any = await self._pool.fetch(LIST[owner], _owner_id(member, owner), limit, before_id)
        return [SecretSummary(*row) for row in rows]

    async def find(self, member: Member, owner: Owner, secret_id: int) -> tuple[datetime | None, int]:
        """Give when a secret was made (None: there is no such secret), and how many others there are beside it."""
        row: Any = await self._pool.fetchrow(FIND[owner], _owner_id(member, owner), secret_id)
        return row[0], row[1]

    async def make_pair(self, member: Member) -> tuple[str, str]:
        """Make a secret of the organization and one of the member, which are kept nowhere else.

        Raises:
            ForbiddenError: the member is no admin any more.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(HOLD_ADMIN, member.id) is None:
                raise ForbiddenError("only an admin makes secrets")
            return await insert_pair(connection, member.organization_id, member.id)

    async def revoke(self, member: Member, owner: Owner, secret_id: int) -> None:
        """Revoke a secret: the next call with it is refused; raises NotFoundError."""
        done = await self._pool.fetchval(REVOKE[owner], _owner_id(member, owner), secret_id)
        if done is None:
            raise NotFoundError(f"there is no secret {secret_id}; it was revoked, or is not yours")


async def insert_pair(connection: Any, organization_id: int, member_id: int) -> tuple[str, str]:
    """Insert a secret of an organization and one of its member, and give them."""
    organization_secret, user_secret = make_secret(), make_secret()
    await connection.execute(
        "INSERT INTO organization_secret (secret_hash, organization_id) VALUES ($1, $2)",
        hash_secret(organization_secret),
        organization_id,
    )
    await connection.execute(
        "INSERT INTO member_secret (secret_hash, member_id) VALUES ($1, $2)",
        hash_secret(user_secret),
        member_id,
    )
    return organization_secret, user_secret


def _owner_id(member: Member, owner: Owner) -> int:
    return member.organization_id if owner == "organization" else member.id
