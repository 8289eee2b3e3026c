"""Authorization codes and tokens: issued, exchanged, refreshed, revoked (egnyte-api.md section 1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from signalpost.model.errors import RequestError
from signalpost.sandbox.egnyte.settings import NEVER_EXPIRES, Settings

ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
TOKEN_LETTERS = 24

ALL_SCOPES = (
    "Egnyte.filesystem",
    "Egnyte.user",
    "Egnyte.group",
    "Egnyte.link",
    "Egnyte.permission",
    "Egnyte.audit",
    "Egnyte.bookmark",
    "Egnyte.projectfolders",
    "Egnyte.launchwebsession",
    "Egnyte.webhooks",
)


class GrantRefusedError(RequestError):
    """The token endpoint does not give a token. ``code`` is OAuth2's word for why."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


@dataclass(frozen=True, slots=True)
class Grant:
    """Who lets which application do what. No ``scopes`` means all of them."""

    client_id: str
    user_id: int
    scopes: tuple[str, ...] = ()

    def allows(self, scope: str | None) -> bool:
        """Say whether an API of ``scope`` may be called (None: any grant will do)."""
        return scope is None or not self.scopes or scope in self.scopes


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code, good for one exchange until ``expires_at``."""

    grant: Grant
    redirect_uri: str
    expires_at: float


@dataclass(slots=True)
class Token:
    """An access token, the refresh token that came with it, and its use so far.

    ``day`` and ``second`` are those that the counts are of, from the epoch. ``expires_at`` None: never.
    """

    access_token: str
    refresh_token: str | None
    grant: Grant
    expires_at: float | None
    is_revoked: bool = False
    day: int = 0
    calls_in_day: int = 0
    second: int = 0
    calls_in_second: int = 0

    def is_alive(self, now: float) -> bool:
        """Say whether the API takes it."""
        return not self.is_revoked and (self.expires_at is None or now < self.expires_at)


class TokenStore:
    """All codes and tokens of the domain. They follow from the seed: the same steps give the same tokens."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._issued = 0
        self._codes: dict[str, Code] = {}
        self._tokens: dict[str, Token] = {}
        self._by_refresh_token: dict[str, Token] = {}

    def find(self, access_token: str) -> Token | None:
        """Give the token; None when it was never issued here."""
        return self._tokens.get(access_token)

    def issue_code(self, grant: Grant, redirect_uri: str, *, lifetime_seconds: float, now: float) -> str:
        """Make a code, as when the user has allowed it."""
        code = self._make("code")
        self._codes[code] = Code(grant, redirect_uri, now + lifetime_seconds)
        return code

    def exchange(
        self, code: str, *, client_id: str, redirect_uri: str, settings: Settings, now: float
    ) -> Token:
        """Give a token for a code, which is spent by it.

        Raises:
            GrantRefusedError: the code is unknown, spent, expired, or of another client or redirect address.
        """
        found = self._codes.get(code)
        if found is None or found.grant.client_id != client_id or now >= found.expires_at:
            raise GrantRefusedError("invalid_grant", "The code is unknown, used or expired")
        if found.redirect_uri != redirect_uri:
            raise GrantRefusedError("invalid_grant", "redirect_uri is not the one that the code was given to")
        del self._codes[code]
        return self.issue(found.grant, settings=settings, now=now)

    def refresh(self, refresh_token: str, *, client_id: str, settings: Settings, now: float) -> Token:
        """Give a new token for a refresh token, which is spent by it if ``refresh_rotation`` is on.

        Without rotation the new token has no refresh token of its own: the caller keeps the old one.

        Raises:
            GrantRefusedError: the refresh token is unknown, spent, revoked or of another client.
        """
        old = self._by_refresh_token.get(refresh_token)
        if old is None or old.is_revoked or old.grant.client_id != client_id:
            raise GrantRefusedError("invalid_grant", "The refresh token is unknown, used or revoked")
        if settings.refresh_rotation:
            del self._by_refresh_token[refresh_token]
            return self.issue(old.grant, settings=settings, now=now)
        token = self._keep(Token(self._make("tok"), None, old.grant, _expiry(settings, now)))
        # The kept refresh token now hangs on the newest access token: it dies with that one.
        self._by_refresh_token[refresh_token] = token
        return token

    def issue(self, grant: Grant, *, settings: Settings, now: float) -> Token:
        """Make a token; with a refresh token if tokens expire at all."""
        expires_at = _expiry(settings, now)
        refresh_token = None if expires_at is None else self._make("rt")
        return self._keep(Token(self._make("tok"), refresh_token, grant, expires_at))

    def revoke(self, accept: Callable[[Token], bool]) -> int:
        """Kill the tokens that ``accept`` takes, with their refresh tokens; give how many were alive."""
        revoked = 0
        for token in self._tokens.values():
            if not token.is_revoked and accept(token):
                token.is_revoked = True
                revoked += 1
        return revoked

    def to_json(self) -> dict[str, Any]:
        """Write everything as JSON."""
        return {
            "issued": self._issued,
            "codes": {code: asdict(found) for code, found in self._codes.items()},
            "tokens": [asdict(token) for token in self._tokens.values()],
            "refresh_tokens": {key: token.access_token for key, token in self._by_refresh_token.items()},
        }

    def load(self, written: dict[str, Any]) -> None:
        """Take over what ``to_json`` wrote."""
        self._issued = written["issued"]
        for code, found in written["codes"].items():
            self._codes[code] = Code(**found | {"grant": _read_grant(found["grant"])})
        for item in written["tokens"]:
            self._keep(Token(**item | {"grant": _read_grant(item["grant"])}))
        self._by_refresh_token = {
            key: self._tokens[access_token] for key, access_token in written["refresh_tokens"].items()
        }

    def _keep(self, token: Token) -> Token:
        self._tokens[token.access_token] = token
        if token.refresh_token:
            self._by_refresh_token[token.refresh_token] = token
        return token

    def _make(self, kind: str) -> str:
        self._issued += 1
        random = Random(f"{self._seed}:{kind}:{self._issued}")  # noqa: S311 - must be reproducible
        return f"{kind}_{''.join(random.choices(ALPHABET, k=TOKEN_LETTERS))}"


def _expiry(settings: Settings, now: float) -> float | None:
    return None if settings.expires_in == NEVER_EXPIRES else now + settings.expires_in


def _read_grant(written: dict[str, Any]) -> Grant:
    return Grant(written["client_id"], written["user_id"], tuple(written["scopes"]))
