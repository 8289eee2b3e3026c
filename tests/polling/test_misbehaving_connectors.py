"""Connectors of others that misbehave while they run: the resource says which step failed, the others are read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from signalpost.connectors import containment
from signalpost.model.errors import (
    NeedsAuthorisationError,
    QuotaSpentError,
)
from signalpost.model.event import Gap
from tests.polling.machine import CONFIGURATIONS, Machine
from tests.polling.misbehaving import FEEDS, LISTINGS, SECRET, fail_at_once, give, refuse
from tests.polling.provider import Provider, ProviderConnector, ProviderFeed, ProviderListing, ProviderSession


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


async def tell_twenty(machine):
    """Have twenty changes polled after a first poll; give the events told of them."""
    await machine.poll()
    machine.provider.now += machine.interval
    for number in range(20):
        machine.provider.write(f"a{number}", number)
    await machine.poll()
    return [each for each in await machine.read_events() if "action" in each["record"]]


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
    told = await tell_twenty(machine)
    assert [each["object_id"] for each in told] == [f"a{number}" for number in range(20)]
    assert [each["record"]["value"] for each in told] == list(range(20))


async def test_a_feed_that_writes_into_the_watermark_it_is_given_is_read_on(connect):
    async def read(self, session, watermark, *, verify):
        page = await ProviderFeed.read(self, session, watermark, verify=verify)
        watermark["id"] = page.watermark["id"]
        return replace(page, watermark=watermark)

    machine = await connect("feed", {"read": read})
    told = [each["object_id"] for each in await tell_twenty(machine)]
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


async def test_pages_before_one_that_is_no_json_are_told(connect):
    async def read(self, session, watermark, *, verify):
        page = await ProviderFeed.read(self, session, watermark, verify=verify)
        cut = [record[:-1] if '"a16"' in record else record for record in page.records]
        return replace(page, records=tuple(cut))

    machine = await connect("feed", {"read": read})
    told = [each["object_id"] for each in await tell_twenty(machine)]
    assert told == [f"a{number}" for number in range(len(told))]
    assert 0 < len(told) <= 15
    assert (await read_errors(machine))["broken"][
        0
    ] == "the connector failed: it gave a record that is no JSON"
