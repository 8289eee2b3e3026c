"""A provider for tests of a connector: recorded answers, or one that runs; reached by the service's own session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest
from starlette.datastructures import Headers

from signalpost.connectors.authorising import authorise
from signalpost.connectors.base import Connector
from signalpost.connectors.budget import Budget
from signalpost.connectors.containment import FAULT, guard
from signalpost.connectors.pacing import Pace, Timer
from signalpost.connectors.resource import Feed, Listing, ListPage, Resource, Session, Strategy
from signalpost.connectors.session import ProviderSession
from signalpost.instances.tokens import FixedToken
from signalpost.model.configuration import OLDEST
from signalpost.model.errors import SignalpostError
from signalpost.model.event import Page, Watermark
from signalpost.outbound import Answer, Outbound
from signalpost.polling.strategies.reading import read_list

MOST_PAGES = 100
"""Pages of a feed that a check reads on for."""

Answers = Mapping[str, Any]
"""By path and query: an ``Answer``, or what its body is as JSON. A query need not have all parameters of a call.

Of a POST the key is ``POST /path``, or ``POST /path {"cursor": "c1"}``: what stands behind the path must be in the body
of the call, which may have more.
"""


def make_answer(value: Any, *, status: int = 200, **headers: str) -> Answer:
    """Make an answer with a body of JSON, or of these bytes; ``Retry_After`` becomes the header ``Retry-After``."""
    body = value if isinstance(value, bytes) else orjson.dumps(value)
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, Headers(named), body, truncated=False, seconds=0.0)


class HastyTime:
    """Time for a pace: it goes by as soon as somebody waits; ``waited_seconds`` is how much did."""

    def __init__(self) -> None:
        self.waited_seconds = 0.0

    def monotonic(self) -> float:
        """Give the time."""
        return self.waited_seconds

    def later(self, seconds: float, act: Callable[[], None]) -> Timer:
        """Let the time pass, and act (``session.CallLater``)."""

        def pass_by() -> None:
            self.waited_seconds += seconds
            act()

        return asyncio.get_running_loop().call_soon(pass_by)


class Provider:
    """Answers in the place of ``outbound.Outbound``: with ``first``, then from ``answers``, else by ``outbound``.

    ``calls`` has what was asked for.
    """

    def __init__(
        self,
        base_url: str,
        answers: Answers,
        *,
        first: Sequence[Answer] = (),
        outbound: Outbound | None = None,
    ) -> None:
        self.calls: list[str] = []
        self._base_url = base_url
        self._answers = answers
        self._first = list(first)
        self._outbound = outbound

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], max_bytes: int, body: bytes | None
    ) -> Answer:
        """Answer one request."""
        place = url.removeprefix(self._base_url)
        if wrong := _find_wrong_address(self._base_url, place):
            pytest.fail(f"the connector asked for {url}: {wrong}")
        if method != "GET":
            place = f"{method} {place}" + ("" if body is None else f" {body.decode()}")
        self.calls.append(place)
        if self._first:
            return self._first.pop(0)
        found = find_answer(self._answers, place)
        if found is not None:
            return found
        if self._outbound is None:
            known = ", ".join(self._answers) or "nothing"
            pytest.fail(f"the connector asked for {place}, which the answers do not have; they have {known}")
        return await self._outbound.request(method, url, headers=headers, max_bytes=max_bytes, body=body)


def _find_wrong_address(base_url: str, place: str) -> str:
    """Say why base URL and path are none together, "" if they are: each may be well alone, and answers are by path."""
    if set(base_url) & {"?", "#"}:
        return "find_host gave a URL with a query, and paths are put behind that"
    if base_url.endswith("/") and place.startswith("/"):
        return "find_host gave a URL that ends with a slash, and the path begins with one"
    return ""


def find_answer(answers: Answers, place: str) -> Answer | None:
    """Find the answer for a call of ``place``: of those of which it has all that they name, that which names most."""
    known = _find_known(answers, place)
    if known is None:
        return None
    found = answers[known]
    return found if isinstance(found, Answer) else make_answer(found)


def _find_known(answers: Answers, place: str) -> str | None:
    asked, told = _take_apart(place)
    best, most = None, -1
    for known in answers:
        wanted, named = _take_apart(known)
        if wanted == asked and named <= told and len(named) > most:
            best, most = known, len(named)
    return best


def list_unasked(answers: Answers, calls: Sequence[str], others: Sequence[str]) -> list[str]:
    """List the answers at the paths of ``calls`` that neither these nor ``others`` asked for."""
    asked = {_find_known(answers, place) for place in (*calls, *others)}
    paths = {_take_apart(place)[0] for place in calls}
    return [known for known in answers if known not in asked and _take_apart(known)[0] in paths]


def _take_apart(call: str) -> tuple[tuple[str, str], set[tuple[str, str]]]:
    """Give method and path of a call, and what it tells by its query and its body: each place, with its value."""
    method, _, rest = call.partition(" ") if call.startswith("POST ") else ("GET", "", call)
    place, _, body = rest.partition(" ")
    parts = urlsplit(place)
    told = {(f"?{name}", text) for name, text in parse_qsl(parts.query, keep_blank_values=True)}
    return (method, parts.path), told | (set(_list_values("", orjson.loads(body))) if body else set())


def _list_values(place: str, value: Any) -> Iterator[tuple[str, str]]:
    """List all that is in a value of JSON, each with its place."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _list_values(f"{place}.{name}", each)
    else:
        yield place, orjson.dumps(value).decode()


