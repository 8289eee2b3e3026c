"""Links that make accounts: the first one of an installation, and invitations into an organization."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from signalpost.accounts.passwords import Passwords
from signalpost.accounts.rules import (
    FormError,
    check_fields,
    find_fault_of_email,
    find_fault_of_name,
    find_fault_of_password,
)
from signalpost.model.errors import NotFoundError
from signalpost.model.member import Invitation, Member, Origin, Role
from signalpost.store.accounts.invitations import UNUSABLE, Invitations, Taken
from signalpost.store.accounts.members import Members
from signalpost.store.organizations import Organizations

SET_UP_HOURS = 24
INVITATION_DAYS = 7
FIRST_NAME = "default"


class Joining:
    """Makes links, and accounts by them. Each link is good once."""

    def __init__(
        self,
        invitations: Invitations,
        members: Members,
        organizations: Organizations,
        passwords: Passwords,
        clock: Callable[[], datetime],
    ) -> None:
        self.invitations = invitations
        self._members = members
        self._organizations = organizations
        self._passwords = passwords
        self._clock = clock

    async def make_set_up(self) -> str | None:
        """Make the link to the first account, and give its token; None: there is an account."""
        if await self._members.has_accounts():
            return None
        now = self._clock()
        return await self.invitations.make_set_up(now, now + timedelta(hours=SET_UP_HOURS))

    async def find(self, token: str, *, set_up: bool) -> Invitation:
        """Find a link's invitation; raises NotFoundError when the link is no longer good."""
        found = await self.invitations.find(token, self._clock())
        if found is None or (found.organization_id is None) is not set_up:
            raise NotFoundError(UNUSABLE)
        return found

    async def propose_name(self) -> str:
        """Propose the name of the first account's organization: that of the only one there is."""
        names = await self._organizations.list_names(limit=2)
        return names[0] if len(names) == 1 else FIRST_NAME

    async def set_up(self, token: str, organization: str, email: str, password: str, origin: Origin) -> Taken:
        """Make the first account, an admin's, and sign it in.

        Raises:
            NotFoundError: the link is no longer good.
            ConflictError: it was used meanwhile.
            FormError: a field is wrong.
        """
        invitation = await self.find(token, set_up=True)
        organization, email = organization.strip(), email.strip()
        check_fields(
            organization=find_fault_of_name(organization),
            email=find_fault_of_email(email),
            password=find_fault_of_password(password, email),
        )
        password_hash = await self._passwords.hash(password)
        return await self.invitations.take_set_up(
            invitation, organization, email, password_hash, self._clock(), origin
        )

    async def invite(self, inviting: Member, email: str, role: str) -> str:
        """Make a link into the organization of ``inviting``, for one address or (empty) for whoever has it.

        Raises:
            FormError: a field is wrong, or the address is a member already.
        """
        email = email.strip()
        check_fields(
            email=find_fault_of_email(email) if email else None,
            role=None if role in list(Role) else "The role must be admin, operator or viewer",
        )
        there = await self._members.find_named(inviting.organization_id, email) if email else None
        if there is not None and there.has_account:
            raise FormError({"email": f"{there.email} is a member already"})
        if there is not None and there.role != role:
            raise FormError(
                {
                    "role": f"{there.email} is a member already, by secrets of the API, with the role {there.role}:"
                    " invite with that role, or change it first"
                }
            )
        now = self._clock()
        return await self.invitations.make(
            inviting, email or None, Role(role), now, now + timedelta(days=INVITATION_DAYS)
        )

    async def accept(self, token: str, email: str, password: str, origin: Origin) -> Taken:
        """Make the account of who was invited, and sign it in. An address named by the invitation stands.

        Raises:
            NotFoundError: the link is no longer good.
            ConflictError: it was used meanwhile, or the address has an account.
            FormError: a field is wrong.
        """
        invitation = await self.find(token, set_up=False)
        email = invitation.email or email.strip()
        check_fields(email=find_fault_of_email(email), password=find_fault_of_password(password, email))
        password_hash = await self._passwords.hash(password)
        return await self.invitations.take(invitation, email, password_hash, self._clock(), origin)
