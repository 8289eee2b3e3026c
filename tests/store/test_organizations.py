"""Secrets of the API are made for admins alone: who has them may do all, as the API asks for no role."""

from __future__ import annotations

import pytest

from signalpost.model.errors import ConflictError
from signalpost.store.organizations import Organizations

EMAIL = "bea@example.com"


async def count_secrets(pool):
    return await pool.fetchval(
        "SELECT (SELECT count(*) FROM member_secret) + (SELECT count(*) FROM organization_secret)"
    )


@pytest.mark.parametrize("role", ["operator", "viewer"])
async def test_a_member_with_another_role_gets_no_secrets(pool, role):
    organizations = Organizations(pool)
    await organizations.create_credentials("Acme", EMAIL)
    before = await count_secrets(pool)
    await pool.execute("UPDATE member SET role = $1", role)
    with pytest.raises(ConflictError, match=f"{EMAIL} is {role} of Acme, and whoever has secrets"):
        await organizations.create_credentials("Acme", EMAIL)
    assert await count_secrets(pool) == before
    await pool.execute("UPDATE member SET role = 'admin'")
    assert await organizations.create_credentials("Acme", EMAIL)
    assert await count_secrets(pool) == before + 2


async def test_who_was_removed_is_taken_in_again_as_an_admin(pool):
    organizations = Organizations(pool)
    await organizations.create_credentials("Acme", EMAIL)
    await pool.execute("UPDATE member SET role = 'viewer', removed_at = now()")
    secrets = await organizations.create_credentials("Acme", EMAIL)
    assert await organizations.find_user(secrets["organizationSecret"], secrets["userSecret"])
    assert await pool.fetchval("SELECT role FROM member WHERE removed_at IS NULL") == "admin"
