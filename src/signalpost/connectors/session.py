"""Authenticated HTTP for one instance: its token, the provider's pace and the day's calls, status to error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote_plus, urlencode

import orjson

from signalpost.connectors.authorising import Credentials, Grant, authorise_by_bearer, find_grant
from signalpost.connectors.base import Connector, Quota
from signalpost.connectors.budget import Budget
from signalpost.connectors.containment import check, contain
from signalpost.connectors.fixed_headers import list_headers, merge_headers
from signalpost.connectors.pacing import Pace
from signalpost.model.errors import (
    AddressRefusedError,
    ConnectorError,
    NeedsAuthorisationError,
    QuotaSpentError,
    RenewedTokenRefusedError,
    RetryLaterError,
    SignalpostError,
    TooFastError,
)
from signalpost.model.quota import Allowance
from signalpost.outbound import Answer, Outbound, OutboundError
from signalpost.outbound.masking import list_secrets, mask_secrets
from signalpost.tracing import NO_TRACES, Tracer

MAX_ANSWER_BYTES = 64 * 1024 * 1024
MOST_VALUES = 4_000_000
"""Of an answer in JSON: each takes up to a hundred bytes once it is read, and all else waits meanwhile."""
MOST_RETRIES = 5
"""How often a call that came too fast is made again."""
USUAL_HOLD_SECONDS = 1.0
LONGEST_HOLD_SECONDS = 10.0
"""A provider that asks for a longer silence is left alone: the call fails, and others are not kept waiting."""


class AccessTokens(Protocol):
    """Where a session gets its access token from, and a new one when the provider refused it."""

    @property
    def version(self) -> int:
        """The version of the stored tokens that were used last (``model.instance.Tokens``)."""
        ...

    async def give(self) -> str:
        """Give a token that is good as far as we know."""
        ...

    async def renew(self, refused: str) -> str:
        """Give another token than ``refused``.

        Raises:
            NeedsAuthorisationError: there is no way to get one without a person.
            RetryLaterError: the token endpoint cannot answer now.
        """
        ...


Authorise = Callable[[str], Credentials]
"""Gives what authorises a call with a token."""


class Call(NamedTuple):
    """What is asked of the provider, as often as it takes."""

    method: str
    url: str
    body: bytes | None


class ProviderSession:
    """Calls the provider as one account: ``for_user``, or in the background, which yields to users' calls."""

    def __init__(
        self,
        *,
        connector: Connector,
        base_url: str,
        outbound: Outbound,
        tokens: AccessTokens,
        pace: Pace,
        budget: Budget,
        for_user: bool,
        tracer: Tracer = NO_TRACES,
        authorise: Authorise = authorise_by_bearer,
    ) -> None:
        self._connector = connector
        self._base_url = base_url
        self._authorise = authorise
        self._outbound = outbound
        self._tokens = tokens
        self._pace = pace
        self._budget = budget
        self._for_user = for_user
        self._tracer = tracer
        self._under_way = 0
        self.was_answered = False

    @property
    def base_url(self) -> str:
        """What every path is put behind."""
        return self._base_url

    @property
    def calls(self) -> int:
        """How many calls were made, repeated ones included."""
        return self._budget.calls

    @property
    def is_calling(self) -> bool:
        """Whether a call is under way: its token is asked for, it waits for its turn, or its answer is waited for."""
        return self._under_way > 0

    @property
    def allowance(self) -> Allowance | None:
        """What is known by now of the account's calls; None where there is no limit."""
        return self._budget.allowance

    @property
    def tokens_version(self) -> int:
        """The version of the tokens used last: the one to call refused after a NeedsAuthorisationError."""
        return self._tokens.version

    async def get(self, path: str, parameters: Mapping[str, str]) -> Answer:
        """GET (see ``resource.Session``).

        Tried again with a fresh token, once, if the provider refuses the first; and later, up to ``MOST_RETRIES``
        times, if it came too fast. In the background nothing is sent once polling has used its share of the day.
        """
        return await self._ask(Call("GET", self._write_url(path, parameters), None))

    async def post(self, path: str, parameters: Mapping[str, str], body: Any) -> Answer:
        """POST (see ``resource.Session``); all else is as for ``get``, the repeating too."""
        sent = None if body is None else orjson.dumps(body)
        return await self._ask(Call("POST", self._write_url(path, parameters), sent))

    def _write_url(self, path: str, parameters: Mapping[str, str]) -> str:
        url = self._base_url + path
        if parameters:
            url += ("&" if "?" in path else "?") + urlencode(parameters)
        return url

    async def _ask(self, call: Call) -> Answer:
        self._under_way += 1
        try:
            return await self._ask_until_answered(call)
        finally:
            self._under_way -= 1

    async def _ask_until_answered(self, call: Call) -> Answer:
        token = await self._tokens.give()
        renewed, retries = False, 0
        while True:
            answer = await self._call(call, token)
            failure = self._judge(answer)
            if failure is None:
                return answer
            if isinstance(failure, NeedsAuthorisationError) and not renewed and self._has_tokens():
                token = await self._tokens.renew(token)
                renewed = True
            elif isinstance(failure, TooFastError) and retries < MOST_RETRIES:
                retries += 1
                self._slow_down(failure)
            else:
                if isinstance(failure, QuotaSpentError):
                    self._budget.spend(failure.after_seconds)
                if renewed and isinstance(failure, NeedsAuthorisationError):
                    raise RenewedTokenRefusedError(str(failure))
                raise failure

    def _has_tokens(self) -> bool:
        """Say whether another token may help: what a configuration holds is the same again."""
        return find_grant(self._connector) is not Grant.CONFIGURATION

    def _judge(self, answer: Answer) -> SignalpostError | None:
        """Have the connector judge an answer; what is no error of ours cannot be raised in its place."""
        with contain("classify"):
            failure = self._connector.classify(answer)
        return None if failure is None else check("classify", failure, SignalpostError)

    def _slow_down(self, failure: TooFastError) -> None:
        seconds = failure.after_seconds or USUAL_HOLD_SECONDS
        if seconds > LONGEST_HOLD_SECONDS:
            raise failure
        self._pace.hold(seconds)

    async def _call(self, call: Call, token: str) -> Answer:
        if not self._for_user:
            self._budget.check()
        credentials = self._authorise(token)
        url = put_in_query(call.url, credentials.parameters)
        of_body = {} if call.body is None else {"Content-Type": "application/json"}
        sent = merge_headers(of_body, list_headers(self._connector), credentials.headers)
        await self._pace.wait(for_user=self._for_user)
        self._budget.count()
        try:
            with self._tracer.open_request("provider.request", call.method, url, with_path=True) as span:
                answer = await self._outbound.request(
                    call.method, url, headers=sent, max_bytes=MAX_ANSWER_BYTES, body=call.body
                )
                span.note_status(answer.status)
                self.was_answered = True
        except OutboundError as error:
            message = f"{self._connector.name} did not answer: {error}"
            raise RetryLaterError(message) from error
        except AddressRefusedError as error:
            message = f"{self._connector.name} must not be called there: {error}"
            raise ConnectorError(message) from error
        answer = _mask(answer, credentials)
        with contain("read_quota"):
            told = check("read_quota", self._connector.read_quota(answer), Quota)
        self._budget.correct(told)
        if told.calls_per_second is not None:
            self._pace.change_rate(told.calls_per_second)
        if answer.truncated:
            message = f"{self._connector.name} answered with more than {MAX_ANSWER_BYTES:,} bytes"
            raise ConnectorError(message)
        if holds_too_many(answer.body):
            name, most = self._connector.name, f"{MOST_VALUES:,}"
            message = f"{name} answered with more than {most} values; have it give smaller pages"
            raise ConnectorError(message)
        return answer


def holds_too_many(body: bytes) -> bool:
    """Say whether a body may hold more values than ``MOST_VALUES``: each but the first stands behind such a sign."""
    return len(body) > MOST_VALUES and sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES


def put_in_query(url: str, parameters: Mapping[str, str]) -> str:
    """Put what authorises a call into its address, in the place of what has the same names there."""
    if not parameters:
        return url
    address, _, query = url.partition("?")
    kept = [
        each for each in query.split("&") if each and unquote_plus(each.partition("=")[0]) not in parameters
    ]
    return f"{address}?{'&'.join([*kept, urlencode(parameters)])}"


def _mask(answer: Answer, credentials: Credentials) -> Answer:
    """Mask what authorised a call where its answer repeats it."""
    secrets = [*credentials.parameters.values(), *map("=".join, credentials.parameters.items())]
    # What is no good answer, or no JSON by its first character, is quoted in errors.
    if answer.status >= HTTPStatus.MULTIPLE_CHOICES or answer.body[:1] not in b"{[":
        secrets += list_secrets(credentials.headers.values())
    # Addresses of good answers, of records and of next pages, often repeat the query that they were asked by.
    return mask_secrets(answer, secrets) if secrets else answer
