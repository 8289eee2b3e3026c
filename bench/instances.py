"""The instances that are measured: connected to the sandbox as a person would, but none of them due by itself."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.model.ids import InstanceId, OrganizationId, UserId
from signalpost.model.instance import Account, Tokens
from signalpost.polling.configuration import default_resources
from signalpost.store.instance_rows import InstanceDraft
from signalpost.store.instances import Instances
from signalpost.store.organizations import Organizations
from signalpost.store.vault import Vault, make_secret

REDIRECT = "https://app.example.com/connected"
SIGNATURE_KEY = "a signature key"
SELDOM_SECONDS = 1e6
"""The interval of all instances: none polls by itself while something else is measured."""


async def create_instances(
    pool: asyncpg.Pool, vault: Vault, access_token: str, callbacks: Sequence[str | None]
) -> list[InstanceId]:
    """Write one instance a callback, before any worker runs (new ones would be due at once)."""
    await Organizations(pool).create_credentials("Bench", "bench@example.com")
    owner = await pool.fetchrow("SELECT organization_id, id FROM member")
    instances = Instances(pool, vault)
    tokens = Tokens(access_token, refresh_token=None, expires_at=None)
    ids: list[InstanceId] = []
    for number, callback in enumerate(callbacks):
        instance = await instances.create(
            draft_instance(f"Bench {number}", callback),
            organization_id=OrganizationId(owner["organization_id"]),
            user_id=UserId(owner["id"]),
            token=make_secret(),
            tokens=tokens,
        )
        ids.append(instance.id)
    await pool.execute("UPDATE instance SET next_poll_at = NULL WHERE id = ANY($1)", ids)
    return ids


def draft_instance(name: str, callback: str | None) -> InstanceDraft:
    """Give an instance of the sandbox, signatures included."""
    return InstanceDraft(
        connector="egnyte",
        name=name,
        tags=["Bench"],
        configuration={
            "subdomain": "acme",
            "oauth.callback.url": REDIRECT,
            "oauth.api.key": "key",
            "oauth.api.secret": "secret",
            "event.notification.enabled": "true",
            "event.notification.callback.url": callback or "",
            "event.notification.signature.key": SIGNATURE_KEY,
        },
        secret_keys=frozenset({"oauth.api.key", "oauth.api.secret", "event.notification.signature.key"}),
        account=Account(id="1", label="bench"),
        interval_seconds=SELDOM_SECONDS,
        resources=default_resources(EgnyteConnector()),
        callback_url=callback,
        full_raw=False,
    )


async def set_watermark(pool: asyncpg.Pool, ids: Sequence[InstanceId], newest: int) -> None:
    """Let the instances have read everything up to the event ``newest``; a poll under way writes no page any more."""
    await pool.execute(
        "UPDATE resource_poll SET watermark = $2, version = version + 1 WHERE instance_id = ANY($1)",
        ids,
        {"id": newest},
    )


async def make_due(pool: asyncpg.Pool, ids: Sequence[InstanceId]) -> None:
    """Have these instances polled at the worker's next tick, the first of them first."""
    await pool.execute(
        "UPDATE instance SET next_poll_at = now() - make_interval(secs => CASE WHEN id = $2 THEN 1 ELSE 0 END)"
        " WHERE id = ANY($1)",
        ids,
        ids[0],
    )
