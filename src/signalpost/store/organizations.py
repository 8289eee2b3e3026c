"""Organizations and their users: secrets are kept as hashes only."""

from __future__ import annotations

from typing import Any

import asyncpg

from signalpost.model.errors import ConflictError
from signalpost.model.ids import OrganizationId, UserId
from signalpost.model.instance import Caller
from signalpost.model.member import Member, Role
from signalpost.store.accounts.members import COLUMNS, hold_named, read_member
from signalpost.store.accounts.secrets import insert_pair
from signalpost.store.vault import hash_secret


class Organizations:
    """Makes organizations and users, and finds out who a caller is."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def create_credentials(self, organization: str, email: str) -> dict[str, str]:
        """Make a pair of secrets for the user ``email`` of ``organization``, and either of them where missing.

        Returns ``{"organizationSecret", "userSecret"}``, both good at once. They cannot be read again: a user who
        lost them gets new ones by the same call, and those given before stay good. One who was removed is a member
        again, as an admin: the API asks for no role, and whoever has secrets may do all.

        Raises:
            ConflictError: the user is a member with another role.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            # A role is changed while the organization is held, too.
            organization_id = await hold_named(connection, organization)
            member_id, role = await connection.fetchrow(
                "INSERT INTO member (organization_id, email) VALUES ($1, $2)"
                " ON CONFLICT (organization_id, email) DO UPDATE SET removed_at = NULL,"
                " role = CASE WHEN member.removed_at IS NULL THEN member.role ELSE 'admin' END RETURNING id, role",
                organization_id,
                email,
            )
            if role != Role.ADMIN:
                raise ConflictError(
                    f"{email} is {role} of {organization}, and whoever has secrets of the API may do all there: have"
                    " an admin make them one first (Organization, in the console), or give another address"
                )
            organization_secret, user_secret = await insert_pair(connection, organization_id, member_id)
        return {"organizationSecret": organization_secret, "userSecret": user_secret}

    async def list_names(self, *, limit: int) -> list[str]:
        """List the names of organizations, the oldest first."""
        rows: Any = await self._pool.fetch("SELECT name FROM organization ORDER BY id LIMIT $1", limit)
        return [row["name"] for row in rows]

    async def find_member(self, organization: str, email: str) -> Member | None:
        """Find a member by the names that ``create_credentials`` made it by; None where there is none any more."""
        row: Any = await self._pool.fetchrow(
            f"SELECT {COLUMNS} FROM member"
            " JOIN organization ON organization.id = organization_id"
            " WHERE organization.name = $1 AND email = $2 AND removed_at IS NULL",
            organization,
            email,
        )
        return None if row is None else read_member(row)

    async def find_user(self, organization_secret: str, user_secret: str) -> Caller | None:
        """Find the user whose two secrets these are."""
        row = await self._pool.fetchrow(
            "SELECT member.organization_id, member.id, NULL::bigint AS instance_id FROM member_secret"
            " JOIN member ON member.id = member_secret.member_id"
            " JOIN organization_secret USING (organization_id)"
            " WHERE member_secret.secret_hash = $1 AND organization_secret.secret_hash = $2"
            " AND member.removed_at IS NULL",
            hash_secret(user_secret),
            hash_secret(organization_secret),
        )
        return _caller(row)

    async def find_instance_user(self, user_secret: str, instance_token: str) -> Caller | None:
        """Find the user who presents an instance token of the user's own organization."""
        row = await self._pool.fetchrow(
            "SELECT member.organization_id, member.id, instance.id AS instance_id FROM member_secret"
            " JOIN member ON member.id = member_secret.member_id"
            " JOIN instance USING (organization_id)"
            " WHERE member_secret.secret_hash = $1 AND instance.token_hash = $2 AND member.removed_at IS NULL",
            hash_secret(user_secret),
            hash_secret(instance_token),
        )
        return _caller(row)


def _caller(row: Any) -> Caller | None:
    if row is None:
        return None
    return Caller(OrganizationId(row["organization_id"]), UserId(row["id"]), row["instance_id"])
