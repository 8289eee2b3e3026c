"""Renewals of a stored token that fail, for now or for good: what is said, what is kept, and who is asked again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signalpost.connectors.egnyte.feeds import EventFeed
from signalpost.model.errors import ConnectorError, NeedsAuthorisationError, ProviderError, RetryLaterError
from tests.flows.accounts import PATH, open_accounts
from tests.flows.test_tokens import TOKEN_ENDPOINT, count_refreshes, fail


@pytest.fixture
async def connect(world, pool):
    async with open_accounts(world, pool) as connect_one:
        yield connect_one


FAULTS = (
    {"kind": "status", "status": 409, "headers": {"Retry-After": "90"}},
    {"kind": "status", "status": 500},
    {"kind": "reset", "times": 2},  # on a connection used before it is sent once more
)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_renewal_that_fails_for_now_changes_nothing(world, connect, fault):
    accounts = await connect()
    stored = await accounts.read_stored()
    await fail(world, path=TOKEN_ENDPOINT, **fault)
    await fail(world, "expired_token")
    with pytest.raises(RetryLaterError) as caught:
        await (await accounts.open()).get(PATH, {})
    assert caught.value.after_seconds == (90 if "headers" in fault else None)
    assert await accounts.read_stored() == stored
    assert accounts.count_renewals() == {"failed": 1}
    await (await accounts.open()).get(PATH, {})
    assert (await accounts.read_stored()).version == stored.version + 1
    assert accounts.count_renewals() == {"failed": 1, "renewed": 1}


@pytest.mark.parametrize(
    ("options", "seconds"),
    [({"status": 429, "headers": {"Retry-After": "90"}}, 90), ({"status": 503}, 30), ({"status": 404}, 30)],
)
async def test_an_endpoint_that_cannot_renew_now_is_asked_once_by_a_poll_of_many_resources(
    world, connect, options, seconds
):
    accounts = await connect()
    await fail(world, "expired_token", times=20)
    await fail(world, "status", path=TOKEN_ENDPOINT, times=20, **options)
    before = await count_refreshes(world)
    session = await accounts.open()
    for pause_seconds in (0, seconds - 1, 2):
        accounts.clock_off += timedelta(seconds=pause_seconds)
        for _ in range(3):
            with pytest.raises(ProviderError, match="token endpoint"):
                await session.get(PATH, {})
    assert await count_refreshes(world) == before + 2


async def test_a_token_endpoint_that_is_not_found_says_nothing_of_what_is_read(world, connect):
    accounts = await connect()
    await fail(world, "status", path=TOKEN_ENDPOINT, status=404, times=2)
    await fail(world, "expired_token", times=2)
    feed = EventFeed({}, "", accounts.read_now)
    for reading in (
        feed.read(await accounts.open(), {"id": 1}, verify=True),
        feed.find_start(await accounts.open(), accounts.read_now()),
    ):
        with pytest.raises(ConnectorError, match=r"token endpoint gives no token.*404"):
            await reading


async def test_a_renewal_that_is_refused_says_what_to_do(world, connect):
    accounts = await connect()
    await world.control("POST", "revoke", {})
    session = await accounts.open()
    with pytest.raises(
        NeedsAuthorisationError, match=r"no longer renews .*invalid_grant.*authorise the instance again"
    ):
        await session.get(PATH, {})
    assert session.tokens_version == 0
    assert accounts.count_renewals() == {"refused": 1}
