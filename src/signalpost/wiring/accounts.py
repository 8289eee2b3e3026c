"""Accounts of the console, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from signalpost.accounts.accounts import Accounts
from signalpost.accounts.joining import Joining
from signalpost.accounts.passwords import Passwords
from signalpost.accounts.signin import SignIn
from signalpost.settings import Settings
from signalpost.store.accounts.invitations import Invitations
from signalpost.store.accounts.members import Members
from signalpost.store.accounts.secrets import Secrets
from signalpost.store.accounts.sessions import Sessions
from signalpost.store.accounts.sign_in_failures import SignInFailures
from signalpost.store.organizations import Organizations
from signalpost.wiring.beside import open_beside


def join_accounts(pool: asyncpg.Pool, sessions: Sessions, clock: Callable[[], datetime]) -> Accounts:
    """Put the accounts together on a pool."""
    members, passwords = Members(pool), Passwords()
    return Accounts(
        signing=SignIn(members, sessions, SignInFailures(pool), passwords, clock),
        joining=Joining(Invitations(pool), members, Organizations(pool), passwords, clock),
        members=members,
        secrets=Secrets(pool),
    )


@dataclass(frozen=True, slots=True)
class OpenedAccounts:
    """What commands beside the service do with organizations and accounts."""

    organizations: Organizations
    accounts: Accounts


@asynccontextmanager
async def open_accounts(settings: Settings) -> AsyncIterator[OpenedAccounts]:
    """Reach the database, which may be in use, for a command beside the service.

    Raises:
        ConfigurationError: it cannot be had; the message says what to do.
    """
    async with open_beside(settings) as (pool, clock):
        yield OpenedAccounts(Organizations(pool), join_accounts(pool, Sessions(pool), clock))
