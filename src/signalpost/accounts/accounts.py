"""What the pages call of accounts, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from signalpost.accounts.joining import Joining
from signalpost.accounts.signin import SignIn
from signalpost.store.accounts.members import Members
from signalpost.store.accounts.secrets import Secrets


@dataclass(frozen=True, slots=True)
class Accounts:
    """Signing in, joining by links, the members of an organization, and the secrets of the API."""

    signing: SignIn
    joining: Joining
    members: Members
    secrets: Secrets
