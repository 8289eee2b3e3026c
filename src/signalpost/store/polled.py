"""What is polled of an instance, written with it: what goes takes its memory along, what stays keeps its watermark."""

from __future__ import annotations

from typing import Any

from signalpost.model.ids import InstanceId
from signalpost.store.instance_rows import InstanceDraft
from signalpost.store.memory import forget_all

# Those of which it is known from where, or from when on, they are read.
LIST_BEGUN = """
SELECT resource, source FROM resource_poll WHERE instance_id = $1 AND (watermark IS NOT NULL OR starts_at IS NOT NULL)
"""

DELETE = "DELETE FROM resource_poll WHERE instance_id = $1 AND NOT resource = ANY($2) RETURNING id"

# Of those that are read from another source from now on nothing stays but the name, whenever that is read first.
RESTART = """
UPDATE resource_poll SET source = given.source, watermark = given.watermark, version = version + 1, remembered = 0,
       forgotten_before = NULL, starts_at = CASE WHEN given.watermark IS NULL AND NOT disabled_until_authorised
                                            THEN date_trunc('second', now()) END
FROM instance, unnest($2::text[], $3::text[], $4::jsonb[]) AS given (resource, source, watermark)
WHERE instance.id = $1 AND instance_id = $1 AND resource_poll.resource = given.resource
  AND resource_poll.source <> given.source
RETURNING resource_poll.id
"""

# Whoever is reading it by the old configuration is overtaken: the watermark stays, its reading does not. Where the
# place of a feed is not known it is read from this second on, as providers tell times; of what was imported, from its
# first authorisation on.
WRITE = """
INSERT INTO resource_poll (instance_id, resource, configuration, watermark, source, starts_at)
SELECT id, $2, $3, $4, $5,
       CASE WHEN $4::jsonb IS NULL AND NOT disabled_until_authorised THEN date_trunc('second', now()) END
FROM instance WHERE id = $1
ON CONFLICT (instance_id, resource) DO UPDATE SET configuration = excluded.configuration, retry_at = NULL,
       watermark = coalesce(resource_poll.watermark, excluded.watermark), version = resource_poll.version + 1,
       source = CASE WHEN resource_poll.watermark IS NULL AND excluded.watermark IS NOT NULL
                THEN excluded.source ELSE resource_poll.source END
WHERE resource_poll.configuration <> excluded.configuration
   OR resource_poll.watermark IS NULL AND excluded.watermark IS NOT NULL
"""

BEGIN = """
UPDATE resource_poll SET retry_at = NULL,
       starts_at = CASE WHEN watermark IS NULL THEN coalesce(starts_at, date_trunc('second', now())) END
WHERE instance_id = $1
"""

# Of an instance that was imported and needs no authorisation: what waited for that begins as it is enabled.
BEGIN_ENABLED = """
UPDATE resource_poll SET starts_at = date_trunc('second', now()) FROM instance
WHERE instance_id = $1 AND instance.id = $1 AND valid AND watermark IS NULL AND starts_at IS NULL
"""


async def begin_polls(connection: Any, instance_id: InstanceId) -> None:
    """Have all that is polled read at once, as the instance was authorised: what waited for that begins now."""
    await connection.execute(BEGIN, instance_id)


async def write_polls(connection: Any, instance_id: int, draft: InstanceDraft) -> None:
    """Write what the draft has polled, and remove what it has not; what has another source begins anew."""
    gone = await connection.fetch(DELETE, instance_id, list(draft.resources))
    places = [(each, source, draft.starts.get(each)) for each, source in draft.sources.items()]
    anew = (
        await connection.fetch(RESTART, instance_id, *map(list, zip(*places, strict=True))) if places else []
    )
    await forget_all(connection, [row["id"] for row in (*gone, *anew)])
    await connection.executemany(
        WRITE,
        [
            (instance_id, resource, configuration, draft.starts.get(resource), draft.sources.get(resource))
            for resource, configuration in draft.resources.items()
        ],
    )
