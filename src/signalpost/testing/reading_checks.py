"""The checks of what a connector reads: lists and feeds, whole, again from each place, and from nonsense."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from signalpost.connectors.containment import FAULT, guard
from signalpost.connectors.resource import Resource, Session, Strategy
from signalpost.model.errors import SignalpostError
from signalpost.model.event import EventType, Gap
from signalpost.model.instance import Account
from signalpost.polling.configuration import match_resource, write_configuration
from signalpost.polling.records import RecordReader
from signalpost.testing.recorded import MOST_PAGES, Harness, list_unasked, make_answer

NO_LISTS = (b"<html>sign in</html>", b'"text"', b"7", b"null")
"""Answers with status 200 that proxies and pages of errors give: none of them is an empty list."""
ODD = (*NO_LISTS, b"[]", b"{}", b"[1]", b'{"items": 7}', b"\xff\xfe", b'{"id": {"nested": []}}')


class ReadingChecks(Harness):
    """Checks of one connector's lists and feeds, as tests to inherit: a part of ``ConnectorSuite``."""

    def test_every_list_is_read_to_its_end(self) -> None:
        """Each resource: there is a record, each has its id and dates as declared, and no id comes twice.

        All ``answers`` at the path of a list are asked for: one that is not may be a page that is never read.
        """
        calls: list[str] = []
        others: list[str] = []

        async def identify() -> None:
            async with self.open() as (session, provider, _):
                await self.make_connector().identify(session)
                others.extend(provider.calls)

        async def act(resource: Resource) -> None:
            connector = self.make_connector()
            configuration = write_configuration(resource, connector)
            for name, value in self.parameters.get(resource.name, {}).items():
                configuration["url"] = re.sub(rf"([?&]{name}=)", rf"\g<1>{value}", configuration["url"])
            polled = match_resource(resource.name, configuration, connector)
            reader = RecordReader(polled.id_field, polled.updated, polled.created, datetime.now(UTC))
            own = others if Strategy.FEED in resource.strategies else calls
            records = [record for page in await self.read_pages(resource, own) for record in page.records]
            assert records, f"{resource.name}: there is no record to check; give answers that have some"
            read = [reader.read(record) for record in records]
            problems = sorted({problem for each in read for problem in each.problems})
            assert not problems, f"{resource.name}: {'; '.join(problems)}"
            if Strategy.FEED not in resource.strategies:
                assert len({each.object_id for each in read}) == len(read), (
                    f"{resource.name}: an id comes twice"
                )

        self.run_for_each(act)
        asyncio.run(identify())
        unasked = list_unasked(self.answers, calls, others)
        assert not unasked, f"no list asks for {', '.join(unasked)} of the answers: is each read to its end?"

    def test_a_restart_amid_a_list_loses_and_repeats_nothing(self) -> None:
        """From each page's position another process reads the same page."""

        async def act(resource: Resource) -> None:
            pages = await self.read_pages(resource)
            for number, page in enumerate(pages[:-1]):
                async with self.open() as (session, _, _):
                    again = await self.open_listing(resource).read(session, page.next, None)
                assert list(again.records) == list(pages[number + 1].records), (
                    f"{resource.name}: from {page.next!r} on another connector reads another page"
                )

        self.run_for_each(act)

    def test_a_restart_amid_a_feed_loses_and_repeats_nothing(self) -> None:
        """Ids of changes are unique; another process reads on from each watermark, by the same ids."""

        async def act(resource: Resource) -> None:
            if Strategy.FEED not in resource.strategies:
                return
            pages = await self.follow(resource)
            told = [[change.change_id for change in page.changes] for page in pages]
            ids = [each for page in told for each in page]
            assert ids, f"{resource.name}: there is no change to check; give answers that have some"
            assert len(set(ids)) == len(ids), f"{resource.name}: two changes have the same id"
            for page, following in zip(pages, [*told[1:], []], strict=True):
                again = await self.read_after(resource, json.loads(json.dumps(page.watermark)))
                assert [change.change_id for change in again.changes] == following, (
                    f"{resource.name}: from {page.watermark} on another connector reads other changes"
                )

        self.run_for_each(act)

    def test_a_feed_begins_where_it_is_told(self) -> None:
        """From now on nothing has happened yet; an empty page does not lead back; a lost watermark is recovered."""

        async def act(resource: Resource) -> None:
            if Strategy.FEED not in resource.strategies:
                return
            async with self.open() as (session, _, _):
                now = await guard(self.open_feed(resource), "find_start", dict, session, None)
            page = await self.read_after(resource, now)
            assert not page.changes, (
                f"{resource.name}: find_start gave {now} for now, and changes follow that"
            )
            page = await self.read_after(resource, page.watermark or {})
            assert not page.changes, f"{resource.name}: an empty page leads back, to what was told"
            try:
                async with self.open() as (session, _, _):
                    gap = await guard(self.open_feed(resource), "recover", Gap, session, now)
                await self.read_after(resource, gap.to_watermark)
            except SignalpostError as error:
                assert not str(error).startswith(FAULT), f"{resource.name}: {error}"

        self.run_for_each(act)

    def test_deletions_are_covered_or_declared_absent(self) -> None:
        """A feed that is declared to tell deletions tells one here, any other none."""

        async def act(resource: Resource) -> None:
            if Strategy.FEED not in resource.strategies:
                return
            pages = await self.follow(resource)
            deleted = any(change.event_type is EventType.DELETED for page in pages for change in page.changes)
            declared = resource.feed_tells_deletions
            assert deleted == declared, (
                f"{resource.name}: feed_tells_deletions is {declared}, and here {deleted}"
            )

        self.run_for_each(act)

    def test_nonsense_is_told_and_never_taken_for_an_empty_list(self) -> None:
        """Whatever is answered with status 200: a page, or an error made on purpose; of HTML never a page."""

        async def attempt(step: Callable[[Session], Awaitable[Any]], body: bytes, what: str) -> None:
            async with self.open(first=[make_answer(body)] * MOST_PAGES) as (session, _, _):
                try:
                    await step(session)
                except SignalpostError as error:
                    assert not str(error).startswith(FAULT), f"{what}, answered {body!r}: {error}"
                else:
                    assert body not in NO_LISTS, f"{what} takes {body!r} for an answer with nothing in it"

        async def act(resource: Resource) -> None:
            for body in ODD:
                for strategy in {Strategy.SNAPSHOT, Strategy.FEED} & {
                    Strategy.SNAPSHOT,
                    *resource.strategies,
                }:
                    await attempt(partial(self.read_once, resource, strategy), body, resource.name)

        async def identify(session: Session) -> None:
            await guard(self.make_connector(), "identify", Account, session)

        for body in ODD:
            asyncio.run(attempt(identify, body, "identify"))
        self.run_for_each(act)
