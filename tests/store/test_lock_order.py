"""Who takes several rows takes them in their order, or leaves those that others have: none waits for the other."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet

from signalpost.model.instance import Tokens
from signalpost.model.member import Member, Origin, Role
from signalpost.store.accounts.invitations import Invitations
from signalpost.store.accounts.sessions import Sessions
from signalpost.store.accounts.sign_in_failures import SignInFailures
from signalpost.store.deliveries import Deliveries
from signalpost.store.instances import Instances
from signalpost.store.organizations import Organizations
from signalpost.store.polls import FinishedPoll, Polls
from signalpost.store.resealing import reseal_all
from signalpost.store.tokens import TokenRows
from signalpost.store.vault import Vault
from signalpost.store.workers import Workers
from tests.store.amid import Stopping
from tests.store.history import KEY
from tests.store.notified import NOW, VAULT, add_instance, add_worker, draft_again
from tests.support import until

SECONDS = 20.0
"""After this long a statement waits for a row that it should have left."""


@pytest.fixture
async def ids(pool):
    return [await add_instance(pool, organization=str(number)) for number in range(3)]


@asynccontextmanager
async def holding(pool, table, key, row_id):
    """Have a row in hand, as somebody's statement that is not over."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(f"SELECT FROM {table} WHERE {key} = $1 FOR UPDATE", row_id)
        yield


async def test_claims_are_kept_while_polls_of_their_instances_end(pool, ids):
    await pool.execute("UPDATE instance SET next_poll_at = $1", NOW + timedelta(seconds=5))
    until_at = NOW + timedelta(seconds=15)
    async with holding(pool, "instance", "id", ids[1]):
        keeping = Polls(pool, VAULT).keep_claims(list(reversed(ids)), now=NOW, until=until_at)
        await asyncio.wait_for(keeping, SECONDS)
    rows = await pool.fetch("SELECT next_poll_at FROM instance ORDER BY id")
    assert [(row["next_poll_at"] - NOW).total_seconds() for row in rows] == [15, 5, 15]


