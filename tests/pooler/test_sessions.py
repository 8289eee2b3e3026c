"""What needs a session does without one, or goes past the pooler, or says that it cannot."""

from __future__ import annotations

import asyncpg
import pytest

from signalpost.model.errors import ConfigurationError
from signalpost.settings import Settings
from signalpost.store import database as connecting
from signalpost.wiring.beside import reach_database
from tests.doctor.looking import look
from tests.faults.asking import AWAY
from tests.support import write_url

LIMIT = "SHOW idle_in_transaction_session_timeout"


async def test_without_a_direct_url_the_start_is_refused(reached):
    direct, pooled = reached
    with pytest.raises(ConfigurationError, match="SIGNALPOST_DATABASE_URL leads to a pooler"):
        await connecting.migrate(pooled)
    connection = await asyncpg.connect(**direct)
    assert await connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    await connection.close()


async def test_a_direct_url_that_leads_to_the_pooler_is_named(reached):
    _, pooled = reached
    url = write_url(pooled)
    async with reach_database(Settings(database_url=url, database_direct_url=url)) as reached_pooler:
        for act in (reached_pooler.migrate, reached_pooler.check_sessions):
            with pytest.raises(ConfigurationError, match="SIGNALPOST_DATABASE_DIRECT_URL leads to a pooler"):
                await act()


async def test_doctor_tells_the_pooler_and_is_content_with_a_way_past_it(reached):
    direct, pooled = map(write_url, reached)
    found = await look("sessions", database_url=pooled)
    if found.verdict == "skipped":  # the pool itself was refused
        found = await look("database", database_url=pooled)
    assert found.verdict == "failure"
    assert "SIGNALPOST_DATABASE_DIRECT_URL" in found.remedy
    assert (await look("sessions", database_url=pooled, database_direct_url=direct)).verdict == "ok"
    assert (await look("sessions", database_url=pooled, database_direct_url=pooled)).verdict == "failure"


async def test_what_a_session_would_be_told_at_its_start_the_pooler_refuses(reached):
    with pytest.raises(ConfigurationError, match="set SIGNALPOST_DATABASE_DIRECT_URL"):
        await connecting.open_pool(reached[1], size=1)


async def test_a_transaction_that_stands_still_is_ended_and_nothing_stays_behind(reached, monkeypatch):
    monkeypatch.setattr(connecting, "IDLE_TRANSACTION_SECONDS", 1.0)
    pool = await connecting.open_pool(reached[1], size=2, pooled=True)
    await pool.execute("CREATE TABLE held AS SELECT 1 AS number")
    connection = await pool.acquire()
    transaction = connection.transaction()
    await transaction.start()
    assert await connection.fetchval(LIMIT) == "1s"
    await connection.execute("UPDATE held SET number = 2")
    await pool.execute("UPDATE held SET number = 3 WHERE number = 1")  # waits for the other's end
    with pytest.raises(AWAY):
        await transaction.commit()
    await pool.release(connection)
    assert await pool.fetchval("SELECT number FROM held") == 3
    assert await pool.fetchval(LIMIT) == "0"
    await pool.close()


async def test_a_direct_url_without_the_other_is_refused():
    with pytest.raises(
        ConfigurationError, match="SIGNALPOST_DATABASE_DIRECT_URL goes with SIGNALPOST_DATABASE_URL"
    ):
        async with reach_database(Settings(database_direct_url="postgresql://a@b/c")):
            pass
