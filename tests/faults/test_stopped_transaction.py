"""A worker that stands still amid a transaction holds its rows for a while, not for as long as it stands."""

from __future__ import annotations

import pytest

from signalpost.store import database as connecting
from tests.faults.asking import AWAY


async def test_a_transaction_that_stands_still_is_ended(database, monkeypatch):
    monkeypatch.setattr(connecting, "IDLE_TRANSACTION_SECONDS", 1.0)
    stopped = await connecting.open_pool(database, size=1)
    other = await connecting.open_pool(database, size=1)
    await other.execute("CREATE TABLE held AS SELECT 1 AS number")
    connection = await stopped.acquire()
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("UPDATE held SET number = 2")
    await other.execute("UPDATE held SET number = 3 WHERE number = 1")  # waits for the other's end
    with pytest.raises(AWAY):
        await transaction.commit()
    assert await other.fetchval("SELECT number FROM held") == 3
    stopped.terminate()
    await other.close()
