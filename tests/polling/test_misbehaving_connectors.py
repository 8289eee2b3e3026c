"""Connectors of others that misbehave while they run: the resource says which step failed, the others are read."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from signalpost.connectors import containment
from signalpost.connectors.resource import ListPage
from signalpost.model.errors import (
    ConnectorError,
    NeedsAuthorisationError,
    QuotaSpentError,
    RetryLaterError,
)
from signalpost.model.event import Change, EventType, Gap, Page
from tests.polling.machine import CONFIGURATIONS, Machine
from tests.polling.provider import Provider, ProviderConnector, ProviderFeed, ProviderListing, ProviderSession

SECRET = "token=hunter2"
AT = datetime(2026, 5, 28, tzinfo=UTC)


def make_change(**wrong):
    right = {"change_id": "1", "object_id": "a", "object_type": "thing", "event_type": EventType.CREATED}
    return Change(**{**right, "occurred_at": AT, "record_index": 0, **wrong})


def give(value):
    async def act(*_, **__):
        return value

    return act


async def fail(*_, **__):
    raise KeyError(SECRET)


async def hang(*_, **__):
    await asyncio.Event().wait()


def refuse(failure):
    async def act(*_, **__):
        raise failure

    return act


def give_page(record="{}", **wrong):
    return give(Page((record,), (make_change(**wrong),), {}, more=False))


def fail_at_once(*_, **__):
    raise KeyError(SECRET)


FEEDS = {
    "fails to open": ({"open_feed": fail_at_once}, "open_feed raised KeyError"),
    "opens nothing": ({"open_feed": lambda *_: None}, "NoneType.find_start raised AttributeError"),
    "fails to start": ({"find_start": fail}, "Odd.find_start raised KeyError"),
    "starts nowhere": ({"find_start": give(None)}, "Odd.find_start gave NoneType in the place of dict"),
    "starts at what is no JSON": ({"find_start": give({"at": object()})}, "gave a watermark that is no JSON"),
    "fails to read": ({"read": fail}, "Odd.read raised KeyError"),
    "cancels itself": ({"read": refuse(asyncio.CancelledError())}, "Odd.read raised CancelledError"),
    "ends the process": ({"read": refuse(SystemExit(1))}, "Odd.read raised SystemExit"),
    "is not async": ({"read": lambda *_, **__: Page((), (), {}, more=False)}, "Odd.read raised TypeError"),
    "hangs": ({"read": hang}, "hangs: Odd.read gave nothing within 0.2 s"),
    "reads a list": ({"read": give([])}, "Odd.read gave list in the place of Page"),
    "loses its place": ({"read": give(Page((), (), None, more=False))}, "a Page whose watermark is no JSON"),
    "reads no texts": ({"read": give(Page(({},), (), {}, more=False))}, "a Page whose records are no texts"),
    "changes what is none": (
        {"read": give(Page(("{}",), ("created",), {}, more=False))},
        "a Page with str among its changes",
    ),
    "changes what is not there": (
        {"read": give(Page(("{}",), (make_change(record_index=1),), {}, more=False))},
        "a Change of a record that is not in its Page",
    ),
    "changes without a zone": (
        {"read": give(Page(("{}",), (make_change(occurred_at=AT.replace(tzinfo=None)),), {}, more=False))},
        "a Change at a time without a zone",
    ),
    "changes in a way of its own": (
        {"read": give_page(event_type="created")},
        "a Change whose event_type is no EventType",
    ),
    "changes nothing that has a name": (
        {"read": give_page(object_type=None)},
        "a Change whose object_type is no text",
    ),
    "changes at no time": ({"read": give_page(occurred_at="2026")}, "a Change at a time without a zone"),
    "writes a record as Python does": (
        {"read": give_page("{'a': 1}")},
        "a Page with a record that is no JSON",
    ),
    "writes what is no number": ({"read": give_page('{"a": NaN}')}, "a Page with a record that is no JSON"),
    "writes so in the second record": (
        {"read": give(Page(("{}", '{"a": -Infinity}'), (), {}, more=False))},
        "a Page with a record that is no JSON",
    ),
    "remarks what cannot be kept": (
        {"read": give(Page((), (), {}, more=False, remark="a\x00b"))},
        "a Page whose remark is no text that can be kept",
    ),
    "says when in words": ({"read": refuse(RetryLaterError("later", after_seconds="7"))}, "later"),
    "says when far away": ({"read": refuse(RetryLaterError("later", after_seconds=1e300))}, "later"),
    "tells what cannot be kept": ({"read": refuse(ConnectorError("a\x00b\ud800c"))}, "a\ufffdb\ufffdc"),
    "changes without an id": (
        {"read": give(Page(("{}",), (make_change(change_id=None),), {}, more=False))},
        "a Change whose ids are no texts",
    ),
}
LISTINGS = {
    "fails to open": ({"open_listing": fail_at_once}, "open_listing raised KeyError"),
    "fails to read": ({"read": fail}, "Odd.read raised KeyError"),
    "hangs": ({"read": hang}, "hangs: Odd.read gave nothing within 0.2 s"),
    "reads text": ({"read": give("records")}, "Odd.read gave str in the place of ListPage"),
    "lists text": ({"read": give(ListPage("records", None))}, "a ListPage whose records are str"),
    "goes on at a number": ({"read": give(ListPage([], 7))}, "a ListPage whose next is neither None nor"),
    "lists millions": (
        {"read": give(ListPage([1] * 100_001, None))},
        "a ListPage of more than 100,000 records",
    ),
    "is not sure of its end": (
        {"read": give(ListPage([], None, complete=None))},
        "a ListPage whose complete is neither",
    ),
    "counts in words": ({"read": give(ListPage([], None, "7"))}, "a ListPage whose total is neither"),
}


@pytest.fixture
def connect(pool, monkeypatch):
    """Give a function that connects an instance that polls two resources, of which ``broken`` misbehaves."""

    async def connect(kind, behaviour):
        provider = Provider()
        own = {name: act for name, act in behaviour.items() if name.startswith("open_")}
        parts = {name: act for name, act in behaviour.items() if name not in own}
        opened = type("Odd", (ProviderFeed if kind == "feed" else ProviderListing,), parts)
        name = "open_feed" if kind == "feed" else "open_listing"
        own.setdefault(name, lambda *_: opened(provider))

        class Odd(ProviderConnector):
            def open_feed(self, resource, *rest):
                use = own.get("open_feed") or super().open_feed
                return use(resource, *rest)

            def open_listing(self, resource, *rest):
                use = own.get("open_listing") or super().open_listing
                return use(resource, *rest)

        machine = Machine(provider, pool, kind)
        machine._parts.registry._connectors["simulated"] = Odd(provider)
        good = "timestamp" if kind == "feed" else "feed"
        draft = machine._draft

        def draft_both(configuration, more):
            both = {"broken": CONFIGURATIONS[kind], "good": CONFIGURATIONS[good]}
            made = draft(configuration, more)
            return type(made)(**{each: getattr(made, each) for each in made.__slots__} | {"resources": both})

        monkeypatch.setattr(machine, "_draft", draft_both)
        await machine.connect()
        return machine

    return connect


async def read_errors(machine):
    rows = await machine.pool.fetch(
        "SELECT resource, last_error, watermark FROM resource_poll WHERE instance_id = $1",
        machine.instance.id,
    )
    return {row["resource"]: (row["last_error"], row["watermark"]) for row in rows}


@pytest.mark.parametrize(
    ("kind", "case"), [*(("feed", each) for each in FEEDS), *(("timestamp", each) for each in LISTINGS)]
)
async def test_the_resource_that_fails_says_why_and_the_other_is_read(connect, kind, case, monkeypatch):
    monkeypatch.setattr(containment, "READ_SECONDS", 0.2)
    behaviour, reason = (FEEDS if kind == "feed" else LISTINGS)[case]
    machine = await connect(kind, behaviour)
    await machine.poll()
    errors = await read_errors(machine)
    assert reason in errors["broken"][0]
    assert SECRET not in errors["broken"][0]
    assert errors["good"][0] is None
    assert errors["good"][1] is not None
    assert await machine.read_events() == []


async def test_a_feed_that_fills_the_same_lists_for_each_page_is_told_as_it_was(connect):
    records, changes = [], []

    async def read(self, session, watermark, *, verify):
        page = await ProviderFeed.read(self, session, watermark, verify=verify)
        records[:], changes[:] = page.records, page.changes
        return replace(page, records=records, changes=changes)

    machine = await connect("feed", {"read": read})
    await machine.poll()
    machine.provider.now += machine.interval
    for number in range(20):
        machine.provider.write(f"a{number}", number)
    await machine.poll()
    told = [each for each in await machine.read_events() if "action" in each["record"]]
    assert [each["object_id"] for each in told] == [f"a{number}" for number in range(20)]
    assert [each["record"]["value"] for each in told] == list(range(20))


async def test_a_feed_that_writes_into_the_watermark_it_is_given_is_read_on(connect):
    async def read(self, session, watermark, *, verify):
        page = await ProviderFeed.read(self, session, watermark, verify=verify)
        watermark["id"] = page.watermark["id"]
        return replace(page, watermark=watermark)

    machine = await connect("feed", {"read": read})
    await machine.poll()
    machine.provider.now += machine.interval
    for number in range(20):
        machine.provider.write(f"a{number}", number)
    await machine.poll()
    told = [each["object_id"] for each in await machine.read_events() if "action" in each["record"]]
    assert told == [f"a{number}" for number in range(20)]
    assert (await read_errors(machine))["broken"] == (None, {"id": 20})


@pytest.mark.parametrize("after_seconds", ["3600", 1e11, 1e300, float("nan")])
async def test_calls_that_are_used_up_keep_an_instance_silent_for_two_days_at_most(connect, after_seconds):
    spent = QuotaSpentError("used up", after_seconds=after_seconds)
    machine = await connect("feed", {"read": refuse(spent)})
    await machine.poll()
    next_at = await machine.pool.fetchval(
        "SELECT next_poll_at FROM instance WHERE id = $1", machine.instance.id
    )
    assert machine.provider.now < next_at <= machine.provider.now + timedelta(days=2)


async def test_a_refusal_in_words_that_cannot_be_kept_stops_polling_all_the_same(connect, monkeypatch):
    machine = await connect("feed", {"read": refuse(NeedsAuthorisationError("invalid\x00 token"))})
    version = await machine.pool.fetchval(
        "SELECT version FROM credential WHERE instance_id = $1", machine.instance.id
    )
    monkeypatch.setattr(ProviderSession, "tokens_version", version, raising=False)
    await machine.poll()
    valid = await machine.pool.fetchval("SELECT valid FROM instance WHERE id = $1", machine.instance.id)
    assert valid is False


async def test_a_lost_watermark_that_cannot_be_recovered_is_told(connect):
    machine = await connect("feed", {"recover": give(Gap("lost", {"id": 1}, None))})
    for number in range(5):
        machine.provider.write(f"a{number}", number)
    await machine.poll()
    for number in range(5, 20):
        machine.provider.write(f"a{number}", number)
    machine.provider.drop(12)
    machine.provider.now += machine.interval
    await machine.poll()
    assert "Odd.recover gave a Gap with a watermark" in (await read_errors(machine))["broken"][0]


async def test_a_connector_that_cannot_say_where_its_provider_is_fails_alone(connect):
    machine = await connect("timestamp", {})
    object.__setattr__(machine._parts, "open_session", fail_at_once)

    class Calling(ProviderListing):
        async def read(self, session, position, size):
            await session.get("/", {})

    machine._parts.registry._connectors["simulated"].open_listing = lambda *_: Calling(machine.provider)
    await machine.poll()
    assert (await read_errors(machine))["broken"][0] == "the connector failed: find_host raised KeyError"
