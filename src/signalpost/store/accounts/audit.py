"""The audit trail: who did what in the console."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from signalpost.model.ids import InstanceId, OrganizationId
from signalpost.model.member import Member

LIST = """
SELECT id, email, done_at, action, instance_id, detail,
       EXISTS (SELECT FROM instance WHERE instance.id = audit.instance_id) AS is_there
FROM audit
WHERE organization_id = $1 AND ($2::bigint IS NULL OR instance_id = $2) AND ($3::bigint IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that somebody did; ``action`` is a word such as ``instance.disabled``, ``detail`` says it to people.

    ``is_there``: the instance was not deleted since.
    """

    id: int
    email: str
    done_at: datetime
    action: str
    instance_id: int | None
    detail: str
    is_there: bool


class Audit:
    """Writes and reads the trail."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def add(
        self, member: Member, action: str, detail: str, now: datetime, *, instance_id: int | None = None
    ) -> None:
        """Write what a member did. No secret may stand in ``detail``."""
        await self._pool.execute(
            "INSERT INTO audit (organization_id, email, done_at, action, instance_id, detail)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            member.organization_id,
            member.email,
            now,
            action,
            instance_id,
            detail[:1000],
        )

    async def list_entries(
        self,
        organization_id: OrganizationId,
        *,
        instance_id: InstanceId | None = None,
        before_id: int | None = None,
        limit: int,
    ) -> list[AuditEntry]:
        """List entries, newest first, of the organization or of one instance."""
        rows: Any = await self._pool.fetch(LIST, organization_id, instance_id, before_id, limit)
        return [AuditEntry(*row) for row in rows]
