"""A connector's own faults in the calls it judges: told by their kind, never in its words, and the session goes on."""

from __future__ import annotations

import asyncio
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from signalpost.connectors.authorising import Grant, authorise
from signalpost.connectors.base import Quota
from signalpost.connectors.budget import Budget
from signalpost.connectors.containment import contain, guard
from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.connectors.pacing import Paces
from signalpost.connectors.resource import ListPage
from signalpost.connectors.session import ProviderSession
from signalpost.instances.tokens import FixedToken
from signalpost.model.errors import ConnectorError, FencedError, MissingError
from signalpost.model.event import Change, EventType, Gap, Page
from signalpost.model.instance import Account, Tokens
from signalpost.outbound import Answer
from tests.unit.connectors.fake_time import HastyTime

SECRET = "hunter2"
NAIVE = datetime(2026, 5, 28, 12, tzinfo=UTC).replace(tzinfo=None)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.builds(object)
    | st.builds(
        Change,
        *[st.none() | st.text()] * 4,
        st.none() | st.datetimes(),
        st.none() | st.integers(-1, 2),
    ),
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=5,
)


class Provider:
    """Answers every call alike (``outbound.Outbound``, as far as a session uses it)."""

    async def request(self, *_, **__):
        return Answer(200, {}, b"{}", False, 0.0)


def open_session(**behaviour):
    connector = type("Odd", (EgnyteConnector,), behaviour)()
    time = HastyTime()
    return ProviderSession(
        connector=connector,
        base_url="https://provider.example.com",
        outbound=Provider(),
        tokens=FixedToken(SECRET),
        pace=Paces(time.monotonic, time.later).find("t", 1000.0),
        budget=Budget(None, lambda: None),
        for_user=True,
        authorise=partial(authorise, connector, {}),
    )


def fail(*_):
    raise ValueError(SECRET)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ({"classify": fail}, "classify raised ValueError"),
        ({"classify": lambda *_: "wrong"}, "classify gave str in the place of SignalpostError"),
        ({"classify": lambda *_: ValueError(SECRET)}, "classify gave ValueError in the place of"),
        ({"read_quota": fail}, "read_quota raised ValueError"),
        ({"read_quota": lambda *_: None}, "read_quota gave NoneType in the place of Quota"),
        ({"read_quota": lambda *_: Quota(calls_per_second="2")}, "read_quota gave a Quota that is no number"),
        ({"read_quota": lambda *_: Quota(calls_a_day=True)}, "read_quota gave a Quota that is no number"),
        ({"read_quota": lambda *_: Quota(calls_a_day=-1)}, "read_quota gave a Quota that is no number"),
        ({"read_quota": lambda *_: Quota(calls_a_day=10**30)}, "read_quota gave a Quota that is no number"),
        ({"read_quota": lambda *_: Quota(calls_used=float("nan"))}, "gave a Quota that is no number"),
        ({"read_quota": lambda *_: Quota(resets_at="soon")}, "gave a Quota that resets at a time without"),
        ({"read_quota": lambda *_: Quota(resets_at=NAIVE)}, "gave a Quota that resets at a time without"),
        ({"grant": Grant.CONSENT, "write_headers": fail}, "write_headers raised ValueError"),
        ({"grant": Grant.CONSENT, "write_headers": lambda *_: None}, "gave NoneType in the place of Mapping"),
        ({"write_parameters": fail}, "write_parameters raised ValueError"),
        ({"write_parameters": lambda *_: SECRET}, "write_parameters raised ValueError"),
    ],
)
async def test_what_judges_an_answer_fails_as_that_connector(behaviour, reason):
    session = open_session(**behaviour)
    with capture_logs() as told, pytest.raises(ConnectorError) as failure:
        await session.get("/", {})
    assert reason in str(failure.value)
    assert SECRET not in str(failure.value)
    assert failure.value.__cause__ is None
    assert [each["event"] for each in told] == ["connector.failed"]
    assert SECRET not in str(told)


async def test_what_it_raises_on_purpose_is_what_is_raised():
    with pytest.raises(MissingError, match="gone"):
        await open_session(classify=lambda *_: MissingError("gone")).get("/", {})


def test_that_a_row_of_ours_was_moved_on_is_not_for_it_to_say():
    with pytest.raises(ConnectorError, match="read raised FencedError"), contain("read"):
        raise FencedError(SECRET)


def test_the_log_says_where_it_failed_and_not_with_what():
    with capture_logs() as told, pytest.raises(ConnectorError), contain("identify"):
        fail()
    assert "in fail" in told[0]["exception"]
    assert told[0]["kind"] == "ValueError"
    assert SECRET not in told[0]["exception"].replace("raise ValueError(SECRET)", "")


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (Account(7, "label"), Account),
        (Account("7", None), Account),
        (Account("7\x00", "label"), Account),
        (Tokens("", None, None), Tokens),
        (Tokens(None, None, None), Tokens),
        (Tokens("t", 7, None), Tokens),
        (Tokens("t", None, NAIVE), Tokens),
        (Tokens("t", None, "2026-05-28"), Tokens),
    ],
)
async def test_accounts_and_tokens_that_are_none_are_refused(given, kind):
    class Odd:
        async def step(self):
            return given

    with pytest.raises(ConnectorError, match=f"Odd.step gave .*{kind.__name__}"):
        await guard(Odd(), "step", kind)


@pytest.mark.parametrize("field", ["change_id", "object_id", "object_type"])
async def test_half_characters_in_a_change_are_told_as_its_fault(field):
    change = Change("1", "a", "thing", EventType.CREATED, NAIVE.replace(tzinfo=UTC), 0)
    page = Page(("{}",), (change._replace(**{field: "a\ud83d"}),), {}, more=False)

    class Odd:
        async def step(self):
            return page

    with pytest.raises(ConnectorError, match=r"Odd.step gave a Change whose .* that can be kept"):
        await guard(Odd(), "step", Page)


async def test_a_timeout_of_its_own_is_its_own_failure():
    class Odd:
        async def step(self):
            raise TimeoutError

    with pytest.raises(ConnectorError, match=r"Odd\.step raised TimeoutError"):
        await guard(Odd(), "step", dict)


@settings(max_examples=50)
@given(st.sampled_from([dict, Account, Gap, ListPage, Page, Quota, Tokens]), st.data())
def test_whatever_is_given_passes_or_is_told(kind, data):
    parts = [data.draw(VALUES) for _ in fields(kind)] if is_dataclass(kind) else []
    given = data.draw(VALUES) if kind is dict else kind(*parts)

    class Odd:
        async def step(self):
            return given

    told = ""
    try:
        assert asyncio.run(guard(Odd(), "step", kind)) is given
    except ConnectorError as error:
        told = str(error)
    assert not told or told.startswith("the connector failed: Odd.step ")
