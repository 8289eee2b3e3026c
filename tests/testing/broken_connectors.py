"""Ways to break a connector that ``signalpost connector new`` laid down, each with the check that must tell."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime

from signalpost.connectors.base import Authorization, Field, Quota
from signalpost.connectors.resource import ListPage, Strategy
from signalpost.connectors.rest.answers import find_list, read_json
from signalpost.model.errors import ConnectorError, InvalidRequestError, RetryLaterError
from signalpost.model.event import Change, EventType, Gap, Page
from signalpost.model.instance import Account, Tokens


def fail(*_):
    raise KeyError("hunter2")


def change_of(ids, kind=EventType.CREATED):
    at = datetime(2026, 5, 28, tzinfo=UTC)
    return tuple(Change(each, each, "thing", kind, at, index) for index, each in enumerate(ids))


class Feed:
    """A feed of two pages; each way to break it is an option."""

    def __init__(
        self,
        *,
        deletes=False,
        again=False,
        forgets=False,
        misplaced=False,
        early=False,
        back=False,
        stuck=False,
    ):
        self.deletes, self.again, self.forgets, self.misplaced = deletes, again, forgets, misplaced
        self.early, self.back, self.stuck = early, back, stuck
        self.read_here = 0

    async def find_start(self, session, start_at):
        await session.get("/me", {})
        return {"at": 0 if self.early or start_at is not None else 2}

    async def recover(self, session, watermark):
        return None if self.stuck else Gap("gone", watermark, {"at": 0})

    async def read(self, session, watermark, *, verify):
        await session.get("/me", {})
        at = self.read_here if self.forgets else watermark["at"]
        self.read_here += 1
        if at > 1:
            return Page((), (), {"at": 0} if self.back else watermark, more=False)
        kind = EventType.DELETED if self.deletes else EventType.CREATED
        changes = change_of(["same" if self.again else f"change-{at}"], kind)
        following = watermark["at"] if self.misplaced else at + 1
        return Page(("{}",), changes, {"at": following}, more=at < 1)


def feed(**options):
    """Give what makes ``tickets`` a feed that is read as ``options`` say."""

    class Made(Feed):
        async def find_start(self, session, start_at):
            await look(session)
            return await super().find_start(session, start_at)

        async def read(self, session, watermark, *, verify):
            if not options.get("blind"):
                await look(session)
            return await super().read(session, watermark, verify=verify)

    async def look(session):
        answer = await session.get("/me", {})
        if b'"id"' not in answer.body:
            raise ConnectorError("no account")

    def change(made, module):
        tickets = replace(
            module.TICKETS, strategies=(Strategy.FEED,), feed_tells_deletions=options.get("tells", False)
        )
        made.resources = (tickets,)
        own = {name: value for name, value in options.items() if name not in {"tells", "blind"}}
        made.open_feed = lambda *_: Made(**own)

    return change


def resource(**changed):
    def change(made, module):
        made.resources = (replace(module.TICKETS, **changed),)

    return change


def declare(**changed):
    def change(made, module):
        for name, value in changed.items():
            setattr(made, name, value)

    return change


def listing(read):
    def change(made, module):
        own = type("Broken", (module.TicketListing,), {"read": read})
        made.open_listing = lambda *_: own()

    return change


async def start_anywhere(self, session, position, size):
    """Keeps its place in itself, not in the position."""
    pages = [("/tickets", {}), ("/tickets", {"cursor": "after-2"})]
    self.at = getattr(self, "at", -1) + 1
    body = read_json("Acme", await session.get(*pages[self.at]))
    return ListPage(find_list("Acme", body, "items"), body.get("next"))


async def leave_out(self, session, position, size):
    """Knows the next page by another name than the provider has for it."""
    body = read_json("Acme", await session.get("/tickets", {}))
    return ListPage(find_list("Acme", body, "items"), body.get("next_page"))


async def take_null(self, session, position, size):
    """Takes null for an empty list."""
    body = read_json("Acme", await session.get("/tickets", {} if position is None else {"cursor": position}))
    return (
        ListPage([], None) if body is None else ListPage(find_list("Acme", body, "items"), body.get("next"))
    )


async def forgive(self, session, position, size):
    """Takes whatever it cannot read for an empty list."""
    query = {} if position is None else {"cursor": position}
    try:
        body = json.loads((await session.get("/tickets", query)).body)
        return ListPage(body["items"], body.get("next"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ListPage([], None)


async def trust(self, session, position, size):
    """Takes every answer for what it should be."""
    query = {} if position is None else {"cursor": position}
    body = json.loads((await session.get("/tickets", query)).body)
    return ListPage(body["items"], body["next"])


def repeat(made, module):
    """Has the first record of a page at its end again."""

    async def read(self, session, position, size):
        page = await module.TicketListing.read(self, session, position, size)
        return replace(page, records=[*page.records, page.records[0]])

    listing(read)(made, module)


def classify_wrongly(change):
    def apply(made, module):
        right = made.classify
        made.classify = lambda self, answer: change(answer, right(self, answer))

    return apply


def forget_after(answer, failure):
    return RetryLaterError("later") if isinstance(failure, RetryLaterError) else failure


async def identify_nobody(self, session):
    return Account("7", "ada")


async def identify_anybody(self, session):
    with contextlib.suppress(Exception):
        await session.get("/me", {})
    return Account("7", "ada")


async def identify_anew(self, session):
    await session.get("/me", {})
    identify_anew.times = getattr(identify_anew, "times", 0) + 1
    return Account(str(identify_anew.times), "ada")


async def identify_host(self, session):
    await session.get("/me", {})
    return Account(session.base_url, "ada")


def show_secret(self, configuration):
    if not configuration["oauth.callback.url"]:
        raise InvalidRequestError(f"wrong: {dict(configuration)}")
    return "https://api.example.com/v1"


def go_anywhere(self, configuration):
    return f"https://{configuration['oauth.callback.url'].removeprefix('https://')}.example.com"


def consent_anywhere(self, configuration):
    return Authorization("https://example.com", go_anywhere(self, configuration), ("tickets.read",))


BROKEN = {
    "declares no rate": (declare(calls_per_second=0), "its_declaration_is_sound"),
    "declares no interval": (declare(least_interval_seconds=None), "its_declaration_is_sound"),
    "does not say whether its feed tells deletions": (
        resource(strategies=(Strategy.FEED,)),
        "its_declaration_is_sound",
    ),
    "has a password that is no secret": (declare(fields=(Field("password", "P"),)), "what_is_secret_is"),
    "fails by a wrong value": (declare(find_host=fail), "a_wrong_configuration_is_refused"),
    "says where its provider is without https": (
        declare(find_host=lambda *_: "api.example.com/v1"),
        "a_wrong_configuration_is_refused",
    ),
    "says where to consent without https": (
        declare(
            find_authorization=lambda *_: Authorization("example.com/authorize", "example.com/token", ())
        ),
        "a_wrong_configuration_is_refused",
    ),
    "goes to any host": (declare(find_host=go_anywhere), "a_wrong_configuration_is_refused"),
    "gives its secret to any host": (
        declare(find_authorization=consent_anywhere),
        "a_wrong_configuration_is_refused",
    ),
    "shows a secret": (declare(find_host=show_secret), "a_wrong_configuration_is_refused"),
    "has a resource that nobody is told of": (resource(name="people"), "its_page_lists"),
    "hides that deletions are not seen": (resource(strategies=(Strategy.TIMESTAMP,)), "its_page_lists"),
    "hides its rate": (declare(calls_per_second=7.0), "its_page_lists"),
    "hides its calls a day": (declare(calls_a_day=1000), "its_page_lists"),
    "hides its interval": (declare(least_interval_seconds=90.0), "its_page_lists"),
    "has two slashes between base URL and path": (
        declare(find_host=lambda *_: "https://api.example.com/v1/"),
        "it_connects_before",
    ),
    "has paths put behind a query": (
        declare(find_host=lambda *_: "https://api.example.com/v1?version=1"),
        "it_connects_before",
    ),
    "calls nobody": (declare(identify=identify_nobody), "it_connects_before"),
    "does not heed the refusal": (declare(identify=identify_anybody), "it_connects_before"),
    "has another account each time": (declare(identify=identify_anew), "the_account_is_stable"),
    "has one account for all": (declare(identify=identify_host), "the_account_is_stable"),
    "reads no token": (declare(read_tokens=lambda *_: Tokens("a", None, None)), "tokens_are_read"),
    "fails without a token": (declare(read_tokens=fail), "tokens_are_read"),
    "takes a redirect for good": (
        classify_wrongly(lambda answer, failure: failure if answer.status >= 400 else None),
        "refusals_say",
    ),
    "does not know a 401": (
        classify_wrongly(lambda _, failure: failure and ConnectorError(str(failure))),
        "refusals_say",
    ),
    "fails at a refusal": (
        classify_wrongly(lambda _, failure: failure and fail()),
        "refusals_say",
    ),
    "gives no quota": (declare(read_quota=lambda *_: None), "refusals_say"),
    "fails at odd headers": (
        declare(read_quota=lambda _, answer: Quota(calls_a_day=int(answer.headers.get("Retry-After", "1")))),
        "refusals_say",
    ),
    "forgets Retry-After": (classify_wrongly(forget_after), "retry_after_is_honoured"),
    "has other dates": (resource(date_format="milliseconds"), "every_list_is_read"),
    "has another id": (resource(id_field="number"), "every_list_is_read"),
    "lists one twice": (repeat, "every_list_is_read"),
    "leaves pages out": (listing(leave_out), "every_list_is_read"),
    "keeps its place in itself": (listing(start_anywhere), "a_restart_amid_a_list"),
    "takes nonsense for nothing": (listing(forgive), "nonsense_is_told"),
    "takes nonsense for an empty page of its feed": (feed(blind=True), "nonsense_is_told"),
    "takes null for nothing": (listing(take_null), "nonsense_is_told"),
    "fails at nonsense": (listing(trust), "nonsense_is_told"),
    "takes nonsense for an account": (declare(identify=identify_host), "nonsense_is_told"),
    "tells a change twice": (feed(again=True), "a_restart_amid_a_feed"),
    "keeps its watermark in itself": (feed(forgets=True), "a_restart_amid_a_feed"),
    "stands still": (feed(misplaced=True), "a_restart_amid_a_feed"),
    "begins too early": (feed(early=True), "a_feed_begins_where"),
    "goes back where nothing is": (feed(back=True), "a_feed_begins_where"),
    "cannot recover": (feed(stuck=True), "a_feed_begins_where"),
    "tells deletions and denies it": (feed(deletes=True), "deletions_are_covered"),
    "tells no deletions and claims it": (feed(tells=True), "deletions_are_covered"),
}
