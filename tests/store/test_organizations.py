"""Secrets of the API are made for admins alone: who has them may do all, as the API asks for no role."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signalpost.model.errors import ConflictError, ForbiddenError
from signalpost.model.member import Member, Role
from signalpost.store.accounts.invitations import Invitations
from signalpost.store.accounts.members import Members
from signalpost.store.accounts.secrets import Secrets
from signalpost.store.organizations import Organizations
from tests.store.amid import Stopping, act_amid
from tests.store.notified import NOW

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


@pytest.mark.parametrize("what", ["secrets", "invitation"])
@pytest.mark.parametrize("way", ["demoted", "removed"])
async def test_what_an_admin_makes_at_the_moment_of_being_none_any_more_is_ended(pool, what, way):
    for email in ("ada@example.com", EMAIL):
        await Organizations(pool).create_credentials("Acme", email)
    await pool.execute("UPDATE member SET password_hash = 'x'")
    row = await pool.fetchrow("SELECT id, organization_id FROM member WHERE email = $1", EMAIL)
    member = Member(row["id"], row["organization_id"], "Acme", EMAIL, Role.ADMIN)
    stopping, members = Stopping(pool), Members(pool)

    def make(on):
        if what == "secrets":
            return Secrets(on).make_pair(member)
        return Invitations(on).make(member, None, Role.ADMIN, NOW, NOW + timedelta(days=1))

    if way == "demoted":
        end = members.change_role(member.organization_id, member.id, Role.VIEWER, NOW)
    else:
        end = members.remove(member.organization_id, member.id, NOW)
    await act_amid(stopping, make(stopping), end)
    left = "SELECT (SELECT count(*) FROM member_secret WHERE member_id = $1) + (SELECT count(*) FROM invitation WHERE"
    assert await pool.fetchval(f"{left} invited_by = $1 AND withdrawn_at IS NULL)", member.id) == 0
    with pytest.raises(ForbiddenError):
        await make(pool)
