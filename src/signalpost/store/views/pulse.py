"""The pulse of what pages show: a short text that changes when they would."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg

from signalpost.model.ids import InstanceId, OrganizationId

MOST_INSTANCES = 1000
"""Instances of an organization that its pulse minds: the newest."""

KEPT_SECONDS = 1.0
MOST_KEPT = 1000

# Of each instance what moves on: sequence, lane, dead letters, replays. No event and no notification is counted.
MOVES = """
endpoint.last_sequence, endpoint.generation, endpoint.state, endpoint.failing_since, instance.disabled, instance.valid,
(SELECT lane_order FROM notification WHERE instance_id = instance.id AND state = 'pending' ORDER BY lane_order LIMIT 1),
(SELECT id FROM notification WHERE instance_id = instance.id AND state = 'dead' ORDER BY id DESC LIMIT 1),
(SELECT string_agg(concat_ws('.', id, state, sent, dead, failures), ' ')
 FROM (SELECT * FROM replay WHERE instance_id = instance.id ORDER BY id DESC LIMIT 10) AS newest)
"""

OF_ORGANIZATION = f"""
SELECT md5(string_agg(concat_ws('|', {MOVES}), ',' ORDER BY instance.id))
FROM (SELECT * FROM instance WHERE organization_id = $1 ORDER BY id DESC LIMIT {MOST_INSTANCES}) AS instance
JOIN endpoint ON endpoint.instance_id = instance.id
"""

OF_INSTANCE = f"""
SELECT md5(concat_ws('|', {MOVES}, instance.last_poll_at, instance.throttled_until, instance.name, instance.wishes,
       (SELECT string_agg(concat_ws('.', resource, version, failures, disabled_at), ' ' ORDER BY resource)
        FROM resource_poll WHERE instance_id = instance.id)))
FROM instance JOIN endpoint ON endpoint.instance_id = instance.id
WHERE instance.organization_id = $1 AND instance.id = $2
"""


class Pulse:
    """Feels the pulse; None: there is nothing, or nothing any more."""

    def __init__(self, pool: asyncpg.Pool, monotonic: Callable[[], float]) -> None:
        self._pool = pool
        self._monotonic = monotonic
        self._felt: dict[tuple[int, int | None], tuple[float, str | None]] = {}

    async def feel(
        self, organization_id: OrganizationId, instance_id: InstanceId | None = None
    ) -> str | None:
        """Feel that of an organization, or of one of its instances.

        Cost: one statement; four looks into indexes for each of ``MOST_INSTANCES`` at most. What was felt less than
        ``KEPT_SECONDS`` ago is not felt again: many pages may be open. An old one makes a page look once too often.
        """
        key, now = (organization_id, instance_id), self._monotonic()
        if len(self._felt) > MOST_KEPT:
            self._felt.clear()
        felt_at, kept = self._felt.get(key, (float("-inf"), None))
        if now - felt_at < KEPT_SECONDS:
            return kept
        if instance_id is None:
            found: str | None = await self._pool.fetchval(OF_ORGANIZATION, organization_id)
        else:
            found = await self._pool.fetchval(OF_INSTANCE, organization_id, instance_id)
        self._felt[key] = (now, found)
        return found
