"""Authenticated HTTP for one instance: its token, the provider's pace and the day's calls, status to error."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlencode

from signalpost.connectors.authorising import write_bearer
from signalpost.connectors.base import Connector, Quota
from signalpost.connectors.budget import Budget
from signalpost.connectors.containment import check, contain
from signalpost.connectors.masking import mask_secrets
from signalpost.model.errors import (
    AddressRefusedError,
    ConnectorError,
    NeedsAuthorisationError,
    QuotaSpentError,
    RetryLaterError,
    SignalpostError,
    TooFastError,
)
from signalpost.model.quota import Allowance
from signalpost.outbound import Answer, Outbound, OutboundError
from signalpost.tracing import NO_TRACES, Tracer

MAX_ANSWER_BYTES = 64 * 1024 * 1024
PACES_KEPT = 100_000
MOST_RETRIES = 5
"""How often a call that came too fast is made again."""
USUAL_HOLD_SECONDS = 1.0
GRAIN_SECONDS = 0.001
"""Timers are no finer: a shorter wait would take as long, and a thousand calls a second would be the most there is."""
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


class Timer(Protocol):
    """Something that will happen, unless it is cancelled."""

    def cancel(self) -> None:
        """Have it not happen."""
        ...


WriteHeaders = Callable[[str], Mapping[str, str]]
"""Gives the headers that authorise a call with a token."""

CallLater = Callable[[float, Callable[[], None]], Timer]
"""Calls a function after some seconds, once."""


def call_later(seconds: float, act: Callable[[], None]) -> Timer:
    """Call ``act`` after ``seconds``, in the running event loop."""
    return asyncio.get_running_loop().call_later(seconds, act)


class Pace:
    """Keeps the calls of one token apart, by the rate that the provider allots.

    A user's call goes before all background calls that wait; among the same kind the first come is the first served.
    """

    def __init__(
        self, calls_per_second: float, monotonic: Callable[[], float], later: CallLater = call_later
    ) -> None:
        self._calls_per_second = calls_per_second
        self._monotonic = monotonic
        self._call_later = later
        self._called_at = self._held_until = float("-inf")
        self._users: deque[asyncio.Future[None]] = deque()
        self._background: deque[asyncio.Future[None]] = deque()
        self._timer: Timer | None = None

    @property
    def calls_per_second(self) -> float:
        """The rate."""
        return self._calls_per_second

    async def wait(self, *, for_user: bool = False) -> None:
        """Wait for this call's turn."""
        if not (self._users or self._background) and not self._take_turn():
            return
        turn = asyncio.get_running_loop().create_future()
        (self._users if for_user else self._background).append(turn)
        self._give_turns()
        await turn

    def change_rate(self, calls_per_second: float) -> None:
        """Change the rate, for those who wait already as well."""
        if calls_per_second > 0 and calls_per_second != self._calls_per_second:
            self._calls_per_second = calls_per_second
            self._give_turns()

    def hold(self, seconds: float) -> None:
        """Let nobody call for so long."""
        self._held_until = max(self._held_until, self._monotonic() + seconds)
        self._give_turns()

    def _give_turns(self) -> None:
        """Give the turns that are due, and have this called when the next one is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while waiting := self._users or self._background:
            if waiting[0].done():  # cancelled: its turn is the next one's
                waiting.popleft()
                continue
            if seconds := self._take_turn():
                self._timer = self._call_later(seconds, self._give_turns)
                return
            waiting.popleft().set_result(None)

    def _take_turn(self) -> float:
        """Take the next turn; where it is not due give in how many seconds it is."""
        now = self._monotonic()
        turn_at = max(self._called_at + 1 / self._calls_per_second, self._held_until)
        if turn_at - now > GRAIN_SECONDS:
            return turn_at - now
        # Booked for its own time, should that be a moment ahead: the rate is kept on the whole.
        self._called_at = max(now, turn_at)
        return 0.0


class Paces:
    """The paces of all tokens this process has used of late: they outlive the single poll."""

    def __init__(self, monotonic: Callable[[], float], later: CallLater = call_later) -> None:
        self._monotonic = monotonic
        self._call_later = later
        self._paces: OrderedDict[str, Pace] = OrderedDict()

    def find(self, token: str, calls_per_second: float) -> Pace:
        """Give the pace kept for ``token``, or a new one of ``calls_per_second``."""
        pace = self._paces.get(token) or Pace(calls_per_second, self._monotonic, self._call_later)
        self._keep(token, pace)
        return pace

    def carry_on(self, old_token: str, new_token: str) -> None:
        """Let the pace of ``old_token`` go on as that of its successor."""
        pace = self._paces.get(old_token)
        if pace is not None and new_token not in self._paces:
            self._keep(new_token, pace)

    def _keep(self, token: str, pace: Pace) -> None:
        self._paces[token] = pace
        self._paces.move_to_end(token)
        if len(self._paces) > PACES_KEPT:
            self._paces.popitem(last=False)


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
        write_headers: WriteHeaders = write_bearer,
    ) -> None:
        self._connector = connector
        self._base_url = base_url
        self._write_headers = write_headers
        self._outbound = outbound
        self._tokens = tokens
        self._pace = pace
        self._budget = budget
        self._for_user = for_user
        self._tracer = tracer

    @property
    def base_url(self) -> str:
        """What every path is put behind."""
        return self._base_url

    @property
    def calls(self) -> int:
        """How many calls were made, repeated ones included."""
        return self._budget.calls

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
        url = self._base_url + path
        if parameters:
            url += ("&" if "?" in path else "?") + urlencode(parameters)
        token = await self._tokens.give()
        renewed, retries = False, 0
        while True:
            answer = await self._call(url, token)
            failure = self._judge(answer)
            if failure is None:
                return answer
            if isinstance(failure, NeedsAuthorisationError) and not renewed:
                token = await self._tokens.renew(token)
                renewed = True
            elif isinstance(failure, TooFastError) and retries < MOST_RETRIES:
                retries += 1
                self._slow_down(failure)
            else:
                if isinstance(failure, QuotaSpentError):
                    self._budget.spend(failure.after_seconds)
                raise failure

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

    async def _call(self, url: str, token: str) -> Answer:
        if not self._for_user:
            self._budget.check()
        with contain("write_headers"):
            headers = self._write_headers(token)
        await self._pace.wait(for_user=self._for_user)
        self._budget.count()
        try:
            with self._tracer.open_request("provider.request", "GET", url, with_path=True) as span:
                answer = await self._outbound.request("GET", url, headers=headers, max_bytes=MAX_ANSWER_BYTES)
                span.note_status(answer.status)
        except OutboundError as error:
            message = f"{self._connector.name} did not answer: {error}"
            raise RetryLaterError(message) from error
        except AddressRefusedError as error:
            message = f"{self._connector.name} must not be called there: {error}"
            raise ConnectorError(message) from error
        with contain("read_quota"):
            told = check("read_quota", self._connector.read_quota(answer), Quota)
        self._budget.correct(told)
        if told.calls_per_second is not None:
            self._pace.change_rate(told.calls_per_second)
        if answer.truncated:
            message = f"{self._connector.name} answered with more than {MAX_ANSWER_BYTES:,} bytes"
            raise ConnectorError(message)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            return mask_secrets(answer, _list_secrets(headers))
        return answer


def _list_secrets(headers: Mapping[str, str]) -> list[str]:
    """List what authorised a call: the values of its headers, and in them what follows a scheme (``Bearer``)."""
    return [secret for value in headers.values() for secret in (value, value.rpartition(" ")[2])]
