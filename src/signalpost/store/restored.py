"""A database that was put back to an older state: its numbers go on beyond whatever was given since that state."""

from __future__ import annotations

import asyncpg

STEP = 1_000_000
"""How far they go on: beyond what was given since, and each time anew, should it be done twice."""

# Of what is known outside by its number: an instance or a notification with one that another had is taken for that one,
# and an event's id is made of its instance's and its poll's. Others may have tables of their own beside ours.
NUMBERS = """
SELECT setval(number, nextval(number) + $1::bigint)
FROM (SELECT format('%I.%I', schemaname, sequencename)::regclass AS number FROM pg_sequences
      WHERE schemaname = current_schema() AND sequencename ~
          '^(organization|member|instance|resource_poll|notification|replay|operation_notice)_(id_seq|number)$'
     ) AS numbers
"""

# It keeps two changes of an object apart that look alike: by the same version the second would be taken for the first.
VERSIONS = "UPDATE resource_poll SET version = version + $1"


async def move_on(connection: asyncpg.Connection) -> None:
    """Have no number given again, and no name of a change; nothing else may use the database meanwhile."""
    async with connection.transaction():
        await connection.fetch(NUMBERS, STEP)
        await connection.execute(VERSIONS, STEP)
