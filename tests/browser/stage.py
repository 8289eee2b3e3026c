"""A service with a bit of everything that pages show: what runs well, and one of each trouble."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from signalpost.cli.listen import run_listener
from signalpost.instances.orders import Order
from signalpost.instances.wishes import REDIRECT_URI, Wish
from signalpost.model.configuration import EVENTS_ENABLED
from signalpost.polling.status import PollingState
from tests.browser.people import Signed, press, sign_in
from tests.support import EVENTS_CONFIGURATION, World, until

SETTINGS: Mapping[str, Any] = {"retry_schedule_seconds": "0.1,0.1,3600,3600,3600"}
"""Refusals are dead letters at once, an endpoint that is down is next tried in an hour."""

RESOURCES = {
    **EVENTS_CONFIGURATION,
    "users": {"url": "/hubs/documents/users"},
    "groups": {"url": "/hubs/documents/groups", "strategy": "snapshot"},
}
FOLDERS = ("/Shared/Legal", "/Shared/Legal/Contracts", "/Shared/Board")
HOURS = 47
REVOKED = "archive-key"


@dataclass
class Stage:
    """The seeded service, who is signed in, and the numbers of what was made, by name."""

    world: World
    people: dict[str, Signed]
    ids: dict[str, Any] = field(default_factory=dict)


async def connect(world: World, name: str, *tags: str, key: str = "key", **configuration: Any) -> int:
    """Connect an instance and wait for its first poll."""
    body = await world.body(**{"oauth.api.key": key, **configuration})
    body |= {"name": name, "tags": list(tags)}
    body["providerData"]["code"] = await world.authorize(key)
    answer = await world.client.post("/instances", json=body)
    assert answer.status_code == 200, answer.text
    instance_id = answer.json()["id"]
    await world.wait_for_watermark(instance_id)
    return int(instance_id)


async def count(world: World, condition: str, *values: Any) -> int:
    """Count notifications."""
    return int(await world.pool.fetchval(f"SELECT count(*) FROM notification WHERE {condition}", *values))


async def ask(world: World, method: str, path: str, body: Any = None) -> Any:
    """Call the API."""
    answer = await world.client.request(method, path, json=body)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


@asynccontextmanager
async def open_stage(world: World) -> AsyncIterator[Stage]:
    """Seed a world that was opened with ``SETTINGS``, one instance after the other."""
    set_up = await world.service.accounts.joining.make_set_up()
    stage = Stage(world, {role: await sign_in(world, role) for role in ("admin", "operator", "viewer")})
    stage.ids["setup"] = set_up
    await world.service.organizations.create_credentials("Northwind", "api@example.com")
    stage.people["newcomer"] = await sign_in(world, "admin", "joan@example.com", "Northwind")
    await _invite(stage)
    await _save_application(stage)
    async with AsyncExitStack() as stack:
        down = await stack.enter_async_context(run_listener(status=503))
        choosy = await stack.enter_async_context(run_listener(status=422))
        await _add_healthy(stage)
        await _add_paused(stage)
        await _add_dead_letters(stage, choosy)
        await _add_held(stage, down)
        await _add_revoked(stage)
        await _begin_connections(stage)
        for name in ("legal", "claims", "finance", "scans", "archive"):
            slower = {"configuration": {"event.poller.refresh_interval": "5"}}
            await ask(world, "PATCH", f"/instances/{stage.ids[name]}", slower)
        for path in (f"{stage.ids['legal']}/poll", f"{stage.ids['finance']}/release"):
            await press(world, stage.people["operator"], f"/instances/{path}")
        await until(lambda: _is_held(world, stage.ids["finance"]))
        yield stage


async def _invite(stage: Stage) -> None:
    parts = stage.world.service.app.console.state.parts
    session = await parts.sessions.find(stage.people["admin"].token, parts.api.clock())
    assert session is not None
    stage.ids["invitation"] = await parts.accounts.joining.invite(
        session.member, "grace@example.com", "operator"
    )
    stage.ids["member"] = await stage.world.pool.fetchval(
        "SELECT id FROM member WHERE email = 'viewer@example.com'"
    )
    stage.ids["secret"] = await stage.world.pool.fetchval("SELECT min(id) FROM organization_secret")


async def _save_application(stage: Stage) -> None:
    world, parts = stage.world, stage.world.service.app.console.state.parts
    northwind = await world.pool.fetchval("SELECT id FROM organization WHERE name = 'Northwind'")
    secrets = {"oauth.api.key": "key", "oauth.api.secret": "secret"}
    await parts.applications.save(
        northwind, connector="egnyte", name="Northwind's own", secrets=secrets, now=parts.api.clock()
    )
    stage.ids["application"] = await world.pool.fetchval("SELECT max(id) FROM application")


async def _add_healthy(stage: Stage) -> None:
    world = stage.world
    legal = await connect(
        world, "Acme Legal", "Legal", "Production", **{"event.poller.configuration": RESOURCES}
    )
    for number, folder in enumerate(FOLDERS * 4, start=1):
        await world.change(8, folder=folder)
        await until(lambda wanted=8 * number: _is_told(world, legal, wanted))
    await world.control("POST", "records/groups", {"create": [{"displayName": "Counsel"}]})
    await until(lambda: _is_told(world, legal, 8 * 4 * len(FOLDERS) + 1))
    replay = await ask(world, "POST", f"/instances/{legal}/replays", {"sequence": 1})
    stage.ids |= {"legal": legal, "replay": replay["id"]}
    # What was counted in the hours before, so that charts have something to draw.
    await world.pool.execute(
        "INSERT INTO event_hour (instance_id, begin_at, events)"
        " SELECT $1, date_trunc('hour', now()) - make_interval(hours => hour), events"
        " FROM unnest($2::int[], $3::bigint[]) AS made(hour, events)",
        legal,
        list(range(1, HOURS + 1)),
        [int(80 + 70 * math.sin(hour / 3.8) + 37 * (hour * 7 % 5)) for hour in range(1, HOURS + 1)],
    )


async def _is_told(world: World, instance_id: int, events: int) -> bool:
    found = await world.pool.fetchval("SELECT count(*) FROM event WHERE instance_id = $1", instance_id)
    pending = await count(world, "instance_id = $1 AND state = 'pending'", instance_id)
    return bool(found >= events and not pending)


async def _add_paused(stage: Stage) -> None:
    stage.ids["scans"] = await connect(stage.world, "Scans 2024", "Archive", key="scans-key")
    await press(stage.world, stage.people["operator"], f"/instances/{stage.ids['scans']}/pause")


async def _add_dead_letters(stage: Stage, choosy: Any) -> None:
    world = stage.world
    callback = {"event.notification.callback.url": choosy.url + "/hooks/claims"}
    claims = stage.ids["claims"] = await connect(world, "Claims", "Production", key="claims-key", **callback)
    for _ in range(3):
        before = await count(world, "instance_id = $1 AND state = 'dead'", claims)
        await world.change(1, folder="/Shared/Claims")
        await until(lambda wanted=before + 1: _has_dead(world, claims, wanted))
    choosy.status = 200
    await world.change(4, folder="/Shared/Claims")
    await until(lambda: count(world, "instance_id = $1 AND state = 'delivered'", claims))
    stage.ids["dead"] = await world.pool.fetchval(
        "SELECT id FROM notification WHERE instance_id = $1 AND state = 'dead' ORDER BY id LIMIT 1", claims
    )


async def _has_dead(world: World, instance_id: int, wanted: int) -> bool:
    return await count(world, "instance_id = $1 AND state = 'dead'", instance_id) >= wanted


async def _add_held(stage: Stage, down: Any) -> None:
    world = stage.world
    callback = {"event.notification.callback.url": down.url + "/hooks/finance"}
    finance = stage.ids["finance"] = await connect(
        world, "Acme Finance", "Production", key="finance-key", **callback
    )
    await world.change(12, folder="/Shared/Finance", actions=["create", "update"])
    await until(
        lambda: world.pool.fetchval("SELECT failing_since FROM endpoint WHERE instance_id = $1", finance)
    )
    await until(lambda: _is_told(world, stage.ids["legal"], 116))
    row = await world.pool.fetchrow(
        "SELECT event.id, notification_id FROM event WHERE instance_id = $1 ORDER BY sequence DESC LIMIT 1",
        stage.ids["legal"],
    )
    stage.ids |= {"event": row["id"], "delivery": row["notification_id"]}


async def _is_held(world: World, instance_id: int) -> bool:
    """Whether the callback's next attempt is an hour away."""
    asked = "SELECT due_at > now() + interval '1 minute' FROM endpoint WHERE instance_id = $1"
    return bool(await world.pool.fetchval(asked, instance_id))


