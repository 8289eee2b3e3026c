"""What is wrong now, of one organization: one row for each instance and kind of trouble, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import asyncpg

from signalpost.model.ids import OrganizationId
from signalpost.store.endpoints import IS_LATE
from signalpost.store.views.insight import STALE

MOST_COUNTED = 1000
"""So many notifications are counted of each instance; more are not told apart."""

GAPS_FOR = timedelta(hours=24)
"""How long a gap is told among what is wrong: nothing mends it."""


class Kind(StrEnum):
    """What is wrong."""

    NOT_INSTALLED = "not_installed"
    """The connector is not installed."""
    AUTHORISATION = "authorisation"
    """The provider no longer accepts the credentials."""
    NEVER_AUTHORISED = "never_authorised"
    """It was imported, and was not authorised since."""
    STOPPED = "stopped"
    """Resources were given up, as they failed too often."""
    NO_CALLBACK = "no_callback"
    """Notifications wait, and there is no callback URL any more."""
    DEACTIVATED = "deactivated"
    """The endpoint is not tried any more."""
    HELD = "held"
    """The endpoint fails, and is tried again by itself."""
    DEAD = "dead"
    """There are dead letters."""
    STALE = "stale"
    """No poll has succeeded for long."""
    LATE = "late"
    """What waits for the endpoint is due for long, and no worker takes it."""
    GAP = "gap"
    """Changes were lost at the provider."""
    THROTTLED = "throttled"
    """Polls are further apart, for the calls of the day to last."""
    FAILING = "failing"
    """A resource cannot be read, and is tried again by itself."""


# What waits for the endpoint of one of ``own``: how many, as far as they are counted, and since when.
WAITING = f"""CROSS JOIN LATERAL (
                   SELECT count(*) AS number, min(created_at) AS since_at
                   FROM (SELECT created_at FROM notification
                         WHERE notification.instance_id = own.id AND notification.state = 'pending'
                         ORDER BY lane_order LIMIT {MOST_COUNTED}) AS first) AS first"""

# The instances of the organization are read once; of each its endpoint, and one look into the index of dead letters.
# Of gaps, which are few, the newest of each instance.
LIST = f"""
WITH own AS MATERIALIZED (
    SELECT id, name, connector, disabled, throttled_until, last_success_at AS read_at, created_at, {STALE} AS stale,
           CASE WHEN disabled THEN 'disabled' WHEN NOT connector = ANY($5) THEN 'not_installed' WHEN valid THEN 'polled'
           WHEN account_id = '' AND account_label = '' THEN 'never_authorised' ELSE 'authorisation' END AS standing
    FROM instance WHERE organization_id = $1
), stopped AS (
    SELECT own.id, own.name, min(disabled_at) AS since_at, string_agg(resource, ', ' ORDER BY resource) AS what,
           (array_agg(last_error ORDER BY disabled_at DESC))[1] AS reason
    FROM resource_poll JOIN own ON own.id = resource_poll.instance_id
    WHERE disabled_at IS NOT NULL AND own.standing = 'polled' GROUP BY own.id, own.name
), failing AS (
    SELECT own.id, own.name, own.stale, min(last_error_at) AS since_at,
           string_agg(resource, ', ' ORDER BY resource) AS what,
           (array_agg(last_error ORDER BY last_error_at DESC))[1] AS reason, max(failures) AS number,
           min(retry_at) AS next_at
    FROM resource_poll JOIN own ON own.id = resource_poll.instance_id
    WHERE failures > 0 AND disabled_at IS NULL AND own.standing = 'polled' GROUP BY own.id, own.name, own.stale
), held AS (
    SELECT own.id, own.name, endpoint.state, coalesce(deactivated_at, failing_since) AS since_at, url, last_error,
           failing_since
    FROM endpoint JOIN own ON own.id = endpoint.instance_id
    WHERE failing_since IS NOT NULL AND url IS NOT NULL AND NOT own.disabled
    ORDER BY endpoint.state = 'deactivated' DESC, failing_since, own.id LIMIT 2 * $3
), lost AS (
    SELECT own.id, own.name, gap.detected_at, gap.resource, gap.reason
    FROM own CROSS JOIN LATERAL (
        SELECT * FROM gap WHERE gap.instance_id = own.id ORDER BY gap.id DESC LIMIT 5) AS gap
    WHERE gap.detected_at >= $4 ORDER BY gap.detected_at DESC LIMIT $3
), dead AS (
    SELECT own.id, own.name, counted.since_at, counted.number
    FROM own CROSS JOIN LATERAL (
        SELECT count(*) AS number, min(dead_at) AS since_at
        FROM (SELECT dead_at FROM notification WHERE notification.instance_id = own.id AND state = 'dead'
              ORDER BY notification.id LIMIT {MOST_COUNTED}) AS first) AS counted
    WHERE counted.number > 0 ORDER BY counted.since_at, own.id LIMIT $3
), unread AS (
    SELECT *, row_number() OVER (PARTITION BY standing ORDER BY coalesce(read_at, created_at), id) AS place
    FROM own WHERE standing IN ('not_installed', 'authorisation', 'never_authorised')
), found AS (
    (SELECT standing AS kind, id, name, read_at AS since_at, connector AS what, NULL AS reason, 0::bigint AS number,
            NULL::timestamptz AS next_at
     FROM unread WHERE place <= $3 ORDER BY place)
    UNION ALL (SELECT 'stopped', id, name, since_at, what, reason, 0, NULL FROM stopped ORDER BY since_at, id LIMIT $3)
    UNION ALL (SELECT CASE state WHEN 'deactivated' THEN 'deactivated' ELSE 'held' END, held.id, held.name, since_at,
                      url, last_error, waiting.number, CASE state WHEN 'active' THEN waiting.next_at END
               FROM held CROSS JOIN LATERAL (
                   SELECT count(*) AS number, (array_agg(next_attempt_at ORDER BY lane_order))[1] AS next_at
                   FROM (SELECT lane_order, next_attempt_at FROM notification
                         WHERE notification.instance_id = held.id AND notification.state = 'pending'
                         ORDER BY lane_order LIMIT {MOST_COUNTED}) AS first) AS waiting)
    UNION ALL (SELECT 'no_callback', own.id, own.name, first.since_at, NULL, NULL, first.number, NULL
               FROM own JOIN endpoint ON endpoint.instance_id = own.id {WAITING}
               WHERE url IS NULL AND NOT own.disabled AND first.number > 0 ORDER BY since_at, own.id LIMIT $3)
    UNION ALL (SELECT 'dead', id, name, since_at, NULL, NULL, number, NULL FROM dead)
    UNION ALL (SELECT 'stale', own.id, own.name, read_at, failing.what, failing.reason, 0, failing.next_at
               FROM own LEFT JOIN failing ON failing.id = own.id
               WHERE own.stale AND own.standing = 'polled' ORDER BY coalesce(read_at, created_at), own.id LIMIT $3)
    UNION ALL (SELECT 'late', own.id, own.name, first.since_at, NULL, NULL, first.number, NULL
               FROM own JOIN endpoint ON endpoint.instance_id = own.id {WAITING}
               WHERE NOT own.disabled AND {IS_LATE} ORDER BY since_at, own.id LIMIT $3)
    UNION ALL (SELECT 'gap', id, name, detected_at, resource, reason, 0, NULL FROM lost)
    UNION ALL (SELECT 'throttled', id, name, NULL, NULL, NULL, 0, throttled_until
               FROM own WHERE throttled_until > $2 AND standing = 'polled' ORDER BY throttled_until, id LIMIT $3)
    UNION ALL (SELECT 'failing', id, name, since_at, what, reason, number, next_at
               FROM failing WHERE NOT coalesce(stale, false) ORDER BY since_at, id LIMIT $3)
)
SELECT * FROM found
"""

ORDER = tuple(Kind)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong with an instance.

    ``since_at`` is since when: of what is stale, lacks an authorisation or its connector when it was last read (None:
    never). ``what`` names resources, or the connector, or is the URL of an endpoint, with whatever it carries;
    ``reason`` says why. ``number`` counts
    notifications (those that wait, or dead letters) up to ``MOST_COUNTED``, or failed reads. ``next_at`` is the next
    attempt, or when it ends.
    """

    kind: Kind
    instance_id: int
    instance_name: str
    since_at: datetime | None
    what: str | None
    reason: str | None
    number: int
    next_at: datetime | None


class Troubles:
    """Reads what is wrong."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def list_troubles(
        self, organization_id: OrganizationId, now: datetime, *, limit: int, installed: Sequence[str]
    ) -> list[Trouble]:
        """List what is wrong, the worst kind first, within it the oldest; up to ``limit`` of each kind.

        ``installed`` has the keys of the connectors there are.

        Cost: the instances of the organization, and some looks into an index for each. Disabled ones are left alone,
        but for their dead letters and gaps.
        """
        rows: Any = await self._pool.fetch(LIST, organization_id, now, limit, now - GAPS_FOR, list(installed))
        found = [Trouble(Kind(row[0]), *row[1:]) for row in rows]
        return sorted(found, key=lambda each: ORDER.index(each.kind))
