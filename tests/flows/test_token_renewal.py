"""The renewal of a stored token: once for all callers, at the right time by any clock, and stored for good."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from signalpost.model.errors import RetryLaterError
from signalpost.store import tokens as token_rows
from signalpost.store.database import open_pool
from tests.flows.accounts import PATH, Accounts, open_accounts
from tests.flows.test_tokens import TOKEN_ENDPOINT, count_refreshes, fail
from tests.support import PATIENCE_SECONDS, until


@pytest.fixture
async def connect(world, pool):
    async with open_accounts(world, pool) as connect_one:
        yield connect_one


async def test_many_callers_in_two_processes_refused_at_once_renew_once(world, connect, database):
    accounts = await connect()
    second_pool = await open_pool(database, size=6)
    other = Accounts(world, second_pool, accounts.sessions._outbound, {"id": accounts.instance_id})
    sessions = [await each.open() for each in (accounts, other) for _ in range(10)]
    before = await count_refreshes(world)
    old = await sessions[0]._tokens.give()
    renewed = await asyncio.gather(*(session._tokens.renew(old) for session in sessions))
    await second_pool.close()
    assert len(set(renewed)) == 1
    assert renewed[0] != old
    assert await count_refreshes(world) == before + 1
    assert {session.tokens_version for session in sessions} == {1}


async def test_a_token_that_has_ended_is_renewed_before_it_is_used(world, connect):
    accounts = await connect(expires_in=600)
    before = await count_refreshes(world)
    session = await accounts.open()
    accounts.clock_off = timedelta(seconds=601)
    await session.get(PATH, {})
    assert session.calls == 1  # no call was made with the old one
    assert accounts.count_renewals() == {"renewed": 1}
    assert await count_refreshes(world) == before + 1


@pytest.mark.parametrize("lifetime_seconds", [30, 3600])
@pytest.mark.parametrize("minutes", [-5, 0, 5])
async def test_a_clock_that_is_off_costs_one_renewal_at_most(world, connect, minutes, lifetime_seconds):
    accounts = await connect(expires_in=lifetime_seconds)
    accounts.clock_off = timedelta(minutes=minutes)
    before = await count_refreshes(world)
    for _ in range(10):
        session = await accounts.open()
        for _ in range(3):
            await session.get(PATH, {})
    assert await count_refreshes(world) <= before + (minutes > 0)
    # And one that the provider no longer takes is renewed, whatever our clock says of it.
    before = await count_refreshes(world)
    await fail(world, "expired_token")
    await (await accounts.open()).get(PATH, {})
    assert await count_refreshes(world) == before + 1


async def test_a_caller_that_is_stopped_in_the_middle_leaves_the_new_token_stored(world, connect):
    accounts = await connect()
    stored = await accounts.read_stored()
    await fail(world, "latency", path=TOKEN_ENDPOINT, seconds=1)
    session = await accounts.open()
    call = asyncio.create_task(session._tokens.renew(stored.access_token))

    async def is_under_way():
        return not (await world.control("GET", "faults"))["faults"]

    await until(is_under_way)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    fresh = await accounts.read_stored()
    assert fresh.version == stored.version + 1
    await (await accounts.open()).get(PATH, {})
    assert (await accounts.read_stored()) == fresh


async def test_a_token_that_is_renewed_as_the_database_is_lost_is_stored_all_the_same(world, connect):
    """The provider has spent the old refresh token by then: without the new one a person would be asked."""
    accounts = await connect(refresh_rotation=True)
    stored = await accounts.read_stored()
    await fail(world, "latency", path=TOKEN_ENDPOINT, seconds=1)
    call = asyncio.create_task((await accounts.open())._tokens.renew(stored.access_token))

    async def is_cut_off():
        return await world.pool.fetchval(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'"
            " AND query LIKE '%FROM credential%FOR UPDATE'"
        )

    await until(is_cut_off)
    given = await call
    fresh = await accounts.read_stored()
    assert (fresh.access_token, fresh.version) == (given, stored.version + 1)
    await fail(world, "expired_token")
    await (await accounts.open()).get(PATH, {})  # by the new refresh token


async def test_what_others_stored_meanwhile_is_left(connect):
    accounts = await connect()
    stored = await accounts.read_stored()
    late = replace(stored, access_token="late")
    kept = await accounts.rows.keep(accounts.instance_id, replace(stored, access_token="first"))
    assert await accounts.rows.keep(accounts.instance_id, late) == kept == await accounts.read_stored()
    assert (kept.access_token, kept.version) == ("first", stored.version + 1)


@asynccontextmanager
async def renewing(accounts, connectors):
    """Have many of each connector wait for the token of one instance, whose renewal does not end."""
    async with accounts.rows.lock(accounts.instance_id, "egnyte"):

        async def wait(connector):
            async with accounts.rows.lock(accounts.instance_id, connector) as lock:
                return lock.tokens

        waiting = [asyncio.create_task(wait(each)) for each in connectors for _ in range(20)]
        at_once, of_one = token_rows.count_places(accounts.pool.get_max_size())

        def have_their_shares():
            busy = accounts.pool.get_size() - accounts.pool.get_idle_size()
            return busy >= min(of_one * len({"egnyte", *connectors}), at_once)

        await until(have_their_shares)
        yield
    assert len(set(await asyncio.gather(*waiting))) == 1


@pytest.mark.parametrize("connections", [4, 8])  # the fewest that a process may have for its work
async def test_waiting_for_slow_renewals_ends_and_leaves_connections_to_others(
    world, connect, database, monkeypatch, connections
):
    async with await open_pool(database, size=connections) as pool:
        await _check_slow_renewals(await connect(own_pool=pool), monkeypatch)


async def _check_slow_renewals(accounts, monkeypatch):
    async with renewing(accounts, ["egnyte", "another", "a third"]):
        assert await asyncio.wait_for(accounts.pool.fetchval("SELECT true"), PATIENCE_SECONDS)
        monkeypatch.setattr(token_rows, "LOCK_SECONDS", 0.1)
        with pytest.raises(RetryLaterError, match="is being renewed"):
            await accounts.read_stored()


async def test_a_silent_token_endpoint_holds_up_no_other_connector(world, connect, monkeypatch):
    accounts = await connect()
    other = await world.connect()
    async with renewing(accounts, ["egnyte"]):
        async with asyncio.timeout(PATIENCE_SECONDS), accounts.rows.lock(other["id"], "another") as lock:
            assert lock.tokens.access_token
        monkeypatch.setattr(token_rows, "LOCK_SECONDS", 0.1)
        with pytest.raises(RetryLaterError, match="is being renewed"):
            await accounts.read_stored()


async def test_pace_and_quota_go_on_under_the_new_token(world, connect):
    accounts = await connect(quota_per_day=5000)
    session = await accounts.open()
    await fail(world, "expired_token")
    await session.get(PATH, {})
    assert session.allowance.calls_a_day == 5000
    state = await accounts.polls.load(accounts.instance_id)
    kept = session.allowance.to_json()
    user = accounts.sessions.open_for_user(
        accounts.connector,
        instance_id=accounts.instance_id,
        configuration=state.configuration,
        tokens=state.tokens,
        quota=kept,
    )
    assert user._pace is session._pace
    assert user._for_user
    assert user.allowance == session.allowance
