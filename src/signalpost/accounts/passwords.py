"""Passwords hashed and verified by Argon2, beside the event loop and few at once: each takes 64 MiB for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from signalpost.accounts.rules import normalise_password
from signalpost.model.errors import TooManyError

T = TypeVar("T")

AT_ONCE = 2
MOST_WAITING = 50
"""Who comes when so many wait already is refused: memory and time stay bounded whoever tries."""


class Passwords:
    """Hashes and verifies passwords (RFC 9106, its second recommended choice of parameters)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """Hash a password; raises TooManyError."""
        return await self._beside(lambda: self._hasher.hash(normalise_password(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Say whether the password is the hashed one.

        Without a hash (nobody has that e-mail address) the answer is no, and takes as long.

        Raises:
            TooManyError: too many wait already.
        """
        if self._nobody is None:
            # Made at the first sign-in whoever it is, so that the time it takes tells nothing either.
            self._nobody = await self.hash("nobody has this password")
        compared = password_hash or self._nobody
        right = await self._beside(lambda: self._verify(compared, password))
        return right and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Say whether the hash was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, normalise_password(password))
        except (Argon2Error, InvalidHashError):
            return False

    async def _beside(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise TooManyError("Many people sign in at this moment; wait some seconds", after_seconds=5)
        self._waiting += 1
        try:
            async with self._gate:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
