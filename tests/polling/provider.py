"""A provider in memory, as unkind as providers are, and a connector that reads it: for all three strategies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import orjson

from signalpost.connectors.base import Quota
from signalpost.connectors.resource import ListPage, Resource, Strategy
from signalpost.model.errors import RejectedError, WatermarkLostError
from signalpost.model.event import Change, EventType, Gap, Page

ISO = "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"
CHANGES = Resource(
    "changes",
    "changes",
    "what happened",
    (Strategy.FEED,),
    "object",
    "at",
    "at",
    ISO,
    feed_tells_deletions=True,
)
THINGS = Resource(
    "things", "things", "dated", (Strategy.TIMESTAMP, Strategy.SNAPSHOT), "id", "updated", "created", ISO
)
MEMBERS = Resource("members", "members", "undated", (Strategy.SNAPSHOT,), "id")


@dataclass
class Provider:
    """What the provider knows. ``skew`` is how far its clock is from ours; it ticks in whole seconds.

    ``listed`` stands for the list whatever is known; ``endless`` gives the next page's name for ever. ``repeats``: so many
    changes before a page stand in it once more.
    """

    now: datetime = datetime(2026, 5, 28, 12, tzinfo=UTC)
    skew: timedelta = timedelta(0)
    page_size: int = 3
    repeats: int = 0
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    oldest_kept: int = 1
    first_id: int = 1
    lost: list[dict[str, Any]] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    shuffle: Random | None = None
    failures: list[tuple[int, Exception]] = field(default_factory=list)
    meanwhile: list[tuple[int, Callable[[], None]]] = field(default_factory=list)
    calls: int = 0
    listed: list[Any] | None = None
    endless: Callable[[str | None], str] | None = None
    feed_failure: Exception | None = None
    pause: Callable[[], Awaitable[None]] | None = None

    def clock(self) -> datetime:
        return self.now

    def read_clock(self) -> datetime:
        return (self.now + self.skew).replace(microsecond=0)

    def write(
        self, object_id: str, value: int, *, dated: datetime | None = None, created: datetime | None = None
    ) -> None:
        """Create or change an object, with the provider's date or another."""
        at = dated or self.read_clock()
        before = self.records.get(object_id)
        made = created or (datetime.fromisoformat(before["created"]) if before else at)
        self.records.pop(object_id, None)
        self.records[object_id] = {
            "id": object_id,
            "value": value,
            "created": made.isoformat(timespec="milliseconds"),
            "updated": at.isoformat(timespec="milliseconds"),
        }
        self._note("update" if before else "create", object_id, value)

    def delete(self, object_id: str) -> None:
        if self.records.pop(object_id, None) is not None:
            self.deleted.add(object_id)
            self._note("delete", object_id, None)

    def _note(self, action: str, object_id: str, value: int | None) -> None:
        last = self.log[-1]["id"] if self.log else self.first_id - 1
        self.log.append(
            {
                "id": last + 1,
                "object": object_id,
                "action": action,
                "value": value,
                "at": self.read_clock().isoformat(),
            }
        )

    def drop(self, number: int) -> None:
        """No longer keep the oldest changes."""
        self.oldest_kept = min(self.oldest_kept + number, self.log[-1]["id"] + 1 if self.log else 1)

    def count_anew(self) -> None:
        """Restart the numbers of changes, as a domain restored from a backup does."""
        self.lost.extend(self.log)
        self.log, self.oldest_kept, self.first_id = [], 1, 1

    def call(self) -> None:
        """One call: what was ordered for it happens first."""
        self.calls += 1
        self.meanwhile, due = _take(self.meanwhile)
        for act in due:
            act()
        self.failures, broken = _take(self.failures)
        if broken:
            raise broken[0]


def _take(waiting: list[tuple[int, Any]]) -> tuple[list[tuple[int, Any]], list[Any]]:
    return [(left - 1, each) for left, each in waiting if left > 0], [
        each for left, each in waiting if left <= 0
    ]


class ProviderFeed:
    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def find_start(self, session: Any, start_at: datetime | None) -> dict[str, Any]:
        self._provider.call()
        log = self._provider.log
        if start_at is None:
            return {"id": log[-1]["id"] if log else 0}
        kept = (each for each in log if each["id"] >= self._provider.oldest_kept)
        since = [each for each in kept if datetime.fromisoformat(each["at"]) >= start_at]
        return {"id": since[0]["id"] - 1 if since else log[-1]["id"] if log else 0}

    async def read(self, session: Any, watermark: dict[str, Any], *, verify: bool) -> Page:
        provider = self._provider
        if provider.pause is not None:
            await provider.pause()
        provider.call()
        if provider.feed_failure is not None:
            raise provider.feed_failure
        after = watermark["id"]
        latest = provider.log[-1]["id"] if provider.log else 0
        if after < provider.oldest_kept - 1 or (verify and after > latest):
            message = "gone"
            raise WatermarkLostError(message)
        new = [row for row in provider.log if row["id"] > after][: provider.page_size]
        repeated = [row for row in provider.log if after - provider.repeats < row["id"] <= after]
        rows = repeated + new
        changes = [self._change(row, index) for index, row in enumerate(rows)]
        return Page(
            tuple(orjson.dumps(row).decode() for row in rows),
            tuple(changes),
            {"id": new[-1]["id"]} if new else watermark,
            more=len(new) == provider.page_size,
        )

    def _change(self, row: dict[str, Any], index: int) -> Change:
        kind = EventType.DELETED if row["action"] == "delete" else EventType.CREATED
        return Change(
            f"{row['id']}@{row['at']}", row["object"], "thing", kind, datetime.fromisoformat(row["at"]), index,
            creates_or_updates=kind is EventType.CREATED,
        )  # fmt: skip

    async def recover(self, session: Any, watermark: dict[str, Any]) -> Gap:
        self._provider.call()
        return Gap("lost", watermark, {"id": self._provider.oldest_kept - 1})


class ProviderListing:
    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def read(self, session: Any, position: str | None, size: int | None) -> ListPage:
        provider = self._provider
        if provider.pause is not None:
            await provider.pause()
        provider.call()
        if position is not None and not position.isdigit():
            message = "no such page"
            raise RejectedError(message)
        rows = list(provider.records.values()) if provider.listed is None else list(provider.listed)
        if provider.endless is not None:
            return ListPage(rows, provider.endless(position))
        if provider.shuffle is not None:
            provider.shuffle.shuffle(rows)
        start, size = int(position or 0), size or provider.page_size
        found = rows[start : start + size]
        return ListPage(
            [dict(row) if isinstance(row, dict) else row for row in found],
            str(start + size) if len(found) == size else None,
        )


class ProviderConnector:
    """A connector of the provider; only what polling uses."""

    key, id, name, description, hub = "simulated", 1, "Simulated", "", "tests"
    fields: Sequence[Any] = ()
    resources = (CHANGES, THINGS, MEMBERS)
    calls_per_second, calls_a_day, least_interval_seconds = 1000.0, None, 0.0

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def open_feed(self, resource: Resource, parameters: Any, id_field: str) -> ProviderFeed:
        return ProviderFeed(self._provider)

    def open_listing(self, resource: Resource, parameters: Any, conditions: Any) -> ProviderListing:
        return ProviderListing(self._provider)

    def read_quota(self, answer: Any) -> Quota:
        return Quota()


class ProviderSession:
    calls, is_calling, was_answered, allowance = 0, False, False, None
