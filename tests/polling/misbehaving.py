"""How connectors of others misbehave, and what is said of each: behaviour, and the words."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

from signalpost.connectors.resource import ListPage
from signalpost.model.errors import ConnectorError, RetryLaterError
from signalpost.model.event import Change, EventType, Page

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
    "is not sure of its end": (
        {"read": give(Page((), (), {}, more="no"))},
        "a Page whose more is neither True nor False",
    ),
    "starts at what cannot be kept": (
        {"find_start": give({"at": "a\x00"})},
        "gave a watermark that is no JSON object that can be kept",
    ),
    "goes on at what cannot be kept": (
        {"read": give(Page((), (), {"at": ["\\\x00"]}, more=False))},
        "a Page whose watermark is no JSON object that can be kept",
    ),
    "changes before all years": (
        {"read": give_page(occurred_at=datetime.min.replace(tzinfo=timezone(timedelta(hours=1))))},
        "a Change at a time without a zone, or that is none in UTC",
    ),
    "changes after all years": (
        {"read": give_page(occurred_at=datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))))},
        "a Change at a time without a zone, or that is none in UTC",
    ),
    "is not sure what it creates": (
        {"read": give_page(creates_or_updates=1)},
        "a Change whose creates_or_updates is neither True nor False",
    ),
    "cuts its second record": (
        {
            "read": give(
                Page(
                    ("{}", '{"a": "b'),
                    (make_change(), make_change(change_id="2", record_index=1)),
                    {},
                    more=False,
                )
            )
        },
        "the connector failed: it gave a record that is no JSON",
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
    "goes on at nothing": (
        {"read": give(ListPage([], ""))},
        "a ListPage whose next is neither None nor a text with something in it",
    ),
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
