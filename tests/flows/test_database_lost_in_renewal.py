"""A database that is lost while a connector waits for its token: no fault of the connector's, nor of the provider's."""

from __future__ import annotations

import asyncpg
import pytest
from structlog.testing import capture_logs

from signalpost.model.errors import DatabaseLostError
from signalpost.store.tokens import TokenRows
from tests.flows.test_tokens import fail
from tests.support import EVENTS_CONFIGURATION

POLLED = "event.poller.configuration"
ONE = {"groups": {"url": "/hubs/documents/groups"}}


@pytest.fixture
async def lost(make_world, monkeypatch):
    """A world whose next calls of the provider need another token, which cannot be stored, and an instance there."""

    def lock(*_):
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    async with make_world(roles=frozenset()) as world:
        instance = await world.connect(**{POLLED: ONE})
        monkeypatch.setattr(TokenRows, "lock", lock)
        await fail(world, "expired_token", times=100)
        with capture_logs() as logs:
            yield world, instance
        assert not [
            each for each in logs if each["event"] in {"connector.failed", "poll.failed", "poll.broke"}
        ]


async def test_a_poll_is_handed_out_again_and_no_failure_is_kept(lost):
    world, instance = lost
    with pytest.raises(DatabaseLostError):
        await world.service.runtime._parts.poller.poll(instance["id"])
    row = await world.pool.fetchrow("SELECT failures, last_error, retry_at FROM resource_poll")
    assert tuple(row) == (0, None, None)


async def test_a_reader_of_a_resource_is_asked_to_come_again(lost):
    world, instance = lost
    authorization = f"{world.client.headers['Authorization']}, Element {instance['token']}"
    answer = await world.client.get("/hubs/documents/users", headers={"Authorization": authorization})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "the database cannot be reached" in answer.json()["message"]


async def test_a_feed_is_not_added_without_where_it_is(lost):
    """It would begin wherever the first poll finds it, and what happened until then would not be told."""
    world, instance = lost
    changed = {"configuration": {POLLED: {**ONE, **EVENTS_CONFIGURATION}}}
    answer = await world.client.patch(f"/instances/{instance['id']}", json=changed)
    assert answer.status_code == 503
    assert await world.pool.fetchval("SELECT count(*) FROM resource_poll") == 1
