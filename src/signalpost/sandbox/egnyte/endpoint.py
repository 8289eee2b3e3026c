"""What an API module gives the server: its endpoints, each a method, a path and an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from signalpost.sandbox.egnyte.state import State
from signalpost.sandbox.egnyte.tokens import Token


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the domain it is made to, the request, the time, and the token if it is known."""

    state: State
    request: web.Request
    now: float
    token: Token | None = None

    @property
    def caller(self) -> Token:
        """The token that calls. Only for endpoints that need one."""
        assert self.token is not None
        return self.token

    @property
    def base_url(self) -> str:
        """The address that the caller used, so that links in answers lead back here."""
        return f"{self.request.scheme}://{self.request.host}"


Answer = Callable[[Call], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path. ``scope`` is what a token must be granted (None: any token will do)."""

    method: str
    path: str
    answer: Answer
    needs_token: bool = True
    scope: str | None = None
