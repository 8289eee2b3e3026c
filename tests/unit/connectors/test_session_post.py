"""Calls by POST: with their body in each repetition, and under all that holds for GET."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from signalpost.connectors.authorising import Credentials
from signalpost.connectors.budget import Budget
from signalpost.connectors.pacing import Paces
from signalpost.connectors.rest import RestConnector
from signalpost.connectors.rest.reading import read_text
from signalpost.connectors.session import ProviderSession
from signalpost.model.errors import (
    NeedsAuthorisationError,
    QuotaSpentError,
    RejectedError,
    RetryLaterError,
    TooFastError,
)
from signalpost.model.quota import Allowance, next_midnight
from signalpost.outbound import Outbound
from signalpost.polling.dates import compile_pattern
from signalpost.sandbox.rest import run_sandbox
from signalpost.sandbox.rest.state import Fault
from signalpost.testing.recorded import Provider, make_answer, open_session
from tests.rest.desk import write_desk
from tests.unit.connectors.fake_time import HastyTime
from tests.unit.connectors.test_session import GivenTokens

PATH = "/page/tickets"


class Desk:
    """Sessions to the generated API, whose tokens are those of OAuth2."""

    def __init__(self, api, outbound):
        self.api, self.outbound, self.time = api, outbound, HastyTime()
        self.paces = Paces(self.time.monotonic, self.time.later)
        self.connector = RestConnector(
            read_text(write_desk(api.url, auth="oauth2_client"), "desk.toml", compile_pattern)
        )
        api.state.collections["tickets"] = [{"id": number} for number in range(5)]

    def issue(self):
        return self.api.state.give_tokens(time.time(), refresh=False)["access_token"]

    def open(self, *tokens, allowance=None, for_user=False):
        return ProviderSession(
            connector=self.connector,
            base_url=self.connector.find_host({}),
            outbound=self.outbound,
            tokens=GivenTokens(*(tokens or [self.issue()])),
            pace=self.paces.find("one", 1000.0),
            budget=Budget(allowance, lambda: datetime.now(UTC)),
            for_user=for_user,
        )


@pytest.fixture
async def desk():
    async with run_sandbox() as api, Outbound(allow_private=True, connections=10) as outbound:
        yield Desk(api, outbound)


async def test_the_body_is_sent_as_json_each_time(desk):
    session = desk.open("a-token-that-ended", desk.issue())
    desk.api.state.faults.append(Fault("status", status=429, times=2))
    answer = await session.post(PATH, {"page": "2"}, {"size": 2})
    assert [each["id"] for each in answer.read_json()["data"]["items"]] == [2, 3]
    # Refused with the first token, twice too fast, answered.
    assert (session.calls, session.tokens_version, desk.api.state.calls) == (4, 1, 4)


async def test_without_a_body_none_is_sent(desk):
    answer = await desk.open().post(PATH, {}, None)
    assert len(answer.read_json()["data"]["items"]) == 5


async def test_what_is_refused_is_told_without_the_token(desk):
    session = desk.open("a-token-that-ended", "another-that-ended")
    with pytest.raises(NeedsAuthorisationError):
        await session.post(PATH, {}, {})
    with pytest.raises(RejectedError, match="size is '2'") as refused:
        await desk.open().post(PATH, {}, {"size": "2"})
    assert refused.value.args
    provider = Provider(
        "https://a.example", {}, first=[make_answer({"got": "Bearer tok-of-mine"}, status=503)]
    )
    with pytest.raises(RetryLaterError) as failed:
        await open_session(desk.connector, {}, "tok-of-mine", provider, HastyTime()).post(PATH, {}, {"a": 1})
    assert "tok-of-mine" not in str(failed.value)


async def test_it_counts_among_the_days_calls(desk):
    allowance = Allowance(1000, 900, next_midnight(datetime.now(UTC)))
    with pytest.raises(QuotaSpentError):
        await desk.open(allowance=allowance).post(PATH, {}, {})
    assert desk.api.state.calls == 0
    session = desk.open(allowance=allowance, for_user=True)
    await session.post(PATH, {}, {})
    assert (session.calls, session.allowance.used) == (1, 901)
    desk.api.state.faults.append(Fault("status", status=429, times=100))
    with pytest.raises(TooFastError):
        await session.post(PATH, {}, {})
    assert session.calls == 7


async def test_a_connectors_own_content_type_goes_before(desk):
    sent = []

    class Recording(Provider):
        async def request(self, method, url, *, headers, max_bytes, body):
            sent.append((method, dict(headers), body))
            return await super().request(method, url, headers=headers, max_bytes=max_bytes, body=body)

    provider = Recording(desk.connector.find_host({}), {"POST /a": {}, "/a": {}})
    session = open_session(desk.connector, {}, "token", provider, HastyTime())
    await session.post("/a", {}, {"name": "é"})
    session._authorise = lambda _: Credentials({"content-type": "application/vnd.api+json"}, {})
    await session.post("/a", {}, {"name": "é"})
    await session.post("/a", {}, None)
    await session.get("/a", {})
    assert [headers.get("Content-Type") for _, headers, _ in sent] == ["application/json", None, None, None]
    assert sent[1][1] == {"Accept": "application/json", "content-type": "application/vnd.api+json"}
    assert [body for _, _, body in sent] == ['{"name":"é"}'.encode()] * 2 + [None] * 2
    assert provider.calls == ['POST /a {"name":"é"}', 'POST /a {"name":"é"}', "POST /a", "/a"]
