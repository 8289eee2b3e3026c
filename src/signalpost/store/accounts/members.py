"""Members of organizations as rows: accounts, roles, removal. An organization always keeps an admin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from signalpost.model.errors import ConflictError, NotFoundError
from signalpost.model.ids import OrganizationId, UserId
from signalpost.model.member import Member, MemberSummary, Role

COLUMNS = """member.id AS member_id, member.organization_id, organization.name AS organization_name, member.email,
       member.role"""
"""What ``read_member`` needs of a row."""

FIND_ACCOUNT = f"""
SELECT {COLUMNS}, member.password_hash
FROM member JOIN organization ON organization.id = member.organization_id
WHERE lower(member.email) = lower($1) AND member.password_hash IS NOT NULL AND member.removed_at IS NULL
"""

LIST = """
WITH own AS (
    SELECT id, email, role, created_at, password_hash IS NOT NULL AS has_account FROM member
    WHERE organization_id = $1 AND removed_at IS NULL AND ($2::bigint IS NULL OR id = $2)
      AND ($4::bigint IS NULL OR (lower(email), id) > (
          SELECT lower(email), id FROM member WHERE id = $4 AND organization_id = $1))
    ORDER BY lower(email), id LIMIT $3
)
SELECT own.*, (SELECT max(seen_at) FROM session WHERE member_id = own.id) AS seen_at, coalesce(made.secrets, 0)
FROM own LEFT JOIN (
    SELECT member_id, count(*) AS secrets FROM member_secret JOIN own ON own.id = member_id GROUP BY member_id
) AS made ON made.member_id = own.id
ORDER BY lower(own.email), own.id
"""

FIND_NAMED = """
SELECT id, role, password_hash IS NOT NULL AS has_account, removed_at IS NOT NULL AS removed FROM member
WHERE organization_id = $1 AND lower(email) = lower($2)
ORDER BY removed_at IS NULL DESC, password_hash IS NOT NULL DESC, email = $2 DESC, id LIMIT 1
"""

WITHDRAW_NAMED = """
UPDATE invitation SET withdrawn_at = $3 WHERE organization_id = $1 AND lower(email) = lower($2)
  AND accepted_at IS NULL AND withdrawn_at IS NULL
"""

# One change of an organization's members at a time, and this before all else that it holds: two admins could remove one
# another else, or wait for each other. Whoever only refers to the organization does not wait.
HOLD = "SELECT id FROM organization WHERE id = $1 FOR NO KEY UPDATE"

# Held, so that what an admin makes while the role is taken away is seen, and ended by that.
HOLD_ADMIN = "SELECT id FROM member WHERE id = $1 AND role = 'admin' AND removed_at IS NULL FOR SHARE"

COUNT_OTHER_ADMINS = """
SELECT count(*) FROM member WHERE organization_id = $1 AND id <> $2 AND role = 'admin'
  AND password_hash IS NOT NULL AND removed_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Account:
    """A member with the hash of the password."""

    member: Member
    password_hash: str


