"""Applications: key and secret registered at a provider, saved so that who connects need not know them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from signalpost.model.ids import OrganizationId
from signalpost.store.vault import Vault

MOST_APPLICATIONS = 200


@dataclass(frozen=True, slots=True)
class Application:
    """A saved application, without its secrets."""

    id: int
    connector: str
    name: str
    created_at: datetime


class Applications:
    """Writes and reads saved applications. Every call names the organization."""

    def __init__(self, pool: asyncpg.Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    async def list_applications(
        self, organization_id: OrganizationId, connector: str | None = None
    ) -> list[Application]:
        """List applications by connector and name, without secrets; at most ``MOST_APPLICATIONS``."""
        rows: Any = await self._pool.fetch(
            "SELECT id, connector, name, created_at FROM application"
            " WHERE organization_id = $1 AND ($2::text IS NULL OR connector = $2) ORDER BY connector, name LIMIT $3",
            organization_id,
            connector,
            MOST_APPLICATIONS,
        )
        return [Application(*row) for row in rows]

    async def save(
        self,
        organization_id: OrganizationId,
        *,
        connector: str,
        name: str,
        secrets: Mapping[str, str],
        now: datetime,
    ) -> bool:
        """Save one; False: there is one of that name, which stays as it is."""
        done = await self._pool.execute(
            "INSERT INTO application (organization_id, connector, name, configuration, secrets, created_at)"
            " VALUES ($1, $2, $3, '{}', $4, $5) ON CONFLICT DO NOTHING",
            organization_id,
            connector,
            name,
            self._vault.seal({"configuration": dict(secrets)}),
            now,
        )
        return bool(done == "INSERT 0 1")

    async def load(
        self, organization_id: OrganizationId, connector: str, number: int
    ) -> dict[str, str] | None:
        """Load the configuration values of one, secrets included; None: there is none."""
        row: Any = await self._pool.fetchrow(
            "SELECT configuration, secrets FROM application WHERE id = $1 AND organization_id = $2 AND connector = $3",
            number,
            organization_id,
            connector,
        )
        return None if row is None else self._vault.join_configuration(row)

    async def find(self, organization_id: OrganizationId, number: int) -> Application | None:
        """Find one, without its secrets; None: there is none."""
        row: Any = await self._pool.fetchrow(
            "SELECT id, connector, name, created_at FROM application WHERE id = $1 AND organization_id = $2",
            number,
            organization_id,
        )
        return None if row is None else Application(*row)

    async def delete(self, organization_id: OrganizationId, number: int) -> str | None:
        """Delete one and give its name; instances made with it keep what they have. None: there is none."""
        name: str | None = await self._pool.fetchval(
            "DELETE FROM application WHERE id = $1 AND organization_id = $2 RETURNING name",
            number,
            organization_id,
        )
        return name
