"""Whether the database is well: told once when a trouble begins and once when all is over. And its clock, for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import asyncpg

from signalpost.model.clock import SharedClock
from signalpost.observe import get_logger
from signalpost.store.database import Pool
from signalpost.store.troubles import DATABASE_URL, NO_TABLES, READ_ONLY, SLOW, Trouble, find_trouble, fit

log = get_logger("database")

LOOK_SECONDS = 5.0
"""How long a look may take."""
OLDEST_LOOK_SECONDS = 1.0
"""A look at the database's clock that took longer says too little."""
CALM_SECONDS = 4.0
"""How long nobody must have met the trouble before it is over: what one look does not see, others may."""

LOOK = """
SELECT clock_timestamp() AS now, pg_postmaster_start_time() AS server,
       current_setting('transaction_read_only') = 'on' AS read_only,
       (SELECT max(version_num) FROM alembic_version) AS version
"""


class Health:
    """Looks after the database, on a pool of its own: a look must not wait behind the work.

    Args:
        newest: the version of the tables that this release makes.
        work: the connections that others have.
        setting: where the database comes from.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        clock: SharedClock,
        *,
        newest: str,
        monotonic: Callable[[], float],
        work: Pool | None = None,
        setting: str = DATABASE_URL,
    ) -> None:
        self._pool = pool
        self._work = work
        self._setting = setting
        self._clock = clock
        self._newest = newest
        self._monotonic = monotonic
        self._trouble: Trouble | None = None
        self._told: set[Trouble] = set()
        self._noted_at = float("-inf")
        self._outrun = False
        self._server: datetime | None = None
        self._seen_at = float("-inf")
        self._looking: asyncio.Future[None] | None = None

    @property
    def is_well(self) -> bool:
        """Whether no trouble is known."""
        return self._trouble is None

    async def find_trouble(self) -> str | None:
        """Look, and say in words what is wrong with the database; None: nothing."""
        await self.look()
        return self._trouble.what if self._trouble is not None else None

    def note(self, error: BaseException) -> Trouble | None:
        """Take notice of an error that somebody met; gives the trouble of the database that it tells of, if any."""
        trouble = find_trouble(error)
        # Of a database that is not well: it is being restored, say.
        if trouble is None and not self.is_well and isinstance(error, asyncpg.SyntaxOrAccessError):
            trouble = NO_TABLES
        if trouble is not None:
            self._noted_at = self._monotonic()
            self._begin(trouble)
        return trouble

    async def look(self) -> None:
        """Look once: whether it answers, takes writes, has our tables; and what time it is there.

        Whoever asks while a look is under way waits for that: however many ask, it is one statement at a time.
        """
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())
        await asyncio.shield(self._looking)

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS), self._pool.acquire(timeout=LOOK_SECONDS) as connection:
                before = self._monotonic()
                try:
                    row = await connection.fetchrow(LOOK)
                except (TimeoutError, asyncio.CancelledError):
                    connection.terminate()  # giving it back would wait as long again, for the end of the statement
                    raise
                took_seconds = self._monotonic() - before
        except asyncpg.UndefinedTableError:
            self._begin(NO_TABLES)
        except TimeoutError:
            self._begin(SLOW)
        except Exception as error:
            if self.note(error) is None:
                raise
        else:
            if took_seconds <= OLDEST_LOOK_SECONDS or not self._clock.is_set:
                self._clock.set(row["now"])
            await self._follow_server(row["server"], asked_at=before)
            self._judge(read_only=row["read_only"], version=row["version"])

    async def _follow_server(self, server: datetime, *, asked_at: float) -> None:
        """Make connections anew where that is needed, of ``server``, which is known by its start."""
        if self._work is not None and self._server not in {None, server}:
            # Another one has taken over. What the one before was asked may be waited for in vain: it may be silent.
            self._work.cut_off(made_before=self._seen_at)
            self._noted_at = self._monotonic()
        self._server, self._seen_at = server, asked_at
        if self._trouble is READ_ONLY:  # whether it may write is settled as a session begins
            for pool in filter(None, (self._pool, self._work)):
                await pool.expire_connections()

    def _judge(self, *, read_only: bool, version: str | None) -> None:
        if version is None or version < self._newest:
            self._begin(NO_TABLES)
        elif read_only:
            self._begin(READ_ONLY)
        elif self._monotonic() - self._noted_at > CALM_SECONDS:
            self._end()
        if version is not None and version > self._newest and not self._outrun:
            self._outrun = True
            log.warning("database.newer", tables=version, release=self._newest)

    def _begin(self, trouble: Trouble) -> None:
        # What one is found to be in the end: who restarts a server with another password first meets one that stops.
        if trouble not in self._told:
            self._told.add(trouble)
            log.error("database.lost", reason=trouble.what, remedy=fit(trouble, self._setting).remedy)
        self._trouble = trouble

    def _end(self) -> None:
        if self._trouble is not None:
            log.info("database.back")
        self._trouble = None
        self._told.clear()