async def test_polls_that_end_together_take_their_rows_in_the_order_of_ids(pool, ids):
    polls = Polls(pool, VAULT)
    async with holding(pool, "instance", "id", ids[0]):
        ending = asyncio.gather(
            *(polls.finish(FinishedPoll(each, NOW, NOW, succeeded=True)) for each in reversed(ids))
        )
        await until(lambda: pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        await pool.fetch("SELECT FROM instance WHERE id = ANY($1) FOR UPDATE NOWAIT", ids[1:])
    await ending
    assert await pool.fetchval("SELECT count(*) FROM instance WHERE last_poll_at = $1", NOW) == 3


async def test_a_worker_leaves_while_others_take_its_lanes(pool, ids):
    worker_id = await add_worker(pool, uuid4())
    deliveries = Deliveries(pool, VAULT, worker_id, lease_seconds=30)
    await asyncio.gather(*(deliveries.claim(each) for each in ids))
    async with holding(pool, "endpoint", "instance_id", ids[1]):
        await asyncio.wait_for(Workers(pool).leave(worker_id), SECONDS)
    rows = await pool.fetch("SELECT leased_by FROM endpoint ORDER BY instance_id")
    assert [row["leased_by"] for row in rows] == [None, worker_id, None]
    another = Deliveries(pool, VAULT, await add_worker(pool, uuid4()), lease_seconds=30)
    assert all(await asyncio.gather(*(another.claim(each) for each in ids)))


@pytest.mark.parametrize("act", ["delete", "authorise"])
async def test_nobody_waits_for_who_waits_for_the_tokens_of_an_instance(pool, ids, act):
    organization_id = await pool.fetchval("SELECT organization_id FROM instance WHERE id = $1", ids[0])
    instances = Instances(pool, VAULT)
    instance = await instances.find(organization_id, ids[0])
    deliveries = Deliveries(pool, VAULT, await add_worker(pool, uuid4()), lease_seconds=30)
    draft = draft_again(instance, {})
    async with TokenRows(pool, VAULT).lock(ids[0], "egnyte"):  # the provider does not answer
        changing = asyncio.ensure_future(
            instances.delete(instance)
            if act == "delete"
            else instances.update(instance, draft, tokens=Tokens("new", None, None))
        )
        await until(lambda: pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        claims = asyncio.gather(*(deliveries.claim(each) for each in ids))
        assert all(await asyncio.wait_for(claims, SECONDS))
        ending = Polls(pool, VAULT).finish(FinishedPoll(ids[0], NOW, NOW, succeeded=True))
        await asyncio.wait_for(ending, SECONDS)
    assert await changing


async def test_tokens_that_are_being_renewed_keep_no_others_from_being_encrypted_anew(pool, ids):
    key = Fernet.generate_key().decode()
    anew = Vault([key, KEY])
    async with TokenRows(pool, VAULT).lock(ids[1], "egnyte"):
        resealing = asyncio.create_task(reseal_all(pool, anew))
        await until(lambda: pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        others = [ids[0], ids[2]]
        rows = await pool.fetch(
            "SELECT tokens FROM credential WHERE instance_id = ANY($1) FOR UPDATE NOWAIT", others
        )
        assert all(Vault([key]).unseal(row["tokens"]) for row in rows)
    assert await resealing == 6  # secrets and tokens of three
    for row in await pool.fetch("SELECT tokens FROM credential"):
        assert Vault([key]).unseal(row["tokens"])


@pytest.fixture
async def ada(pool):
    """An admin of an organization who can sign in."""
    await Organizations(pool).create_credentials("Acme", "ada@example.com")
    row = await pool.fetchrow("UPDATE member SET password_hash = 'x' RETURNING id, organization_id")
    return Member(row["id"], row["organization_id"], "Acme", "ada@example.com", Role.ADMIN)


async def test_whoever_refers_to_an_organization_does_not_wait_for_who_makes_secrets_of_it(pool, ada):
    """An admin who invites is held, and refers to the organization; who makes secrets takes both the other way round."""
    stopping = Stopping(pool)
    making = asyncio.ensure_future(Organizations(stopping).create_credentials("Acme", "bea@example.com"))
    await stopping.is_done.wait()
    inviting = Invitations(pool).make(ada, None, Role.ADMIN, NOW, NOW + timedelta(days=1))
    assert await asyncio.wait_for(inviting, SECONDS)
    stopping.go_on.set()
    assert await making


async def test_who_takes_an_invitation_holds_nothing_while_a_member_is_removed(pool, ada):
    invitations = Invitations(pool)
    token = await invitations.make(ada, "bea@example.com", Role.ADMIN, NOW, NOW + timedelta(days=1))
    invitation = await invitations.find(token, NOW)
    async with holding(pool, "organization", "id", ada.organization_id):
        taking = asyncio.create_task(
            invitations.take(invitation, "bea@example.com", "x", NOW, Origin("", ""))
        )
        await until(lambda: pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        await pool.fetch("SELECT FROM invitation FOR UPDATE NOWAIT")
    assert (await taking).member.email == "bea@example.com"


async def test_what_has_ended_is_swept_but_for_what_somebody_has_in_hand(pool, ada):
    sessions, failures = Sessions(pool), SignInFailures(pool)
    for seconds in range(2):
        await sessions.open(ada.id, NOW - timedelta(days=20), agent="", address="")
        await failures.add([(b"subject", 5)], NOW - timedelta(seconds=seconds), window_seconds=60)
    one = await pool.fetchval("SELECT min(id) FROM session")
    async with holding(pool, "session", "id", one), holding(pool, "sign_in_failure", "failed_at", NOW):
        await asyncio.wait_for(sessions.sweep(NOW), SECONDS)
        await asyncio.wait_for(failures.sweep(NOW), SECONDS)
    for table in ("session", "sign_in_failure"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 1
