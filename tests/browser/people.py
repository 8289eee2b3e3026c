"""Members of the world's organization, signed in without their password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from signalpost.web.visits import SESSION_COOKIE, derive_csrf


@dataclass(frozen=True)
class Signed:
    """A member who is signed in."""

    email: str
    token: str

    def cookie(self, url):
        """The session's cookie, as browsers are given it."""
        return {"name": SESSION_COOKIE, "value": self.token, "url": url}


async def sign_in(world, role="admin", email=None, organization="Acme"):
    """Make a member of an organization with that role, and a session of theirs."""
    email = email or f"{role}@example.com"
    member_id = await world.pool.fetchval(
        "INSERT INTO member (organization_id, email, role, password_hash)"
        " SELECT id, $1, $2, 'none' FROM organization WHERE name = $3"
        " ON CONFLICT (organization_id, email) DO UPDATE SET role = $2, password_hash = 'none' RETURNING id",
        email,
        role,
        organization,
    )
    sessions = world.service.app.console.state.parts.sessions
    token = await sessions.open(member_id, datetime.now(UTC), agent="Chromium on Linux", address="127.0.0.1")
    return Signed(email, token)


async def press(world, member, path, **fields):
    """Send a form of the console, as its button does."""
    form = {"csrf": derive_csrf(member.token), **fields}
    async with httpx.AsyncClient(base_url=world.url, cookies={SESSION_COOKIE: member.token}) as client:
        answer = await client.post(path, data=form)
    assert answer.status_code == 303, answer.text
