"""An instance with notifications, in a database without a service: what tests of replays start from."""

from __future__ import annotations

from datetime import UTC, datetime

from signalpost.model.delivery import PageContext
from signalpost.model.event import Event, EventType
from signalpost.model.ids import InstanceId, OrganizationId, UserId, WorkerId, derive_event_id
from signalpost.model.instance import Account, Tokens
from signalpost.store.events import Events
from signalpost.store.instance_rows import InstanceDraft
from signalpost.store.instances import Instances
from signalpost.store.organizations import Organizations
from signalpost.store.page_commit import Contents, PageCommit, PageRows
from signalpost.store.vault import Vault, make_secret
from signalpost.store.workers import Workers

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CONTEXT = PageContext("egnyte", "documents", "events", "Name", ("tag",), 1, 1, full_raw=False)
VAULT = Vault(["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="])
URL = "https://example.com/events"


async def add_instance(pool, *, url=URL, organization="Acme", configuration=None, secret_keys=()):
    organizations = Organizations(pool)
    secrets = await organizations.create_credentials(organization, "ada@example.com")
    caller = await organizations.find_user(secrets["organizationSecret"], secrets["userSecret"])
    draft = InstanceDraft(
        connector="egnyte",
        name="Name",
        tags=["tag"],
        configuration={"subdomain": "acme", **(configuration or {})},
        secret_keys=frozenset(secret_keys),
        account=Account("a", "a"),
        interval_seconds=60,
        resources={"events": {"url": "/hubs/documents/events"}},
        callback_url=url,
        full_raw=False,
    )
    instance = await Instances(pool, VAULT).create(
        draft,
        organization_id=OrganizationId(caller.organization_id),
        user_id=UserId(caller.user_id),
        token=make_secret(),
        tokens=Tokens("t", None, None),
    )
    return instance.id


def draft_again(instance, resources):
    """Give an instance as whoever changes or authorises it sends it back, with other ``resources``."""
    return InstanceDraft(
        instance.connector,
        instance.name,
        [],
        instance.configuration,
        frozenset(),
        instance.account,
        60,
        resources,
        URL,
        full_raw=False,
    )


async def add_notifications(pool, instance_id, states, *, made_at=NOW):
    """Write one notification with one event for each state; give their ids."""
    for _ in states:
        poll = await pool.fetchrow(
            "SELECT id, version FROM resource_poll WHERE instance_id = $1", instance_id
        )
        number = poll["version"] + 1
        event = Event(
            id=derive_event_id(instance_id, "events", str(number)),
            object_id=f"o{number}",
            object_type="file",
            event_type=EventType.CREATED,
            occurred_at=made_at,
            record_index=0,
        )
        await Events(pool).commit_page(
            PageCommit(
                instance_id=InstanceId(instance_id),
                poll_id=poll["id"],
                resource="events",
                version=poll["version"],
                watermark={"id": number},
                polled_at=made_at,
                context=CONTEXT,
                contents=Contents([PageRows([f'{{"id":{number}}}'], [event], [""])]),
            )
        )
    rows = await pool.fetch(
        "SELECT id FROM notification WHERE instance_id = $1 ORDER BY id DESC LIMIT $2",
        instance_id,
        len(states),
    )
    ids = sorted(row["id"] for row in rows)
    for each, state in zip(ids, states, strict=True):
        await pool.execute(
            "UPDATE notification SET state = $2, attempts = $3, failures = $3, dead_at = $4 WHERE id = $1",
            each,
            state,
            3 if state == "dead" else 0,
            made_at if state == "dead" else None,
        )
    return ids


async def add_worker(pool, worker_id):
    await Workers(pool).beat(WorkerId(worker_id), 10.0)
    return WorkerId(worker_id)


async def read_states(pool, ids):
    rows = await pool.fetch("SELECT state FROM notification WHERE id = ANY($1) ORDER BY id", ids)
    return [row["state"] for row in rows]
