"""Signing in: an e-mail address and a password become a session; wrong ones are counted and slowed down."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable
from datetime import datetime, timedelta

from signalpost.accounts.passwords import Passwords
from signalpost.accounts.rules import FormError, check_fields, find_fault_of_password
from signalpost.model.errors import ConflictError, NotFoundError, TooManyError
from signalpost.model.member import Member, Origin
from signalpost.store.accounts.members import Account, Members
from signalpost.store.accounts.sessions import Sessions
from signalpost.store.accounts.sign_in_failures import SignInFailures

WINDOW_SECONDS = 900.0
FAILURES_OF_EMAIL = 10
FAILURES_OF_ADDRESS = 50
"""More failures than these within the window are not tried."""

IPV6_PREFIX = 64
"""Who has one address of IPv6 has all of such a network."""

NO_SESSION = 0
"""The number of no session: all end."""

WRONG = "This e-mail address and password do not belong to an account"


class SignIn:
    """Opens sessions for who knows the password, and changes passwords."""

    def __init__(
        self,
        members: Members,
        sessions: Sessions,
        failures: SignInFailures,
        passwords: Passwords,
        clock: Callable[[], datetime],
    ) -> None:
        self._members = members
        self._sessions = sessions
        self._failures = failures
        self._passwords = passwords
        self._clock = clock

    async def sign_in(self, email: str, password: str, origin: Origin) -> tuple[Member, str]:
        """Give the member, and the token of a new session.

        Raises:
            FormError: they do not belong to an account; which of the two is wrong is not told.
            TooManyError: too many attempts failed for the address, or from where it comes.
        """
        now = self._clock()
        await self._failures.sweep(now - timedelta(seconds=WINDOW_SECONDS))
        await self._sessions.sweep(now)
        account = await self._verify(email.strip(), password, origin, now, field="password", wrong=WRONG)
        token = await self._sessions.open(
            account.member.id,
            now,
            agent=origin.agent,
            address=origin.address,
            password_hash=account.password_hash,
        )
        if token is None:
            raise FormError({"password": WRONG})
        if self._passwords.is_outdated(account.password_hash):
            await self._members.change_password(
                account.member.id,
                account.password_hash,
                await self._passwords.hash(password),
                kept_session=None,
            )
        return account.member, token

    async def change_password(
        self, member: Member, session_id: int, old: str, new: str, origin: Origin
    ) -> None:
        """Set another password; all sessions but ``session_id`` end.

        Raises:
            FormError: the old password is wrong, or the new one does not do.
            TooManyError: as ``sign_in``.
        """
        check_fields(new_password=find_fault_of_password(new, member.email))
        wrong = "This is not your present password"
        account = await self._verify(
            member.email, old, origin, self._clock(), field="old_password", wrong=wrong
        )
        changed = await self._members.change_password(
            account.member.id,
            account.password_hash,
            await self._passwords.hash(new),
            kept_session=session_id,
        )
        if not changed:
            raise FormError({"old_password": wrong})

    async def reset_password(self, email: str, new: str) -> Member:
        """Set another password for who forgot it, on behalf of the machine's own operator; all sessions end.

        Raises:
            NotFoundError: no account has this e-mail address. FormError: the password does not do.
            ConflictError: it was changed meanwhile.
        """
        email = email.strip()
        account = await self._members.find_account(email)
        if account is None:
            raise NotFoundError(f"--email: no account has the e-mail address {email[:100]!r}")
        check_fields(password=find_fault_of_password(new, account.member.email))
        new_hash = await self._passwords.hash(new)
        if not await self._members.change_password(
            account.member.id, account.password_hash, new_hash, kept_session=NO_SESSION
        ):
            raise ConflictError(f"the password of {account.member.email} was changed meanwhile; try again")
        return account.member

    async def _verify(
        self, email: str, password: str, origin: Origin, now: datetime, *, field: str, wrong: str
    ) -> Account:
        # The database decides which letters are the same: another opinion would give an account more attempts.
        person, place = name_person(await self._members.fold_email(email)), name_place(origin.address)
        subjects = [(person, FAILURES_OF_EMAIL), (place, FAILURES_OF_ADDRESS)]
        opens_at = await self._failures.add(subjects, now, window_seconds=WINDOW_SECONDS)
        if opens_at is not None:
            after_seconds = max(1.0, (opens_at - now).total_seconds())
            raise TooManyError(
                "Too many sign-ins failed for this e-mail address, or from your network. The next attempt is taken"
                f" at {opens_at:%H:%M:%S} UTC, in {after_seconds / 60:.0f} min. Who is signed in stays so",
                after_seconds=after_seconds,
            )
        account = await self._members.find_account(email)
        right = await self._passwords.verify(account.password_hash if account else None, password)
        if account is None or not right:
            raise FormError({field: wrong})
        await self._failures.clear(person)
        await self._failures.take_back(place, now)
        return account


def name_person(folded_email: str) -> bytes:
    """Give what failures of an e-mail address are counted under."""
    return hashlib.sha256(f"e-mail {folded_email}".encode()).digest()


def name_place(address: str) -> bytes:
    """Give what failures from a network address are counted under."""
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        place = address
    else:
        # A socket that takes both, here or at a proxy, writes IPv4 as IPv6: all of it would be one network.
        read = getattr(read, "ipv4_mapped", None) or read
        prefix = IPV6_PREFIX if read.version == 6 else read.max_prefixlen  # noqa: PLR2004 - the version's name
        place = str(ipaddress.ip_network((read.packed, prefix), strict=False))
    return hashlib.sha256(f"address {place}".encode()).digest()