class Members:
    """Reads and changes members."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def has_accounts(self) -> bool:
        """Say whether anybody can sign in. Cost: one look into an index."""
        found: bool = await self._pool.fetchval(
            "SELECT EXISTS (SELECT FROM member WHERE password_hash IS NOT NULL)"
        )
        return found

    async def find_account(self, email: str) -> Account | None:
        """Find who signs in with an e-mail address, upper or lower case. Cost: one look into an index."""
        row: Any = await self._pool.fetchrow(FIND_ACCOUNT, email)
        return None if row is None else Account(read_member(row), row["password_hash"])

    async def fold_email(self, email: str) -> str:
        """Give what all spellings of an e-mail address have in common by which ``find_account`` finds the same."""
        folded: str = await self._pool.fetchval("SELECT lower($1::text)", email)
        return folded

    async def list_members(
        self, organization_id: OrganizationId, *, after_id: int | None, limit: int
    ) -> list[MemberSummary]:
        """List the members by e-mail address, those that come after a member (who may be removed meanwhile).

        Cost: the members of the organization, and all user secrets.
        """
        rows: Any = await self._pool.fetch(LIST, organization_id, None, limit, after_id)
        return [_summarise(row) for row in rows]

    async def read(self, organization_id: OrganizationId, member_id: int) -> MemberSummary:
        """Read one member; raises NotFoundError."""
        return await _read(self._pool, organization_id, member_id)

    async def find_named(self, organization_id: OrganizationId, email: str) -> MemberSummary | None:
        """Find a member of the organization by e-mail address, upper or lower case."""
        row: Any = await self._pool.fetchrow(FIND_NAMED, organization_id, email)
        return None if row is None or row["removed"] else await self.read(organization_id, row["id"])

    async def change_password(
        self, member_id: UserId, old_hash: str, new_hash: str, *, kept_session: int | None
    ) -> bool:
        """Set another password; all sessions but ``kept_session`` end (None: the password is the same, none ends).

        False: somebody else has changed it meanwhile.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            changed = await connection.fetchval(
                "UPDATE member SET password_hash = $3 WHERE id = $1 AND password_hash = $2 RETURNING id",
                member_id,
                old_hash,
                new_hash,
            )
            if changed is not None and kept_session is not None:
                await connection.execute(
                    "DELETE FROM session WHERE member_id = $1 AND id <> $2", member_id, kept_session
                )
        return changed is not None

    async def change_role(
        self, organization_id: OrganizationId, member_id: int, role: Role, now: datetime
    ) -> MemberSummary:
        """Give a member another role, good at the next request, and give the member as it was.

        Who is no admin any more loses the user secrets of the API, and the invitations made are withdrawn.

        Raises:
            NotFoundError: there is no such member.
            ConflictError: it is the last admin who can sign in.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            before = await _hold(connection, organization_id, member_id)
            loses = before.role is Role.ADMIN and role is not Role.ADMIN
            if loses:
                await _require_other_admin(connection, organization_id, before)
            # First: it waits for what the member makes at this moment (``HOLD_ADMIN``), which goes as well then.
            await connection.execute("UPDATE member SET role = $2 WHERE id = $1", before.id, role)
            if loses:
                await _disarm(connection, before.id, now)
        return before

    async def remove(self, organization_id: OrganizationId, member_id: int, now: datetime) -> MemberSummary:
        """Remove a member, and give it as it was: sessions, secrets and the password end at once.

        Invitations that wait for the e-mail address, and those that the member made, are withdrawn.

        Raises:
            NotFoundError: there is no such member.
            ConflictError: it is the last admin who can sign in.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            before = await _hold(connection, organization_id, member_id)
            if before.role is Role.ADMIN:
                await _require_other_admin(connection, organization_id, before)
            await connection.execute(
                "UPDATE member SET removed_at = $2, password_hash = NULL WHERE id = $1", before.id, now
            )
            await _disarm(connection, before.id, now)
            await connection.execute("DELETE FROM session WHERE member_id = $1", before.id)
            await connection.execute(WITHDRAW_NAMED, organization_id, before.email, now)
        return before


async def hold_named(connection: Any, organization: str) -> OrganizationId:
    """Hold an organization as ``HOLD`` does, by its name, and give its number; it is made where it is missing."""
    await connection.execute(
        "INSERT INTO organization (name) VALUES ($1) ON CONFLICT DO NOTHING", organization
    )
    found = await connection.fetchval(
        "SELECT id FROM organization WHERE name = $1 FOR NO KEY UPDATE", organization
    )
    return OrganizationId(found)


def read_member(row: Mapping[str, Any]) -> Member:
    """Read a row that has ``COLUMNS``."""
    return Member(
        id=UserId(row["member_id"]),
        organization_id=OrganizationId(row["organization_id"]),
        organization_name=row["organization_name"],
        email=row["email"],
        role=Role(row["role"]),
    )


async def _hold(connection: Any, organization_id: OrganizationId, member_id: int) -> MemberSummary:
    await connection.execute(HOLD, organization_id)
    return await _read(connection, organization_id, member_id)


async def _read(connection: Any, organization_id: OrganizationId, member_id: int) -> MemberSummary:
    row = await connection.fetchrow(LIST, organization_id, member_id, 1, None)
    if row is None:
        raise NotFoundError(f"there is no member {member_id} in this organization")
    return _summarise(row)


async def _require_other_admin(
    connection: Any, organization_id: OrganizationId, member: MemberSummary
) -> None:
    if not await connection.fetchval(COUNT_OTHER_ADMINS, organization_id, member.id):
        raise ConflictError(
            f"{member.email} is the last admin who can sign in: make another member an admin first,"
            " or nobody could manage the organization"
        )


async def _disarm(connection: Any, member_id: UserId, now: datetime) -> None:
    await connection.execute("DELETE FROM member_secret WHERE member_id = $1", member_id)
    await connection.execute(
        "UPDATE invitation SET withdrawn_at = $2"
        " WHERE invited_by = $1 AND accepted_at IS NULL AND withdrawn_at IS NULL",
        member_id,
        now,
    )


def _summarise(row: Any) -> MemberSummary:
    identity, email, role, *rest = row
    return MemberSummary(UserId(identity), email, Role(role), *rest)