async def _add_revoked(stage: Stage) -> None:
    world = stage.world
    archive = stage.ids["archive"] = await connect(world, "Archive", "Archive", key=REVOKED)
    await world.control("POST", "revoke", {"client_id": REVOKED})
    await until(lambda: _is_refused(world, archive))


async def _is_refused(world: World, instance_id: int) -> bool:
    status = await ask(world, "GET", f"/instances/{instance_id}/polling")
    return bool(status["state"] == PollingState.NEEDS_AUTHORISATION)


async def _begin_connections(stage: Stage) -> None:
    """Leave a connect link open, and a connection that was refused at the provider."""
    world, parts = stage.world, stage.world.service.app.console.state.parts
    session = await parts.sessions.find(stage.people["admin"].token, parts.api.clock())
    assert session is not None
    body = await world.body()
    configuration = {key: value for key, value in body["configuration"].items() if isinstance(value, str)}
    configuration |= {REDIRECT_URI: f"{world.url}/oauth/callback", EVENTS_ENABLED: "true"}
    for name, by_link in (("Northwind Contracts", True), ("Acme Board", False)):
        wish = Wish(connector="egnyte", name=name, tags=[], configuration=dict(configuration))
        stage.ids[name] = await parts.consents.begin(session.member, Order(wish), by_link=by_link)
    stage.ids["link"] = parts.consents.write_link(stage.ids["Northwind Contracts"])
    refused = stage.ids["refused"] = stage.ids["Acme Board"]
    await parts.consents.refuse(await parts.connections.find(refused), "access_denied", "The user said no")
