"""Connections: what was asked for waits here, encrypted, until the consent at the provider comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg

from signalpost.model.ids import InstanceId, OrganizationId
from signalpost.model.member import Member
from signalpost.store.accounts.members import read_member
from signalpost.store.vault import Vault

FIND = """
SELECT connection.*, organization.name AS organization_name, member.email, member.role
FROM connection JOIN member ON member.id = connection.member_id
JOIN organization ON organization.id = connection.organization_id
WHERE connection.id = $1 AND member.removed_at IS NULL AND member.role <> 'viewer'
"""

TAKE = """
UPDATE connection SET taken_at = $2::timestamptz, failure = NULL
WHERE id = $1 AND expires_at > $2 AND wish <> ''
  AND (taken_at IS NULL OR (made_instance_id IS NULL AND taken_at < $2::timestamptz - interval '5 minutes'))
"""
"""Who took it five minutes ago and made nothing of it was killed: no exchange takes so long."""

GIVE_BACK = """
UPDATE connection SET taken_at = NULL, failure = $3, wish = coalesce($4, wish)
WHERE id = $1 AND taken_at IS NOT DISTINCT FROM $2 AND made_instance_id IS NULL
"""

FINISH = """
UPDATE connection SET made_instance_id = $3, wish = '' WHERE id = $1 AND taken_at = $2 AND made_instance_id IS NULL
RETURNING id
"""

Taken: TypeAlias = tuple[UUID, datetime]
"""A connection that was taken, and when."""

OPEN_LINKS = """
SELECT connection.id, connection.name, connection.instance_id, connection.expires_at, connection.failure, member.email
FROM connection JOIN member ON member.id = connection.member_id
WHERE connection.organization_id = $1 AND connector = $2 AND by_link AND taken_at IS NULL AND expires_at > $3
  AND member.removed_at IS NULL AND member.role <> 'viewer'
  AND ($4::timestamptz IS NULL OR (expires_at, connection.id) < ($4, $5::uuid))
ORDER BY expires_at DESC, connection.id DESC LIMIT $6
"""


# Rows that somebody has in hand are left to the next time: no waiting for them, and no deadlock.
REMOVE_EXPIRED = """
DELETE FROM connection WHERE id IN (
    SELECT id FROM connection WHERE expires_at < $1::timestamptz - interval '7 days' FOR UPDATE SKIP LOCKED)
"""
EMPTY_EXPIRED = """
UPDATE connection SET wish = '' WHERE id IN (
    SELECT id FROM connection WHERE expires_at < $1 AND wish <> '' FOR UPDATE SKIP LOCKED)
