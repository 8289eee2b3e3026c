"""Encryption keys are rotated: what is stored is encrypted anew, beside whoever writes, however often it is begun."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet

from signalpost.model.errors import ConfigurationError
from signalpost.model.member import Member, Role
from signalpost.store import resealing
from signalpost.store.connections import Connections
from signalpost.store.resealing import SEALED, reseal_all
from signalpost.store.vault import Vault
from tests.support import PATIENCE_SECONDS

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()

ROWS = """
INSERT INTO organization (name) VALUES ('Acme');
INSERT INTO member (organization_id, email) SELECT id, 'ada@example.com' FROM organization;
"""


@pytest.fixture
async def filled(pool):
    """Give the pool of a database with applications, connections and kept answers, encrypted with the old key."""
    await pool.execute(ROWS)
    seal = Vault([OLD]).seal
    await pool.executemany(
        "INSERT INTO application (organization_id, connector, name, configuration, secrets, created_at)"
        " SELECT id, 'egnyte', $1, '{}', $2, now() FROM organization",
        [(f"a{number}", seal({"number": number})) for number in range(7)],
    )
    await pool.execute(
        "INSERT INTO connection (id, organization_id, member_id, connector, name, wish, created_at, expires_at)"
        " SELECT gen_random_uuid(), organization_id, id, 'egnyte', '', $1, now(), now() FROM member",
        seal({"number": 7}),
    )
    # One whose instance was made, or that has expired, keeps nothing any more.
    await pool.execute(
        "INSERT INTO connection (id, organization_id, member_id, connector, name, wish, created_at, expires_at)"
        " SELECT gen_random_uuid(), organization_id, id, 'egnyte', '', '', now(), now() FROM member"
    )
    await pool.executemany(
        "INSERT INTO kept_answer (member_id, key_hash, request_hash, claimed_by, claimed_at, answer)"
        " SELECT id, $1, '', gen_random_uuid(), now(), $2 FROM member",
        [(b"1", seal({"number": 8})), (b"2", None), (b"3", seal({"number": 9}))],
    )
    return pool


@pytest.mark.parametrize("days", [1, 8])
async def test_who_connects_waits_for_no_expired_wish_that_is_being_encrypted_anew(filled, days):
    await filled.execute("UPDATE connection SET expires_at = now() - make_interval(days => $1)", days)
    row = await filled.fetchrow("SELECT member.id, organization_id FROM member LIMIT 1")
    member = Member(row["id"], row["organization_id"], "Acme", "ada@example.com", Role.ADMIN)
    async with filled.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM connection WHERE wish <> '' FOR UPDATE")
        adding = Connections(filled, Vault([NEW])).add(
            member,
            connector="egnyte",
            name="Acme",
            wish={},
            instance_id=None,
            by_link=False,
            now=datetime.now(UTC),
            expires_at=datetime.now(UTC) + timedelta(hours=1),
        )
        await asyncio.wait_for(adding, PATIENCE_SECONDS)
    assert await filled.fetchval("SELECT count(*) FROM connection") == (3 if days == 1 else 2)


async def list_numbers(pool, vault):
    rows = await pool.fetch(
        "SELECT secrets FROM application UNION ALL SELECT wish FROM connection WHERE wish <> ''"
        " UNION ALL SELECT answer FROM kept_answer WHERE answer IS NOT NULL"
    )
    return sorted(vault.unseal(row[0])["number"] for row in rows)


@pytest.mark.parametrize("batch", [1, 2, 7, 500])
async def test_the_new_key_alone_reads_everything_afterwards(filled, monkeypatch, batch):
    monkeypatch.setattr(resealing, "BATCH", batch)
    assert await reseal_all(filled, Vault([NEW, OLD])) == 10
    assert await list_numbers(filled, Vault([NEW])) == list(range(10))
    assert await reseal_all(filled, Vault([NEW, OLD])) == 0
    assert await reseal_all(filled, Vault([NEW])) == 0


async def test_begun_twice_or_with_some_done_it_ends_the_same(filled):
    await filled.execute(
        "UPDATE application SET secrets = $1 WHERE name = 'a3'", Vault([NEW]).seal({"number": 3})
    )
    assert await reseal_all(filled, Vault([NEW, OLD])) == 9
    assert await list_numbers(filled, Vault([NEW])) == list(range(10))


async def test_what_is_written_meanwhile_stays_as_it_was_written(filled):
    class Interrupted(Vault):
        """Somebody writes another value just when the first has been read."""

        def reseal(self, sealed):
            if self.unseal(sealed) == {"number": 0}:
                written.append(sealed)
            return super().reseal(sealed)

    class Pool:
        fetch, execute = filled.fetch, filled.execute

        async def fetchmany(self, query, values):
            if written:
                written.clear()
                await filled.execute("UPDATE application SET secrets = $1 WHERE name = 'a0'", fresh)
            return await filled.fetchmany(query, values)

    written = []
    fresh = Vault([NEW]).seal({"number": 100})
    await reseal_all(Pool(), Interrupted([NEW, OLD]))
    assert await list_numbers(filled, Vault([NEW])) == [*range(1, 10), 100]


async def test_a_value_that_no_key_fits_is_named_and_the_others_stay_readable(filled):
    wanted = await filled.fetchval("SELECT id FROM application WHERE name = 'a4'")
    await filled.execute(
        "UPDATE application SET secrets = $1 WHERE id = $2",
        Vault([Fernet.generate_key().decode()]).seal({"number": 4}),
        wanted,
    )
    with pytest.raises(ConfigurationError, match=f"application {wanted}: .*SIGNALPOST_ENCRYPTION_KEYS lacks"):
        await reseal_all(filled, Vault([NEW, OLD]))
    await filled.execute("DELETE FROM application WHERE id = $1", wanted)
    assert await list_numbers(filled, Vault([NEW, OLD])) == [0, 1, 2, 3, 5, 6, 7, 8, 9]


async def test_every_column_that_the_tables_call_encrypted_is_encrypted_anew(pool):
    """By what the tables say of themselves; an application's secrets stand for those without a word."""
    rows = await pool.fetch(
        "SELECT relname, attname, col_description(pg_class.oid, attnum) AS said, obj_description(pg_class.oid) AS of_all"
        " FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND atttypid = 'bytea'::regtype"
    )
    encrypted = {
        (row["relname"], row["attname"])
        for row in rows
        if re.match("encrypted", row["said"] or row["of_all"] or "")
    }
    assert encrypted | {("application", "secrets")} == {(table, column) for table, _, column in SEALED}
