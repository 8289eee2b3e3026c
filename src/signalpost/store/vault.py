"""Encryption at rest and hashing of secrets."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from signalpost.model.errors import ConfigurationError

SECRET_BYTES = 32
LONGEST_TOKEN = 1_000_000
"""As long as the body of a form, which may be all token."""
ReadConfiguration: TypeAlias = Callable[[], Mapping[str, str]]
"""Gives a configuration, whole; raises ConfigurationError: none of the keys fits."""

NO_KEY_FITS = (
    "stored secrets cannot be decrypted: SIGNALPOST_ENCRYPTION_KEYS lacks the key they were encrypted with"
)


def make_secret() -> str:
    """Make a secret that nobody can guess, as URL-safe text."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_secret(secret: str) -> bytes:
    """Hash a secret for look-up. One round suffices: our secrets have 256 random bits, unlike passwords."""
    return hashlib.sha256(secret.encode()).digest()


class Vault:
    """Encrypts values before they reach the database. The first key encrypts, all of them decrypt (rotation)."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take Fernet keys (44 characters of URL-safe base64 each).

        Raises:
            ConfigurationError: there is none, or one is malformed (it is named by its place, not shown).
        """
        ciphers: list[Fernet] = []
        for place, key in enumerate(keys, start=1):
            try:
                ciphers.append(Fernet(key))
            except ValueError as error:
                message = (
                    f"SIGNALPOST_ENCRYPTION_KEYS: key {place} is not 32 bytes in URL-safe base64;"
                    " make one with: openssl rand -base64 32 | tr '+/' '-_'"
                )
                raise ConfigurationError(message) from error
        if not ciphers:
            message = "SIGNALPOST_ENCRYPTION_KEYS is empty: at least one key is needed"
            raise ConfigurationError(message)
        self._cipher = MultiFernet(ciphers)
        self._first = ciphers[0]
        self._keys = [(each, urlsafe_b64decode(key)) for each, key in zip(ciphers, keys, strict=True)]
        # Decrypting costs more than a database round trip's share; the same texts come by on every poll.
        self._decrypt = lru_cache(maxsize=10_000)(self._decrypt_now)

    def seal(self, value: Any) -> bytes:
        """Encrypt a JSON value."""
        return self._cipher.encrypt(orjson.dumps(value))

    def unseal(self, sealed: bytes) -> Any:
        """Decrypt what ``seal`` gave.

        Raises:
            ConfigurationError: none of the keys fits.
        """
        return orjson.loads(self._decrypt(bytes(sealed)))

    def reseal(self, sealed: bytes) -> bytes:
        """Encrypt with the first key what another of them encrypted; give what the first did as it is.

        Raises:
            ConfigurationError: none of the keys fits.
        """
        with contextlib.suppress(InvalidToken):
            self._first.decrypt(sealed)
            return sealed
        try:
            return self._cipher.rotate(sealed)
        except InvalidToken as error:
            raise ConfigurationError(NO_KEY_FITS) from error

    def unseal_once(self, sealed: bytes) -> Any:
        """Decrypt what is large and seldom read, so that it takes no room of what is read all the time."""
        return orjson.loads(self._decrypt_now(bytes(sealed)))

    def seal_text(self, purpose: str, text: str, now: datetime) -> str:
        """Encrypt text as a token that may stand in a URL or a form: nobody can read, change or make one."""
        sealed = self._cipher.encrypt_at_time(orjson.dumps([purpose, text]), int(now.timestamp()))
        return sealed.decode().rstrip("=")

    def unseal_text(self, purpose: str, token: str, now: datetime, *, seconds: int) -> str | None:
        """Give the text of a token made for ``purpose`` within the last ``seconds``; None: it is no such token."""
        if len(token) > LONGEST_TOKEN or not token.isascii():
            return None
        try:
            read = orjson.loads(self._cipher.decrypt_at_time(_complete(token), seconds, int(now.timestamp())))
        except InvalidToken:
            return None
        return str(read[1]) if isinstance(read, list) and read[:1] == [purpose] else None

    def derive(self, purpose: str, text: str, *, sealed: str = "") -> str:
        """Give the secret that belongs to ``text``: 43 URL-safe characters, the same as long as the first key is.

        With a token that ``seal_text`` gave it is that of the key which sealed it, whichever is the first by now.
        """
        derived = hmac.digest(self._find_key(sealed), orjson.dumps([purpose, text]), "sha256")
        return urlsafe_b64encode(derived).decode().rstrip("=")

    def _find_key(self, sealed: str) -> bytes:
        """Give the key that sealed a token; the first, where none did."""
        if sealed.isascii() and 0 < len(sealed) <= LONGEST_TOKEN:
            for cipher, key in self._keys:
                with contextlib.suppress(InvalidToken):
                    cipher.decrypt(_complete(sealed))
                    return key
        return self._keys[0][1]

    def join_configuration(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Give the whole configuration of a row with ``configuration`` and ``secrets``; raises as ``unseal``."""
        return {**row["configuration"], **self.unseal(row["secrets"])["configuration"]}

    def _decrypt_now(self, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(sealed)
        except InvalidToken as error:
            raise ConfigurationError(NO_KEY_FITS) from error


def _complete(token: str) -> bytes:
    """Give a token with the padding that stands in no URL."""
    return token.encode() + b"=" * (-len(token) % 4)


def keep_key(path: Path) -> str:
    """Read the encryption key kept at ``path``; make it (readable by us alone) if there is none.

    Raises:
        ConfigurationError: it can be neither read nor made, or is no key.
    """
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_text().strip()
        Fernet(key)
    except OSError as error:
        message = (
            f"SIGNALPOST_DATA_DIR: the encryption key {path} can be neither read nor made ({error.strerror}): give its"
            " folder to the user that runs the service, or set SIGNALPOST_ENCRYPTION_KEYS"
        )
        raise ConfigurationError(message) from error
    except ValueError as error:
        message = (
            f"{path} holds no encryption key (32 bytes in URL-safe base64): put it back from your backup"
        )
        raise ConfigurationError(message) from error
    return key


def _make_key(path: Path) -> None:
    # Of root's, the database's own account has to pass through.
    path.parent.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first: then its key is the key
            path.hardlink_to(fresh)
    finally:
        fresh.unlink()