"""

# A link that the member made for the instance and nobody has used is as good as another one.
ADD_LINKS = """
WITH given AS (
    SELECT given.instance_id, given.id, connector, name
    FROM unnest($3::bigint[], $4::uuid[]) AS given (instance_id, id)
    JOIN instance ON instance.id = given.instance_id AND organization_id = $1
), open AS (
    SELECT DISTINCT ON (instance_id) instance_id, connection.id FROM connection JOIN given USING (instance_id)
    WHERE member_id = $2 AND by_link AND taken_at IS NULL AND expires_at > $6
    ORDER BY instance_id, expires_at DESC
), made AS (
    INSERT INTO connection (id, organization_id, member_id, instance_id, connector, name, wish, by_link, created_at,
                            expires_at)
    SELECT id, $1, $2, instance_id, connector, name, $5, true, $6, $7 FROM given
    WHERE instance_id NOT IN (SELECT instance_id FROM open)
    RETURNING instance_id, id
)
SELECT instance_id, id FROM open UNION ALL SELECT instance_id, id FROM made
"""


@dataclass(frozen=True, slots=True)
class Connection:
    """An instance on its way. ``wish`` is what was asked for, secrets included; empty once it is made.

    ``instance_id`` names the instance that is authorised again or changed (None: a new one), ``made_instance_id`` the
    one that came of it. ``failure`` says in words why the last try failed.
    """

    id: UUID
    member: Member
    instance_id: InstanceId | None
    connector: str
    name: str
    wish: Mapping[str, Any]
    by_link: bool
    created_at: datetime
    expires_at: datetime
    taken_at: datetime | None
    made_instance_id: InstanceId | None
    failure: str | None

    def is_open(self, now: datetime) -> bool:
        """Say whether a consent would still be good for it: its wish goes when it is made, or has expired."""
        return bool(self.wish) and self.expires_at > now


@dataclass(frozen=True, slots=True)
class OpenLink:
    """A connect link that nobody has used yet, and who made it."""

    id: UUID
    name: str
    instance_id: InstanceId | None
    expires_at: datetime
    failure: str | None
    email: str


class Connections:
    """Writes and reads connections."""

    def __init__(self, pool: asyncpg.Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    async def add(
        self,
        member: Member,
        *,
        connector: str,
        name: str,
        wish: Mapping[str, Any],
        instance_id: InstanceId | None,
        by_link: bool,
        now: datetime,
        expires_at: datetime,
        number: UUID | None = None,
    ) -> UUID:
        """Keep a wish; those that have expired are dropped. Cost: one look at the few that there are.

        Under ``number`` one wish is kept: the first.
        """
        await self._pool.execute(REMOVE_EXPIRED, now)
        await self._pool.execute(EMPTY_EXPIRED, now)
        number = number or uuid4()
        await self._pool.execute(
            "INSERT INTO connection (id, organization_id, member_id, instance_id, connector, name, wish, by_link,"
            " created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            " ON CONFLICT (id) DO NOTHING",
            number,
            member.organization_id,
            member.id,
            instance_id,
            connector,
            name,
            self._vault.seal(dict(wish)),
            by_link,
            now,
            expires_at,
        )
        return number

    async def add_links(
        self,
        member: Member,
        instance_ids: Sequence[InstanceId],
        wish: Mapping[str, Any],
        *,
        now: datetime,
        expires_at: datetime,
    ) -> dict[InstanceId, UUID]:
        """Keep one wish for each of several instances, to be consented by link; one statement.

        Gives the connection of each: where a link of the member is open already, that one.
        """
        rows: Any = await self._pool.fetch(
            ADD_LINKS,
            member.organization_id,
            member.id,
            list(instance_ids),
            [uuid4() for _ in instance_ids],
            self._vault.seal(dict(wish)),
            now,
            expires_at,
        )
        return {InstanceId(row["instance_id"]): row["id"] for row in rows}

    async def find(self, number: UUID) -> Connection | None:
        """Find one, whatever became of it; None also where who began it was removed or may not connect any more."""
        row: Any = await self._pool.fetchrow(FIND, number)
        if row is None:
            return None
        return Connection(
            id=row["id"],
            member=read_member(row),
            instance_id=row["instance_id"],
            connector=row["connector"],
            name=row["name"],
            wish=self._vault.unseal(row["wish"]) if row["wish"] else {},
            by_link=row["by_link"],
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            taken_at=row["taken_at"],
            made_instance_id=row["made_instance_id"],
            failure=row["failure"],
        )

    async def take(self, number: UUID, now: datetime) -> bool:
        """Take a connection whose consent came back; False: it is taken, expired or withdrawn. One taker wins.

        It is the taker's by ``now``, which says to ``give_back`` and ``finish`` whose it is.
        """
        try:
            return bool(await self._pool.execute(TAKE, number, now) == "UPDATE 1")
        except BaseException:  # it may be taken all the same, and nobody would know that it was us
            await self.give_back(number, None, taken_at=now)
            raise

    async def give_back(
        self,
        number: UUID,
        failure: str | None,
        wish: Mapping[str, Any] | None = None,
        *,
        taken_at: datetime | None,
    ) -> None:
        """Have a connection tried again; ``failure`` says why it is, ``wish`` takes the place of the one before.

        What somebody else has taken since (``taken_at`` None: anybody) stays theirs.
        """
        await self._pool.execute(
            GIVE_BACK,
            number,
            taken_at,
            None if failure is None else failure[:2000],
            None if wish is None else self._vault.seal(dict(wish)),
        )

    async def list_open_links(
        self,
        organization_id: OrganizationId,
        connector: str,
        now: datetime,
        *,
        before: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[OpenLink]:
        """List the connect links that are still good, those that are good for longest first.

        ``before`` is the end and the number of the link that they come after.
        """
        expires_at, number = before or (None, None)
        rows: Any = await self._pool.fetch(
            OPEN_LINKS, organization_id, connector, now, expires_at, number, limit
        )
        return [OpenLink(*row) for row in rows]

    async def withdraw(self, organization_id: OrganizationId, number: UUID) -> str | None:
        """Withdraw a connect link that nobody has used, and give its name; None: there is none."""
        name: str | None = await self._pool.fetchval(
            "DELETE FROM connection WHERE id = $1 AND organization_id = $2 AND by_link AND taken_at IS NULL"
            " RETURNING name",
            number,
            organization_id,
        )
        return name
