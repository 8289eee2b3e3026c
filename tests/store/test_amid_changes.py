"""What ends amid a change that somebody makes: whatever it waited for, the change holds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signalpost.model.instance import Tokens
from signalpost.store.instances import Instances
from signalpost.store.polling_status import PollingStatus
from signalpost.store.polls import FinishedPoll, Polls
from signalpost.store.tokens import TokenRows
from tests.store.amid import Stopping, act_amid
from tests.store.notified import NOW, VAULT, draft_again

A_DAY = timedelta(days=1)


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


ASKED_BY = {
    "hand": lambda pool, instance: PollingStatus(pool, VAULT).ask_poll(instance),
    "authorising": lambda pool, instance: Instances(pool, VAULT).update(
        instance, draft_again(instance, {"events": {}}), tokens=Tokens("new", None, None)
    ),
    "enabling": lambda pool, instance: Instances(pool, VAULT).set_disabled(instance, False),
}
ENDS = {
    "failed": lambda polls, state, poll: polls.record_failure(
        state, poll, "sick", now=NOW, retry_at=NOW + A_DAY, disable=False
    ),
    "paused": lambda polls, state, poll: polls.record_pause(
        state, poll, "spent", resumes_at=NOW + A_DAY, read_at=None
    ),
}


@pytest.mark.parametrize("way", ASKED_BY)
@pytest.mark.parametrize("end", ENDS)
async def test_what_fails_amid_which_a_poll_is_asked_for_waits_for_nothing(pool, instance_id, end, way):
    """The poll that was asked for tries it; what fails by that one waits."""
    instance, polls, stopping = await find_instance(pool, instance_id), Polls(pool, VAULT), Stopping(pool)
    state = await polls.load(instance_id)
    await act_amid(stopping, ASKED_BY[way](stopping, instance), ENDS[end](polls, state, state.resources[0]))
    assert await pool.fetchval("SELECT retry_at FROM resource_poll") is None
    state = await polls.load(instance_id)
    await ENDS[end](polls, state, state.resources[0])
    assert await pool.fetchval("SELECT retry_at FROM resource_poll") == NOW + A_DAY


@pytest.mark.parametrize("way", ["hand", "authorising"])
async def test_a_call_of_a_user_amid_which_the_account_is_authorised_teaches_nothing(pool, instance_id, way):
    """The calls that its authorisation had left would hold up polls by the new one until the next day."""
    status, spent = PollingStatus(pool, VAULT), {"used": 1000, "callsAPoll": []}
    await pool.execute("UPDATE instance SET quota = $1", {"used": 999, "callsAPoll": []})
    access = await status.load_access(instance_id)
    await ASKED_BY[way](pool, await find_instance(pool, instance_id))
    await status.keep_quota(instance_id, spent, access)
    assert await pool.fetchval("SELECT quota FROM instance") == (spent if way == "hand" else None)
    await status.keep_quota(instance_id, spent, await status.load_access(instance_id))
    assert await pool.fetchval("SELECT quota FROM instance") == spent


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


async def test_tokens_that_are_kept_amid_another_renewal_give_way_to_what_that_one_got(pool, instance_id):
    """Their own lock was lost with its connection. What is given then is good, not what both were got by."""

    async def renew():
        async with TokenRows(stopping, VAULT).lock(instance_id, "egnyte") as lock:
            await lock.replace(Tokens("another's", None, None))

    stopping = Stopping(pool)
    stopping.get_max_size = pool.get_max_size
    keep = TokenRows(pool, VAULT).keep(instance_id, Tokens("ours", None, None, version=0))
    assert (await act_amid(stopping, renew(), keep))[1] == Tokens("another's", None, None, version=1)
