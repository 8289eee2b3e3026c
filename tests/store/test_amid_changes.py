"""What ends amid a change that somebody makes: whatever it waited for, the change holds."""

from __future__ import annotations

import pytest

from signalpost.model.instance import Tokens
from signalpost.store.instances import Instances
from signalpost.store.polling_status import PollingStatus
from signalpost.store.polls import FinishedPoll, Polls
from signalpost.store.tokens import TokenRows
from tests.store.amid import Stopping, act_amid
from tests.store.notified import NOW, VAULT, draft_again


async def find_instance(pool, instance_id):
    organization_id = await pool.fetchval("SELECT organization_id FROM instance")
    return await Instances(pool, VAULT).find(organization_id, instance_id)


async def test_a_poll_that_ends_amid_a_resumption_leaves_the_instance_due(pool, instance_id):
    """It was the one that gave the last resource up: without another one nobody would ever poll the instance again."""
    await pool.execute("UPDATE resource_poll SET disabled_at = now()")
    instance, stopping = await find_instance(pool, instance_id), Stopping(pool)
    resume = PollingStatus(stopping, VAULT).resume(instance, NOW)
    wishes = await pool.fetchval("SELECT wishes FROM instance")
    end = Polls(pool, VAULT).finish(FinishedPoll(instance_id, NOW, None, succeeded=False, wishes=wishes))
    assert (await act_amid(stopping, resume, end))[0] == ["events"]
    assert await pool.fetchval("SELECT next_poll_at <= now() FROM instance")


@pytest.mark.parametrize("kept", [None, {"used": 10}])
async def test_the_calls_of_a_poll_amid_which_another_is_asked_for_count(pool, instance_id, kept):
    """But where the account is authorised anew: that has begun to count from nothing."""
    await pool.execute("UPDATE instance SET quota = $1, wishes = wishes + 1", kept)
    ended = FinishedPoll(instance_id, NOW, NOW, succeeded=True, quota={"used": 11}, wishes=0)
    await Polls(pool, VAULT).finish(ended)
    assert await pool.fetchval("SELECT quota FROM instance") == (kept and {"used": 11})


@pytest.mark.parametrize("way", ["authorised", "renewed"])
async def test_a_refusal_of_tokens_that_are_just_replaced_stops_nothing(pool, instance_id, way):
    instance, polls = await find_instance(pool, instance_id), Polls(pool, VAULT)

    async def replace():
        if way == "renewed":
            async with TokenRows(stopping, VAULT).lock(instance_id, "egnyte") as lock:
                await lock.replace(lock.tokens)
        else:
            draft = draft_again(instance, {"events": {}})
            await Instances(stopping, VAULT).update(instance, draft, tokens=Tokens("new", None, None))

    stopping = Stopping(pool)
    stopping.get_max_size = pool.get_max_size
    stop = polls.require_authorisation(instance_id, 0, "refused", NOW)
    assert not (await act_amid(stopping, replace(), stop))[1]
    assert await pool.fetchval("SELECT valid AND next_poll_at IS NOT NULL FROM instance")
    assert await polls.require_authorisation(instance_id, 1, "refused", NOW)
