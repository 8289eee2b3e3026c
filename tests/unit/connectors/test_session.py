"""Calls of one account: asked again when too fast, counted, and stopped when the day's calls are used up."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from signalpost.connectors.budget import Budget
from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.connectors.pacing import Paces
from signalpost.connectors.session import ProviderSession
from signalpost.model.errors import (
    NeedsAuthorisationError,
    QuotaSpentError,
    RetryLaterError,
    TooFastError,
)
from signalpost.model.quota import Allowance, next_midnight
from signalpost.outbound import Outbound
from signalpost.sandbox.egnyte.faults import Fault
from signalpost.sandbox.egnyte.settings import change_settings
from signalpost.sandbox.egnyte.tokens import Grant
from signalpost.testing.recorded import Provider, open_session
from tests.unit.connectors.fake_time import HastyTime

PATH = "/pubapi/v1/userinfo"


class GivenTokens:
    """Gives the first token, and the next one at each renewal (``session.AccessTokens``)."""

    version = 0

    def __init__(self, *tokens):
        self.tokens = list(tokens)

    async def give(self):
        return self.tokens[0]

    async def renew(self, refused):
        if self.tokens[0] == refused:
            del self.tokens[0]
            self.version += 1
        return self.tokens[0]


class Account:
    """One account at the sandbox; ``now`` is the sessions' clock."""

    def __init__(self, sandbox, outbound):
        self.state = sandbox.state
        self.connector = EgnyteConnector(sandbox.url)
        self.outbound = outbound
        self.token = self.issue()
        self.time = HastyTime()
        self.paces = Paces(self.time.monotonic, self.time.later)
        self.now = datetime.now(UTC)

    def issue(self):
        settings = self.state.settings
        return self.state.tokens.issue(Grant("key", 1), settings=settings, now=time.time()).access_token

    def open(self, *tokens, for_user=False, allowance=None):
        return ProviderSession(
            connector=self.connector,
            base_url=self.connector.find_host({"subdomain": "acme"}),
            outbound=self.outbound,
            tokens=GivenTokens(*(tokens or [self.token])),
            pace=self.paces.find(self.token, 1000.0),
            budget=Budget(allowance, lambda: self.now),
            for_user=for_user,
        )

    def fail(self, kind, **options):
        self.state.faults.add(Fault(kind, **options))

    def allow(self, calls_a_day):
        self.state.settings = change_settings(self.state.settings, {"quota_per_day": calls_a_day})

    @property
    def calls(self):
        return self.state.calls.total()


async def call_on(session):
    for _ in range(30):
        await session.get(PATH, {})


@pytest.fixture
async def account(sandbox):
    async with Outbound(allow_private=True, connections=10) as outbound:
        yield Account(sandbox, outbound)


async def test_a_call_that_came_too_fast_is_made_again_and_every_call_counts(account):
    account.fail("over_qps", times=5)
    session = account.open()
    began_at = account.time.now
    assert (await session.get(PATH, {})).status == 200
    assert session.calls == account.calls == 6
    assert account.time.now >= began_at + 5  # a second each, as the provider asked


async def test_a_call_that_stays_too_fast_fails_after_five_more(account):
    account.fail("over_qps", times=100)
    session = account.open()
    with pytest.raises(TooFastError):
        await session.get(PATH, {})
    assert session.calls == account.calls == 6


async def test_nobody_is_kept_waiting_for_a_long_silence(account):
    headers = {"X-Mashery-Error-Code": "ERR_403_DEVELOPER_OVER_QPS", "Retry-After": "3600"}
    account.fail("status", status=403, headers=headers)
    session = account.open()
    began_at = account.time.now
    with pytest.raises(TooFastError) as caught:
        await session.get(PATH, {})
    assert caught.value.after_seconds == 3600
    assert session.calls == 1
    await account.open(for_user=True).get(PATH, {})
    assert account.time.now < began_at + 1


