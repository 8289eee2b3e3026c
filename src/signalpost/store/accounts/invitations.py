"""Invitations as rows: links that make an account, good once; their tokens are kept as hashes only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from signalpost.model.errors import ConflictError, ForbiddenError, NotFoundError
from signalpost.model.ids import OrganizationId, UserId
from signalpost.model.member import Invitation, Member, Origin, Role
from signalpost.store.accounts.members import FIND_NAMED, HOLD, HOLD_ADMIN, hold_named
from signalpost.store.accounts.sessions import insert_session
from signalpost.store.vault import hash_secret, make_secret

INSERT = """
INSERT INTO invitation (token_hash, organization_id, email, role, invited_by, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""

WITHDRAW_SET_UPS = """
UPDATE invitation SET withdrawn_at = $1
WHERE organization_id IS NULL AND accepted_at IS NULL AND withdrawn_at IS NULL
"""

WITHDRAW = """
UPDATE invitation SET withdrawn_at = $3
WHERE id = $1 AND organization_id = $2 AND accepted_at IS NULL AND withdrawn_at IS NULL RETURNING id
"""

FIND = """
SELECT invitation.id, invitation.organization_id, organization.name, invitation.email, invitation.role,
       member.email AS invited_by, invitation.created_at, invitation.expires_at
FROM invitation LEFT JOIN organization ON organization.id = invitation.organization_id
LEFT JOIN member ON member.id = invitation.invited_by
WHERE invitation.accepted_at IS NULL AND invitation.withdrawn_at IS NULL AND invitation.expires_at > $1
"""

TAKE = """
UPDATE invitation SET accepted_at = $2
WHERE id = $1 AND accepted_at IS NULL AND withdrawn_at IS NULL AND expires_at > $2 RETURNING id
"""

UNUSABLE = "this link is no longer good: it was used, withdrawn, or is too old"


@dataclass(frozen=True, slots=True)
class Taken:
    """An invitation that was taken: the account, and the token of its first session."""

    member: Member
    token: str


class Invitations:
    """Makes, lists, withdraws and takes invitations."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def make_set_up(self, now: datetime, expires_at: datetime) -> str:
        """Make the link to the first account of the installation; those made before are no longer good."""
        token = make_secret()
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(WITHDRAW_SET_UPS, now)
            await connection.execute(
                INSERT, hash_secret(token), None, None, Role.ADMIN, None, now, expires_at
            )
        return token

    async def make(
        self, inviting: Member, email: str | None, role: Role, now: datetime, expires_at: datetime
    ) -> str:
        """Make a link into the organization of ``inviting``, and give its token, which is kept nowhere else.

        Raises:
            ForbiddenError: who invites is no admin any more.
        """
        token, organization_id = make_secret(), inviting.organization_id
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(HOLD_ADMIN, inviting.id) is None:
                raise ForbiddenError("only an admin invites")
            await connection.execute(
                INSERT, hash_secret(token), organization_id, email, role, inviting.id, now, expires_at
            )
        return token

    async def find(self, token: str, now: datetime) -> Invitation | None:
        """Find the invitation of a token, if it is still good."""
        row: Any = await self._pool.fetchrow(
            f"{FIND} AND invitation.token_hash = $2", now, hash_secret(token)
        )
        return None if row is None else _read(row)

    async def list_open(
        self, organization_id: OrganizationId, now: datetime, *, limit: int
    ) -> list[Invitation]:
        """List the invitations that wait, the newest first. Cost: one range of an index."""
        rows: Any = await self._pool.fetch(
            f"{FIND} AND invitation.organization_id = $2 ORDER BY invitation.id DESC LIMIT $3",
            now,
            organization_id,
            limit,
        )
        return [_read(row) for row in rows]

    async def withdraw(self, organization_id: OrganizationId, invitation_id: int, now: datetime) -> None:
        """Withdraw an invitation that waits.

        Raises:
            ConflictError: somebody came in by it meanwhile.
            NotFoundError: there is none, or it was withdrawn before.
        """
        if await self._pool.fetchval(WITHDRAW, invitation_id, organization_id, now) is not None:
            return
        accepted_at = await self._pool.fetchval(
            "SELECT accepted_at FROM invitation WHERE id = $1 AND organization_id = $2",
            invitation_id,
            organization_id,
        )
        if accepted_at is None:
            raise NotFoundError(f"there is no invitation {invitation_id} that waits; it was withdrawn before")
        raise ConflictError(
            f"somebody came in by this invitation at {accepted_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, before it"
            " was withdrawn: see Organization for who is a member since then, and remove who must not be"
        )

    async def take_set_up(
        self,
        invitation: Invitation,
        organization: str,
        email: str,
        password_hash: str,
        now: datetime,
        origin: Origin,
    ) -> Taken:
        """Make the first account, its organization where missing, and its session: all or nothing.

        Raises:
            ConflictError: the link was used meanwhile, or there is an account already.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            # One at a time, whichever link it is by: there is only one first account.
            await connection.execute("LOCK TABLE invitation IN SHARE ROW EXCLUSIVE MODE")
            if await connection.fetchval(
                "SELECT EXISTS (SELECT FROM member WHERE password_hash IS NOT NULL)"
            ):
                raise ConflictError(UNUSABLE)
            await _take(connection, invitation, now)
            organization_id = await hold_named(connection, organization)
            return await _admit(
                connection, organization_id, email, Role.ADMIN, password_hash, now, origin, by_set_up=True
            )

    async def take(
        self, invitation: Invitation, email: str, password_hash: str, now: datetime, origin: Origin
    ) -> Taken:
        """Make the account of who was invited, and its session: all or nothing.

        Raises:
            ConflictError: the link was used meanwhile, or the e-mail address has an account or another role.
        """
        assert invitation.organization_id is not None
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(HOLD, invitation.organization_id)
                await _take(connection, invitation, now)
                return await _admit(
                    connection,
                    invitation.organization_id,
                    email,
                    invitation.role,
                    password_hash,
                    now,
                    origin,
                    by_name=invitation.email is not None,
                )
        except asyncpg.UniqueViolationError:
            raise ConflictError(
                f"{email} has an account here already: sign in with it, or take another address"
            ) from None


async def _take(connection: Any, invitation: Invitation, now: datetime) -> None:
    if await connection.fetchval(TAKE, invitation.id, now) is None:
        raise ConflictError(UNUSABLE)


async def _admit(
    connection: Any,
    organization_id: OrganizationId,
    email: str,
    role: Role,
    password_hash: str,
    now: datetime,
    origin: Origin,
    *,
    by_set_up: bool = False,
    by_name: bool = False,
) -> Taken:
    row = await connection.fetchrow(FIND_NAMED, organization_id, email)
    if row is not None and not row["removed"] and not by_set_up:
        _check_member(email, row, role, by_name=by_name)
    if row is None:
        member_id = await connection.fetchval(
            "INSERT INTO member (organization_id, email, role, password_hash) VALUES ($1, $2, $3, $4) RETURNING id",
            organization_id,
            email,
            role,
            password_hash,
        )
    else:
        member_id = row["id"]
        await connection.execute(
            "UPDATE member SET role = $2, password_hash = $3, removed_at = NULL WHERE id = $1",
            member_id,
            role,
            password_hash,
        )
    name, kept_email = await connection.fetchrow(
        "SELECT organization.name, member.email FROM member JOIN organization ON organization.id = organization_id"
        " WHERE member.id = $1",
        member_id,
    )
    token = await insert_session(connection, member_id, now, agent=origin.agent, address=origin.address)
    assert token is not None
    return Taken(Member(UserId(member_id), organization_id, name, kept_email, role), token)


def _check_member(email: str, row: Any, role: Role, *, by_name: bool) -> None:
    # Whoever holds a link that names no address must not become somebody who is a member already.
    if row["has_account"]:
        raise ConflictError(f"{email} has an account here already: sign in with it, or take another address")
    if not by_name or row["role"] != role:
        raise ConflictError(
            f"{email} is a member already, by secrets of the API: an admin must invite this very address,"
            f" with its role {row['role']}"
        )


def _read(row: Any) -> Invitation:
    identity, organization_id, name, email, role, *rest = row
    return Invitation(identity, organization_id, name, email, Role(role), *rest)