def open_session(
    connector: Connector, configuration: Mapping[str, str], token: str, provider: Provider, time: HastyTime
) -> ProviderSession:
    """Open a session as the service does, to ``provider``; nothing waits in it."""
    return ProviderSession(
        connector=connector,
        base_url=connector.find_host(configuration),
        outbound=cast("Outbound", provider),
        tokens=FixedToken(token),
        pace=Pace(connector.calls_per_second, time.monotonic, time.later),
        budget=Budget(None, lambda: datetime.now(UTC)),
        for_user=True,
        authorise=partial(authorise, connector, configuration),
    )


class Harness:
    """What a suite of checks has to say of its connector, and how the checks read by it."""

    configuration: Mapping[str, str]
    answers: ClassVar[Mapping[str, Any]] = {}
    other_answers: ClassVar[Mapping[str, Any]] = {}
    parameters: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    docs: Path
    token = "the-token-of-the-suite"  # noqa: S105 - a fake
    token_answer: ClassVar[Mapping[str, Any]] = {
        "access_token": "given",
        "refresh_token": "again",
        "expires_in": 3600,
    }

    def make_connector(self) -> Connector:
        """Give a new connector: each stands for another process."""
        raise NotImplementedError

    # How the checks read

    @asynccontextmanager
    async def open(
        self, *, first: Sequence[Answer] = (), answers: Answers | None = None
    ) -> AsyncIterator[tuple[ProviderSession, Provider, HastyTime]]:
        """Open a session; ``first`` is answered before all else, ``answers`` go over those of the suite."""
        connector, time = self.make_connector(), HastyTime()
        known = {**self.answers, **(answers or {})}
        async with Outbound(allow_private=True, connections=10) as outbound:
            provider = Provider(
                connector.find_host(self.configuration),
                known,
                first=first,
                outbound=None if self.answers else outbound,
            )
            yield open_session(connector, self.configuration, self.token, provider, time), provider, time

    def open_listing(self, resource: Resource) -> Listing:
        """Open a resource as a list, on a new connector."""
        return self.make_connector().open_listing(resource, self.parameters.get(resource.name, {}), ())

    def open_feed(self, resource: Resource) -> Feed:
        """Open a resource as a feed, on a new connector."""
        return self.make_connector().open_feed(resource, self.parameters.get(resource.name, {}), "")

    async def read_pages(self, resource: Resource, calls: list[str] | None = None) -> list[ListPage]:
        """Read a list to its end; ``calls`` gets what was asked for."""
        async with self.open() as (session, provider, _):
            pages = [page async for page in read_list(self.open_listing(resource), session, None)]
        if calls is not None:
            calls += provider.calls
        return pages

    async def follow(self, resource: Resource) -> list[Page]:
        """Read a feed from its oldest change to its end."""
        async with self.open() as (session, _, _):
            feed = self.open_feed(resource)
            watermark = await self.find_oldest(feed, session)
            pages: list[Page] = []
            while len(pages) < MOST_PAGES:
                given = deepcopy(watermark)
                page: Page = await guard(feed, "read", Page, session, given, verify=False)
                pages.append(page)
                if not page.more:
                    return pages
                assert page.watermark is not None
                assert page.watermark != watermark, (
                    f"{resource.name}: more follows {watermark}, but from there on"
                )
                watermark = page.watermark
        pytest.fail(f"{resource.name}: the feed does not end within {MOST_PAGES} pages")

    async def read_after(self, resource: Resource, watermark: Watermark) -> Page:
        """Read the page of a feed after a watermark, on a new connector."""
        async with self.open() as (session, _, _):
            page: Page = await guard(self.open_feed(resource), "read", Page, session, watermark, verify=False)
            return page

    async def find_oldest(self, feed: Feed, session: Session) -> Watermark:
        """Find where a feed begins."""
        start: Watermark = await guard(feed, "find_start", dict, session, OLDEST)
        return start

    async def read_once(self, resource: Resource, strategy: Strategy, session: Session) -> None:
        """Read the first page of a list, or of a feed, whose start is asked for as well."""
        if strategy is not Strategy.FEED:
            await guard(self.open_listing(resource), "read", ListPage, session, None, None)
            return
        feed = self.open_feed(resource)
        async with self.open() as (sound, _, _):
            start = await self.find_oldest(feed, sound)
        try:
            await self.find_oldest(feed, session)
        except SignalpostError as error:
            if str(error).startswith(FAULT):
                raise
        await guard(feed, "read", Page, session, start, verify=False)

    def run_for_each(self, act: Callable[[Resource], Coroutine[Any, Any, None]]) -> None:
        """Run a check of each resource."""
        for resource in self.make_connector().resources:
            asyncio.run(act(resource))