async def test_the_providers_count_is_taken_over(account):
    account.allow(500)
    session = account.open()
    assert session.allowance is None
    await session.get(PATH, {})
    assert (session.allowance.calls_a_day, session.allowance.used) == (500, 1)
    second = account.open(allowance=Allowance(1000, 700, next_midnight(account.now)))
    await second.get(PATH, {})
    assert (second.allowance.calls_a_day, second.allowance.used) == (500, 2)


async def test_polls_stop_at_their_share_and_the_user_goes_on_to_the_end(account):
    account.allow(20)
    background = account.open(allowance=Allowance(1000, 0, next_midnight(account.now)))
    with pytest.raises(QuotaSpentError, match="18 of 20") as caught:
        await call_on(background)
    assert background.calls == account.calls == 18
    assert 0 < caught.value.after_seconds <= 86_400
    user = account.open(for_user=True, allowance=background.allowance)
    with pytest.raises(QuotaSpentError):
        await call_on(user)
    assert account.calls == 21
    assert user.allowance.used >= 20


async def test_a_day_that_the_provider_says_is_used_up_is_kept_as_that(account):
    account.fail("over_rate", times=2)
    background = account.open(allowance=Allowance(1000, 10, next_midnight(account.now)))
    with pytest.raises(QuotaSpentError) as caught:
        await background.get(PATH, {})
    assert background.allowance.used >= background.allowance.calls_a_day
    wait = timedelta(seconds=caught.value.after_seconds)
    assert background.allowance.resets_at == account.now + wait
    with pytest.raises(QuotaSpentError):
        await background.get(PATH, {})
    assert account.calls == 1
    with pytest.raises(QuotaSpentError):
        await account.open(for_user=True, allowance=background.allowance).get(PATH, {})
    assert account.calls == 2


async def test_a_reset_in_the_middle_of_a_session_brings_new_calls(account):
    resets_at = next_midnight(account.now)
    session = account.open(allowance=Allowance(1000, 900, resets_at))
    with pytest.raises(QuotaSpentError):
        await session.get(PATH, {})
    account.now = resets_at
    assert session.allowance.used == 0
    await session.get(PATH, {})
    assert session.calls == account.calls == 1


async def test_a_call_whose_answer_is_lost_counts(account):
    account.fail("reset")
    session = account.open(allowance=Allowance(1000, 10, next_midnight(account.now)))
    with pytest.raises(RetryLaterError, match="Egnyte did not answer"):
        await session.get(PATH, {})
    assert session.calls == 1
    assert session.allowance.used == 11


async def test_a_refused_token_is_renewed_once(account):
    session = account.open("tok_dead", account.token)
    await session.get(PATH, {})
    assert (session.calls, session.tokens_version) == (2, 1)
    session = account.open("tok_dead", "tok_dead_too", account.token)
    with pytest.raises(NeedsAuthorisationError):
        await session.get(PATH, {})
    assert (session.calls, session.tokens_version) == (2, 1)


async def test_the_users_call_overtakes_polls_that_wait(account):
    account.paces.find(account.token, 1000.0).hold(1)
    ended = []

    async def call(session, name):
        await session.get(PATH, {})
        ended.append(name)

    await asyncio.gather(
        call(account.open(), "poll"),
        call(account.open(), "another poll"),
        call(account.open(for_user=True), "user"),
    )
    assert ended[0] == "user"


@pytest.mark.parametrize(
    ("path", "parameters", "called"),
    [
        ("/a", {}, "/a"),
        ("/a", {"b": "c d"}, "/a?b=c+d"),
        ("/a?x=1", {}, "/a?x=1"),
        ("/a?x=1", {"b": "2"}, "/a?x=1&b=2"),
    ],
)
async def test_parameters_follow_those_that_the_path_has(path, parameters, called):
    provider = Provider("https://acme.egnyte.com", {"/a": {}})
    session = open_session(EgnyteConnector(), {"subdomain": "acme"}, "token", provider, HastyTime())
    await session.get(path, parameters)
    assert provider.calls == [called]
