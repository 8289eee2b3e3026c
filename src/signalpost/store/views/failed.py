"""What failed of a whole organization: endpoints that take nothing, dead letters; replays by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from signalpost.model.ids import InstanceId, OrganizationId
from signalpost.store.endpoints import IS_LATE
from signalpost.store.replay_orders import COLUMNS, Replay, read_replay

MOST_COUNTED = 10_000
"""So many that wait for an endpoint are counted; more are not told apart."""

MOST_IN_SPAN = 10_000
"""Dead letters between the first and the last of a selection that are told apart."""

HELD = f"""
SELECT instance.id, instance.name, endpoint.url, endpoint.state, endpoint.failing_since, endpoint.deactivated_at,
       endpoint.last_error, first.failures, first.next_attempt_at, first.created_at,
       (SELECT count(*) FROM (SELECT FROM notification WHERE instance_id = instance.id AND state = 'pending'
                              LIMIT {MOST_COUNTED + 1}) AS counted) AS waiting
FROM (
    SELECT instance.id, instance.name FROM instance JOIN endpoint ON endpoint.instance_id = instance.id
    WHERE instance.organization_id = $1 AND ($2::bigint IS NULL OR instance.id = $2) AND NOT instance.disabled
      AND CASE WHEN endpoint.url IS NOT NULL THEN endpoint.failing_since IS NOT NULL OR endpoint.state <> 'active'
               OR {IS_LATE}
          ELSE EXISTS (SELECT FROM notification WHERE instance_id = instance.id AND state = 'pending') END
    ORDER BY endpoint.failing_since, instance.id LIMIT $3
) AS instance JOIN endpoint ON endpoint.instance_id = instance.id
LEFT JOIN LATERAL (SELECT failures, next_attempt_at, created_at FROM notification
                   WHERE instance_id = instance.id AND state = 'pending' ORDER BY lane_order LIMIT 1) AS first ON true
ORDER BY endpoint.failing_since, instance.id
"""


@dataclass(frozen=True, slots=True)
class HeldEndpoint:
    """An endpoint that fails, is deactivated, to which nobody delivers, or for which something waits without a ``url``.

    ``waiting`` counts up to one more than ``MOST_COUNTED``. What waits first was tried ``failures`` times in
    vain, and comes next at ``next_attempt_at``.
    """

    instance_id: int
    instance_name: str
    url: str | None
    state: str
    failing_since: datetime | None
    deactivated_at: datetime | None
    last_error: str | None
    failures: int | None
    next_attempt_at: datetime | None
    oldest_at: datetime | None
    waiting: int

    @property
    def is_late(self) -> bool:
        """Whether it takes what it is sent, as far as is known, and no worker sends."""
        return self.url is not None and self.state == "active" and self.failing_since is None


class Failed:
    """Finds what failed; every call names the organization, or an instance found as its own."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def list_held(
        self, organization_id: OrganizationId, instance_id: int | None, *, limit: int
    ) -> list[HeldEndpoint]:
        """List endpoints that take nothing: held, deactivated, late, without a URL; first what fails for longest.

        Cost: the endpoints of the organization, and for each that is given ``MOST_COUNTED`` entries of an index.
        """
        rows = await self._pool.fetch(HELD, organization_id, instance_id, limit)
        return [HeldEndpoint(*row) for row in rows]

    async def group_dead(self, organization_id: OrganizationId, ids: Sequence[int]) -> dict[int, list[int]]:
        """Keep those that are dead letters of the organization: by their instance, in the order of ids."""
        rows = await self._pool.fetch(
            "SELECT notification.instance_id, array_agg(notification.id ORDER BY notification.id)"
            " FROM notification JOIN instance ON instance.id = notification.instance_id"
            " WHERE notification.id = ANY($2) AND instance.organization_id = $1 AND notification.state = 'dead'"
            " GROUP BY 1 ORDER BY 1",
            organization_id,
            list(ids),
        )
        return {row[0]: row[1] for row in rows}

    async def list_dead_between(self, instance_id: int, first: int, last: int) -> list[int]:
        """List the dead letters of an instance from one to another: the oldest ``MOST_IN_SPAN`` of them."""
        rows = await self._pool.fetch(
            "SELECT id FROM notification WHERE instance_id = $1 AND state = 'dead' AND id BETWEEN $2 AND $3"
            f" ORDER BY id LIMIT {MOST_IN_SPAN}",
            instance_id,
            first,
            last,
        )
        return [row["id"] for row in rows]

    async def list_instances_with_dead(
        self, organization_id: OrganizationId, limit: int
    ) -> list[tuple[InstanceId, bool]]:
        """List instances with dead letters, each with whether it is disabled: those last.

        Cost: a look into an index for each instance.
        """
        rows = await self._pool.fetch(
            "SELECT id, disabled FROM instance WHERE organization_id = $1 AND EXISTS"
            " (SELECT FROM notification WHERE instance_id = instance.id AND state = 'dead')"
            " ORDER BY disabled, id LIMIT $2",
            organization_id,
            limit,
        )
        return [(InstanceId(row["id"]), row["disabled"]) for row in rows]

    async def list_replays(
        self, organization_id: OrganizationId, ids: Sequence[int]
    ) -> list[tuple[str, bool, Replay]]:
        """List replays by their numbers, each with its instance's name and whether that is disabled.

        Those of other organizations are left out.
        """
        columns = ", ".join(f"replay.{name.strip()}" for name in COLUMNS.split(","))
        rows = await self._pool.fetch(
            f"SELECT instance.name, instance.disabled, {columns}"
            " FROM replay JOIN instance ON instance.id = replay.instance_id"
            " WHERE replay.id = ANY($2) AND instance.organization_id = $1 ORDER BY replay.id",
            organization_id,
            list(ids),
        )
        return [(row[0], row[1], read_replay(dict(list(row.items())[2:]))) for row in rows]
