"""Authenticated HTTP for one instance: its token, the provider's pace, status to error."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import urlencode

from signalpost.connectors.base import Connector
from signalpost.model.errors import (
    AddressRefusedError,
    ConnectorError,
    NeedsAuthorisationError,
    RetryLaterError,
)
from signalpost.outbound import Answer, Outbound, OutboundError

MAX_ANSWER_BYTES = 64 * 1024 * 1024
PACES_KEPT = 100_000


class AccessTokens(Protocol):
    """Where a session gets its access token from, and a new one when the provider refused it."""

    async def give(self) -> str:
        """Give a token that is good as far as we know."""
        ...

    async def renew(self, refused: str) -> str:
        """Give another token than ``refused``.

        Raises:
            NeedsAuthorisationError: there is no way to get one without a person.
        """
        ...


class Pace:
    """Keeps the calls of one token apart, by the rate that the provider allots."""

    def __init__(self, calls_per_second: float, monotonic: Callable[[], float]) -> None:
        self.calls_per_second = calls_per_second
        self._monotonic = monotonic
        self._free_at = 0.0

    async def wait(self) -> None:
        """Wait for this call's turn."""
        now = self._monotonic()
        turn = max(now, self._free_at)
        self._free_at = turn + 1 / self.calls_per_second
        if turn > now:
            await asyncio.sleep(turn - now)


class Paces:
    """The paces of all instances this worker has called of late: they outlive the single poll."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._paces: OrderedDict[object, Pace] = OrderedDict()

    def find(self, key: object, calls_per_second: float) -> Pace:
        """Give the pace kept under ``key``, or a new one of ``calls_per_second``."""
        pace = self._paces.pop(key, None) or Pace(calls_per_second, self._monotonic)
        self._paces[key] = pace
        if len(self._paces) > PACES_KEPT:
            self._paces.popitem(last=False)
        return pace


class ProviderSession:
    """Calls the provider as one account."""

    def __init__(
        self, *, connector: Connector, base_url: str, outbound: Outbound, tokens: AccessTokens, pace: Pace
    ) -> None:
        self._connector = connector
        self._base_url = base_url
        self._outbound = outbound
        self._tokens = tokens
        self._pace = pace

    async def get(self, path: str, parameters: Mapping[str, str]) -> Answer:
        """GET, with a fresh token once if the provider refuses the first (see ``base.Session``)."""
        url = self._base_url + path
        if parameters:
            url += "?" + urlencode(parameters)
        token = await self._tokens.give()
        answer = await self._call(url, token)
        failure = self._connector.classify(answer)
        if isinstance(failure, NeedsAuthorisationError):
            token = await self._tokens.renew(token)
            answer = await self._call(url, token)
            failure = self._connector.classify(answer)
        if failure is not None:
            raise failure
        return answer

    async def _call(self, url: str, token: str) -> Answer:
        await self._pace.wait()
        try:
            answer = await self._outbound.request(
                "GET", url, headers={"Authorization": f"Bearer {token}"}, max_bytes=MAX_ANSWER_BYTES
            )
        except OutboundError as error:
            message = f"{self._connector.name} did not answer: {error}"
            raise RetryLaterError(message) from error
        except AddressRefusedError as error:
            message = f"{self._connector.name} must not be called there: {error}"
            raise ConnectorError(message) from error
        if answer.truncated:
            message = f"{self._connector.name} answered with more than {MAX_ANSWER_BYTES:,} bytes"
            raise ConnectorError(message)
        allotted = self._connector.read_quota(answer).calls_per_second
        if allotted is not None:
            self._pace.calls_per_second = allotted
        return answer
