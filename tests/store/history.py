"""Instances with a past: pages committed at any time, and what became of their notifications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any
from uuid import uuid4

import asyncpg

from signalpost.model.delivery import PageContext
from signalpost.model.event import Event, EventType
from signalpost.model.ids import InstanceId, OrganizationId, UserId, derive_event_id
from signalpost.model.instance import Account, Tokens
from signalpost.store.events import Events
from signalpost.store.instance_rows import InstanceDraft
from signalpost.store.instances import Instances
from signalpost.store.organizations import Organizations
from signalpost.store.page_commit import Contents, PageCommit, PageRows
from signalpost.store.vault import Vault, make_secret

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
CONTEXT = PageContext("egnyte", "documents", "events", "Name", (), 1, 1, full_raw=False)


def change(commit: PageCommit, **changes: Any) -> PageCommit:
    """Give the commit with these changes, of itself or of its contents; ``remembered`` is a list here."""
    if "remembered" in changes:
        changes["remembered"] = {each.object_id: each for each in changes["remembered"]}
    contents = {name: changes.pop(name) for name in ("pages", "remembered", "forgotten") if name in changes}
    return replace(commit, contents=replace(commit.contents, **contents), **changes)


@dataclass
class Past:
    """An instance of which anything may have happened."""

    pool: asyncpg.Pool
    organization_id: OrganizationId
    instance_id: InstanceId
    poll_id: int
    version: int = 0
    changes: Any = field(default_factory=count)
    token: str = ""

    async def commit(
        self,
        at: datetime,
        objects: Sequence[str],
        *,
        event_type: EventType = EventType.CREATED,
        **changes: Any,
    ) -> int:
        """Commit a page with an event for each object; give the page's id."""
        events = [
            Event(
                id=derive_event_id(self.instance_id, "events", str(next(self.changes))),
                object_id=name,
                object_type="file",
                event_type=event_type,
                occurred_at=at,
                record_index=index,
            )
            for index, name in enumerate(objects)
        ]
        page = PageCommit(
            instance_id=self.instance_id,
            poll_id=self.poll_id,
            resource="events",
            version=self.version,
            watermark={"id": self.version},
            polled_at=at,
            context=CONTEXT,
            contents=Contents(
                [
                    PageRows(
                        [f'{{"id": "{name}", "about": "{uuid4()}"}}' for name in objects],
                        events,
                        [""] * len(events),
                    )
                ]
            ),
        )
        self.version += 1
        await Events(self.pool).commit_page(change(page, **changes))
        return await self.pool.fetchval("SELECT max(id) FROM page WHERE instance_id = $1", self.instance_id)

    async def end(self, page_id: int, state: str = "delivered", *, attempts: int = 1) -> None:
        """Have the notifications of a page end in a state, after attempts."""
        await self.pool.execute(
            "UPDATE notification SET state = $2, attempts = $3, delivered_at = created_at WHERE page_id = $1",
            page_id,
            state,
            attempts,
        )
        await self.pool.execute(
            "INSERT INTO attempt (notification_id, number, started_at, duration_milliseconds, status, error)"
            " SELECT id, number, created_at, 5, CASE WHEN number = $2 AND state = 'delivered' THEN 200 ELSE 500 END,"
            " CASE WHEN number = $2 AND state = 'delivered' THEN NULL ELSE 'the callback answered 500' END"
            " FROM notification, generate_series(1, $2) AS number WHERE page_id = $1",
            page_id,
            attempts,
        )


async def make_past(
    pool: asyncpg.Pool, organization_id: OrganizationId | None = None, *, operations: bool = False
) -> Past:
    """Make an instance, in an organization of its own unless one is given."""
    organizations, name = Organizations(pool), uuid4().hex
    if organization_id is None:
        await organizations.create_credentials(name, f"{name}@example.com")
        organization_id = OrganizationId(
            await pool.fetchval("SELECT id FROM organization WHERE name = $1", name)
        )
    user_id = await pool.fetchval("SELECT min(id) FROM member WHERE organization_id = $1", organization_id)
    configuration = {"subdomain": "acme"}
    if operations:
        configuration["event.notification.operations.url"] = "https://example.com/operations"
    draft = InstanceDraft(
        connector="egnyte",
        name=name,
        tags=[],
        configuration=configuration,
        secret_keys=frozenset(),
        account=Account("a", "a"),
        interval_seconds=60,
        resources={"events": {"url": "/hubs/documents/events"}},
        callback_url="https://example.com/",
        full_raw=False,
    )
    instance = await Instances(pool, Vault([KEY])).create(
        draft,
        organization_id=organization_id,
        user_id=UserId(user_id),
        token=make_secret(),
        tokens=Tokens("t", None, None),
    )
    poll = await pool.fetchrow("SELECT id, version FROM resource_poll WHERE instance_id = $1", instance.id)
    return Past(pool, organization_id, instance.id, poll["id"], poll["version"])
